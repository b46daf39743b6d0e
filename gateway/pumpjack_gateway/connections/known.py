"""The reports of the tenants, kept for some seconds: they are read once for all who ask."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_gateway.connections.reports import Reports
from pumpjack_gateway.times import time_of

FRESH_S = 3.0
RETRY_S = 1.0
"""After the database did not answer."""
SHARE = 0.05
"""At most this part of the time the database works for it: what takes long is read less often."""
TENANTS_MAX = 200


class ReportSource(Protocol):
    """Where the reports are (StoredReports)."""

    async def read(self, tenant_id: str, now: datetime) -> Reports:
        """Raises StorageError."""
        ...


@dataclass(slots=True)
class _Known:
    """reports were read at read_us [µs]; until due_s [s, monotonic] nobody looks again."""

    reports: Reports | None = None
    read_us: int = 0
    due_s: float = 0.0
    trouble: StorageError | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class KnownReports:
    """Reports by tenant. Those that were asked for longest ago are forgotten when too many."""

    def __init__(self, source: ReportSource, clock: Clock, *, fresh_s: float = FRESH_S) -> None:
        self._source = source
        self._clock = clock
        self._fresh_s = fresh_s
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def last(self, tenant_id: str) -> tuple[Reports, int]:
        """The reports and when they were read [µs]; while the database is away those of before.

        Raises StorageError when there are none.
        """
        known = self._known.setdefault(tenant_id, _Known())
        self._known.move_to_end(tenant_id)
        if len(self._known) > TENANTS_MAX:
            self._known.popitem(last=False)
        async with known.turn:
            await self._look(tenant_id, known)
        if known.reports is None:
            raise known.trouble or StorageError("the connections are not known yet")
        return known.reports, known.read_us

    async def _look(self, tenant_id: str, known: _Known) -> None:
        began_s = self._clock.monotonic()
        if began_s < known.due_s:
            return
        now_us = self._clock.now_us()
        try:
            reports = await self._source.read(tenant_id, time_of(now_us))
        except StorageError as error:
            known.trouble, known.due_s = error, self._clock.monotonic() + RETRY_S
            return
        now_s = self._clock.monotonic()
        known.reports, known.trouble, known.read_us = reports, None, now_us
        known.due_s = now_s + max(self._fresh_s, (now_s - began_s) / SHARE)
