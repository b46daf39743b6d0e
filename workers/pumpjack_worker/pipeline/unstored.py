"""What the journal had no room for: counted, kept over a kill, told once it takes again."""

from __future__ import annotations

import asyncio
from functools import partial

from pumpjack_core.clock import Clock
from pumpjack_core.errors import JournalError
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Batch
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.hole import Hole, Loss
from pumpjack_worker.pipeline.hole_file import HoleFile
from pumpjack_worker.pipeline.journal import Journal
from pumpjack_worker.pipeline.metrics import Metrics

_log = get_logger("worker")


class Unstored:
    """The hole of one connection, if there is one."""

    def __init__(
        self, journal: Journal, file: HoleFile, left: Loss | None, clock: Clock, metrics: Metrics
    ) -> None:
        """left: what a process before this one has lost and could not put on record."""
        self._journal = journal
        self._file = file
        self._clock = clock
        self._metrics = metrics
        self._hole = None if left is None else Hole(left)
        self._telling: Hole | None = None
        """The one that is on its way into the journal."""
        self._kept = left
        self._keeping = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether something is not on record."""
        return self._hole is not None

    def lose(self, batch: Batch, error: JournalError) -> None:
        """The journal has not taken this batch."""
        self._metrics.not_stored.inc(len(batch))
        if self._hole is None:
            _log.error(f"{len(batch)} readings are shown and not stored: {error}")
            self._hole = Hole.of(batch)
        else:
            self._hole.add(batch)

    async def keep(self) -> None:
        """Have on disk what a kill would make us forget. One writes at a time, the newest last."""
        async with self._keeping:
            await self._keep()

    async def _keep(self) -> None:
        loss = None if self._hole is None else self._hole.loss
        if self._telling is not None:
            loss = self._telling.loss if loss is None else loss.plus(self._telling.loss)
        if loss != self._kept and await asyncio.to_thread(self._file.write, loss):
            self._kept = loss

    def record(self, tags: TagTable) -> None:
        """The journal takes batches again: have on record what was lost, and mark it.

        Screens are not told: they showed those readings.
        """
        hole, self._hole = self._hole, None
        if hole is None:
            return
        if self._telling is not None:
            self._hole = hole  # one at a time
            return
        self._metrics.journal_full.set(0)
        note = hole.note()
        _log.warning(f"the journal takes readings again; not stored meanwhile: {note.raw}")
        marks = hole.marks(tags, self._clock.now_us())
        self._telling = hole
        done = self._journal.append(self._journal.take_seq(), marks, (note,))
        done.add_done_callback(partial(self._recorded, len(marks)))

    def _recorded(self, marks: int, done: asyncio.Future[None]) -> None:
        hole, self._telling = self._telling, None
        if hole is None or done.cancelled():
            return
        if done.exception() is None:
            self._metrics.ingested([0, 0, marks])
            return
        if self._hole is not None:  # full again
            hole.join(self._hole)
        self._hole = hole
        self._metrics.journal_full.set(1)
