"""How often a user and a tenant may ask: token buckets, bounded in number."""

from __future__ import annotations

from collections import OrderedDict

from pumpjack_core.clock import Clock
from pumpjack_gateway.auth import Principal

KEYS_MAX = 50_000


class Buckets:
    """A bucket for each key: burst at once, then rate_per_s."""

    def __init__(self, *, rate_per_s: float, burst: float, clock: Clock) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, cost: float = 1.0) -> float:
        """Seconds until there is enough for this cost; 0 when there is now. Takes nothing."""
        return max(0.0, (min(cost, self._burst) - self._level(key)) / self._rate_per_s)

    def take(self, key: str, cost: float = 1.0) -> None:
        """Take the cost out. The keys that were used longest ago are forgotten when too many."""
        self._levels[key] = (self._level(key) - cost, self._clock.monotonic())
        self._levels.move_to_end(key)
        if len(self._levels) > KEYS_MAX:
            self._levels.popitem(last=False)

    def _level(self, key: str) -> float:
        known = self._levels.get(key)
        if known is None:
            return self._burst
        level, at_s = known
        return min(self._burst, level + (self._clock.monotonic() - at_s) * self._rate_per_s)


class Limiter:
    """A person's and a tenant's bucket together."""

    def __init__(self, *, user: Buckets, tenant: Buckets) -> None:
        self._user = user
        self._tenant = tenant

    def wait_s(self, who: Principal, cost: float = 1.0) -> float:
        """0: go on, the cost was taken. Else nothing was, and this many seconds are to wait."""
        person = f"{who.tenant_id}\n{who.issuer}\n{who.subject}"
        wait_s = max(self._user.wait_s(person, cost), self._tenant.wait_s(who.tenant_id, cost))
        if wait_s == 0.0:
            self._user.take(person, cost)
            self._tenant.take(who.tenant_id, cost)
        return wait_s
