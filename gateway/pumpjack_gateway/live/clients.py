"""How many clients are connected, at all and of each tenant."""

from __future__ import annotations

from collections import Counter

from pumpjack_gateway.metrics import Metrics


class Clients:
    """Counts, and says no when there are enough."""

    def __init__(self, *, most: int, most_per_tenant: int, metrics: Metrics) -> None:
        self._most = most
        self._most_per_tenant = most_per_tenant
        self._metrics = metrics
        self._by_tenant: Counter[str] = Counter()
        self.connected = 0
        """All, signed in or not yet."""

    def has_room(self) -> bool:
        """Whether one more may connect."""
        return self.connected < self._most

    def of(self, tenant_id: str) -> int:
        """Those of a tenant that are signed in."""
        return self._by_tenant[tenant_id]

    def enter(self, tenant_id: str) -> bool:
        """Count one more of a tenant; False when it has as many as it may."""
        if self._by_tenant[tenant_id] >= self._most_per_tenant:
            return False
        self._by_tenant[tenant_id] += 1
        self._metrics.clients.labels(tenant_id).set(self._by_tenant[tenant_id])
        return True

    def exit(self, tenant_id: str) -> None:
        """Count one less."""
        self._by_tenant[tenant_id] -= 1
        self._metrics.clients.labels(tenant_id).set(self._by_tenant[tenant_id])
        if self._by_tenant[tenant_id] <= 0:
            del self._by_tenant[tenant_id]
