"""An adapter that needs no device: batches at a rate, or as fast as they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import numpy as np

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.readings import Batch
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Adapter, Delivery


class Synthetic(Adapter):
    """Readings of all tags, `rounds` of them in a batch, every `period_s` (0: flat out)."""

    protocol = "modbus-tcp"
    has_source_time = True

    def __init__(
        self,
        connection: Connection,
        tags: TagTable,
        clock: Clock,
        *,
        rounds: int = 1,
        period_s: float = 1.0,
        phase_s: float = 0.0,
        hold: Callable[[], bool] = lambda: False,
    ) -> None:
        self._tags = tags
        self._clock = clock
        self._rounds = rounds
        self._period_s = period_s
        self._due = clock.monotonic() + phase_s
        self.hold = hold
        self._random = np.random.default_rng(7)
        self._index = np.tile(np.arange(len(tags), dtype=np.int32), rounds)
        self._last_us = 0
        self.sent = 0

    @property
    def rejected(self) -> Mapping[int, str]:
        return {}

    async def connect(self) -> None:
        return

    async def read_batch(self) -> Delivery:
        if self._period_s:
            self._due += self._period_s
            await asyncio.sleep(max(0.0, self._due - self._clock.monotonic()))
        else:
            await asyncio.sleep(0)
            while self.hold():
                await asyncio.sleep(0.005)
        now_us = self._clock.now_us()
        n = len(self._index)
        first_us = max(self._last_us + 1, now_us - self._rounds * 1_000)
        times = first_us + np.repeat(np.arange(self._rounds, dtype=np.int64), len(self._tags))
        self._last_us = int(times[-1])
        values = np.round(100.0 + self._random.standard_normal(n), 3)
        self.sent += n
        batch = Batch(self._tags, self._index, times, values, np.zeros(n, np.int16), now_us)
        return Delivery(batch)

    def apply_tags(self, tags: TagTable) -> None:
        self._tags = tags

    async def close(self) -> None:
        return
