"""The facts of the tenants, kept for some seconds: they are read once for all who ask."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_gateway.overview.facts import FactSource, TenantFacts

FRESH_S = 10.0
RETRY_S = 1.0
"""After the database did not answer."""
SHARE = 0.05
"""At most this part of the time the database works for it: what takes long is read less often."""
TENANTS_MAX = 200


@dataclass(slots=True)
class _Known:
    """facts were read at read_us [µs]; until due_s [s, monotonic] nobody looks again."""

    facts: TenantFacts | None = None
    read_us: int = 0
    due_s: float = 0.0
    trouble: StorageError | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class KnownFacts:
    """Facts by tenant. Those that were asked for longest ago are forgotten when too many."""

    def __init__(self, source: FactSource, clock: Clock, *, fresh_s: float = FRESH_S) -> None:
        self._source = source
        self._clock = clock
        self._fresh_s = fresh_s
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def fresh(self, tenant_id: str) -> tuple[TenantFacts, float]:
        """The facts, and after how many seconds there may be others. Raises StorageError."""
        known = await self._look(tenant_id)
        if known.trouble is not None or known.facts is None:
            raise known.trouble or StorageError("the wells are not known yet")
        return known.facts, max(0.0, known.due_s - self._clock.monotonic())

    async def last(self, tenant_id: str) -> tuple[TenantFacts, int]:
        """The facts and when they were read [µs]; while the database is away those of before.

        Raises StorageError when there are none.
        """
        known = await self._look(tenant_id)
        if known.facts is None:
            raise known.trouble or StorageError("the wells are not known yet")
        return known.facts, known.read_us

    async def _look(self, tenant_id: str) -> _Known:
        known = self._known.setdefault(tenant_id, _Known())
        self._known.move_to_end(tenant_id)
        if len(self._known) > TENANTS_MAX:
            self._known.popitem(last=False)
        async with known.turn:
            began_s = self._clock.monotonic()
            if began_s < known.due_s:
                return known
            try:
                facts = await self._source.read(tenant_id)
            except StorageError as error:
                known.trouble, known.due_s = error, self._clock.monotonic() + RETRY_S
                return known
            now_s = self._clock.monotonic()
            known.facts, known.trouble = facts, None
            known.read_us = self._clock.now_us()
            known.due_s = now_s + max(self._fresh_s, (now_s - began_s) / SHARE)
        return known
