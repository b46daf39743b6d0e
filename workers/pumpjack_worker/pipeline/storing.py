"""What was read, on its two ways: to screens at once, and through the journal to its ack."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

import numpy as np

from pumpjack_core.alarms import Transition
from pumpjack_core.clock import Clock
from pumpjack_core.errors import DeviceError, JournalError, JournalFull
from pumpjack_core.log import get_logger
from pumpjack_core.quality import LEVEL_MASK
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Ack, Adapter, no_ack
from pumpjack_worker.pipeline.alarms.desk import AlarmDesk
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.publisher import Publisher
from pumpjack_worker.pipeline.rate import Rate
from pumpjack_worker.pipeline.unstored import Unstored

ACKS_WAITING = 1_000
"""Deliveries that may wait for the journal; then reading waits too."""
ASK_AGAIN_S = 10.0
"""A disk that was full is tried again after so long."""
_log = get_logger("worker")


class Owed(NamedTuple):
    """Since when readings are left with the device [s], and what then waited in the journal."""

    since_s: float
    waiting_bytes: int


class Storing:
    """Takes batches; each is acknowledged once the journal has it on disk, or never."""

    def __init__(
        self,
        adapter: Adapter,
        journal: Journal,
        publisher: Publisher,
        alarms: AlarmDesk,
        unstored: Unstored,
        *,
        tags: TagTable,
        fenced: asyncio.Event,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """tags: read now. fenced: set when another worker has taken over."""
        self.tags = tags
        self._adapter = adapter
        self._journal = journal
        self._publisher = publisher
        self._alarms = alarms
        self._unstored = unstored
        self._fenced = fenced
        self._clock = clock
        self._metrics = metrics
        self._acks: asyncio.Queue[tuple[asyncio.Future[None], Ack, Batch]] = asyncio.Queue(
            ACKS_WAITING
        )
        self._owed: Owed | None = None
        self.readings = 0
        """How many were taken, since the start."""
        self.rate = Rate(clock)

    async def store(
        self,
        batch: Batch,
        quarantined: tuple[Quarantined, ...] = (),
        ack: Ack = no_ack,
        memo: bytes = b"",
        transitions: tuple[Transition, ...] = (),
    ) -> None:
        """Publish at once and journal; ack follows when the journal has it on disk."""
        n = len(batch)
        if n:
            levels = np.bincount(batch.quality & LEVEL_MASK, minlength=3)
            self._metrics.ingested(levels[:3].tolist())
            self.readings += n
            self.rate.add(n)
        kept = self._alarms.to_journal(batch.tags, transitions) if transitions else ()
        seq = self._journal.take_seq()
        self._publisher.publish(seq, batch, stored=self._journal.full is None)
        done = self._journal.append(
            seq,
            batch,
            quarantined,
            memo,
            kept,
            refused=partial(self._alarms.owe, batch.tags, kept),
            known=self._alarms.known(batch.tags),
        )
        if transitions:
            self._alarms.tell(seq, batch.tags, transitions)
        await self._acks.put((done, ack, batch))

    async def acknowledge(self) -> None:
        """Acknowledge each delivery once the journal has it; never, if it could not."""
        while True:
            done, ack, batch = await self._acks.get()
            try:
                await done
            except JournalError as error:
                await self._not_stored(error, batch, ack)
                if not isinstance(error, JournalFull):
                    raise
            else:
                await self._ack(ack)
                await self.tell_unstored()
            self._acks.task_done()

    async def settled(self) -> None:
        """Return when nothing that was taken waits for the journal."""
        await self._acks.join()

    async def tell_unstored(self) -> None:
        """Have on record what the journal had no room for."""
        if self._unstored.is_open:
            await self._unstored.keep()  # as it is told: after a kill in between it is known again
            self._unstored.record(self.tags)

    def session_began(self) -> None:
        """Nothing is owed any more: a new session brings it by itself."""
        self._owed = None

    def ask_again(self) -> None:
        """Have the device send what the journal had no room for, once there may be room."""
        owed = self._owed
        if owed is None:
            return
        room = self._journal.full is None or self._journal.waiting.bytes < owed.waiting_bytes
        if room or self._clock.monotonic() - owed.since_s >= ASK_AGAIN_S:
            self._owed = None
            self._metrics.journal_full.set(0)
            self._adapter.redeliver()

    async def _ack(self, ack: Ack) -> None:
        """A replaced worker acknowledges nothing, and a device that went away sends it again."""
        if self._fenced.is_set():
            return
        try:
            await ack()
        except DeviceError as error:
            _log.warning(f"a batch could not be acknowledged and will come again: {error}")

    async def _not_stored(self, error: JournalError, batch: Batch, ack: Ack) -> None:
        self._metrics.journal_full.set(1)
        if self._adapter.sends_again and ack is not no_ack:
            if self._owed is None:
                _log.error(f"readings are left with the device, which sends them again: {error}")
                self._owed = Owed(self._clock.monotonic(), self._journal.waiting.bytes)
            return
        is_news = not self._unstored.is_open
        self._unstored.lose(batch, error)
        if is_news:
            await self._unstored.keep()
