"""Which wells a tenant has. Those of others do not exist."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Protocol

import hiredis
from msgspec import Struct

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_gateway.store import UnknownTenant

FRESH_S = 5.0
RETRY_S = 1.0
"""A well that is not in the list makes us look again, but not more often than this."""
TENANTS_MAX = 1_000


class Names(Protocol):
    """Where the wells of a tenant are listed (store.Store)."""

    async def well_ids(self, tenant_id: str) -> frozenset[str]:
        """Raises StorageError."""
        ...


class Caller(Protocol):
    """Who asks Redis (live.link.Link)."""

    async def call(self, *words: str | bytes, limit_s: float = 2.0) -> Any:
        """Raises OSError."""
        ...


class _Known(Struct, frozen=True):
    """What the last look into the database gave: wells, or why there are none to be had."""

    wells: frozenset[str]
    at_s: float
    trouble: StorageError | None = None


class Wells:
    """Knows the wells from the database for some seconds; without it, from the latest hashes."""

    def __init__(self, store: Names, redis: Caller, clock: Clock) -> None:
        self._store = store
        self._redis = redis
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def exists(self, tenant_id: str, well_id: str) -> bool:
        """Whether the tenant has the well. Raises StorageError when nobody can say."""
        known = self._known.get(tenant_id)
        if known is None or self._age_s(known) >= (FRESH_S if well_id in known.wells else RETRY_S):
            known = await self._look(tenant_id)
        if well_id in known.wells:
            return True
        # A well may publish before the database has its first reading.
        if await self._publishes(tenant_id, well_id):
            return True
        if known.trouble is not None:
            raise known.trouble
        return False

    async def _look(self, tenant_id: str) -> _Known:
        wells: frozenset[str] = frozenset()
        trouble = None
        try:
            wells = await self._store.well_ids(tenant_id)
        except UnknownTenant:
            pass
        except StorageError as error:
            trouble = error
        known = self._known[tenant_id] = _Known(wells, self._clock.monotonic(), trouble)
        self._known.move_to_end(tenant_id)
        if len(self._known) > TENANTS_MAX:
            self._known.popitem(last=False)
        return known

    async def _publishes(self, tenant_id: str, well_id: str) -> bool:
        try:
            found: int = await self._redis.call("EXISTS", wire.latest_key(tenant_id, well_id))
        except (OSError, hiredis.ReplyError):
            return False
        return found == 1

    def _age_s(self, known: _Known) -> float:
        return self._clock.monotonic() - known.at_s
