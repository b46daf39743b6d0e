"""What every session needs of the gateway."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.wire import Reading
from pumpjack_gateway.alarms.feeds import AlarmFeeds
from pumpjack_gateway.audit import Audit
from pumpjack_gateway.auth import Verifier
from pumpjack_gateway.commands.feed import Feeds
from pumpjack_gateway.connections.screen import ConnectionsScreen
from pumpjack_gateway.limits import Limiter
from pumpjack_gateway.live.clients import Clients
from pumpjack_gateway.live.hub import Hub
from pumpjack_gateway.live.outlet import Limits
from pumpjack_gateway.live.tenant_feeds import TenantFeeds
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.overview.screen import OverviewScreen
from pumpjack_gateway.presence.house import Presences


class WellList(Protocol):
    """Which wells a tenant has (wells.Wells)."""

    async def exists(self, tenant_id: str, well_id: str) -> bool:
        """Raises StorageError when nobody can say."""
        ...


class StoredLatest(Protocol):
    """The last stored readings (store.Store)."""

    async def latest(self, tenant_id: str, well_id: str) -> list[Reading]:
        """Raises StorageError."""
        ...


class Service(Struct, frozen=True):
    """What every session needs."""

    hub: Hub
    alarms: AlarmFeeds
    commands: Feeds
    overviews: TenantFeeds[OverviewScreen]
    connections: TenantFeeds[ConnectionsScreen]
    presences: Presences
    clients: Clients
    verifier: Verifier
    wells: WellList
    store: StoredLatest
    limiter: Limiter
    audit: Audit
    metrics: Metrics
    clock: Clock
    auth_limit_s: float
    wells_max: int
    outlet: Limits
