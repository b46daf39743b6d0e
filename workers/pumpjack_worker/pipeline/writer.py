"""Drain the journal into the database, oldest first, each batch exactly once.

Exactly once: write_batch moves the journal's cursor from where the last call left it, in the
transaction of the readings; a call whose answer was lost finds the cursor moved and stores nothing
(docs/architecture.md). Only then do the rows leave the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import numpy as np

from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock
from pumpjack_core.errors import JournalError, JournalFull, StorageError, StorageUnavailable
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Int32s, Quarantined
from pumpjack_core.storage.ingest import Ingest, Written
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.alarms.declaration import Declaration
from pumpjack_worker.pipeline.journal import Entry, Journal
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.report import Report

MOST_READINGS = 20_000
LEAST_READINGS = 500
"""What a database that does not answer in time is asked to take at once, in the end."""
LINGER_S = 1.0
SMALL_READINGS = 200
SMALL_LINGER_S = 2.0
"""With hundreds of workers the transactions are the limit, not the rows: wait for more rows."""
_log = get_logger("worker.writer")


class Connect(Protocol):
    """Opens a database session; tests give their own."""

    async def __call__(self) -> Ingest: ...


class Writer:
    """One connection's way from the journal to the database."""

    def __init__(
        self,
        journal: Journal,
        connect: Connect,
        *,
        connection_id: str,
        protocol: str,
        clock: Clock,
        metrics: Metrics,
        on_alarms: Callable[[], None] = lambda: None,
    ) -> None:
        """on_alarms: called when the database has taken transitions."""
        self._journal = journal
        self._connect = connect
        self._connection_id = connection_id
        self._protocol = protocol
        self._clock = clock
        self._metrics = metrics
        self._on_alarms = on_alarms
        self._declaration = Declaration(connection_id)
        self.report = Report(connection_id, clock, journal.added.set)
        """What the database is told of the connection's state."""
        self._tag_ids: dict[str, Int32s] = {}
        self._fence: int | None = None
        self._knows_journal = False
        self._draining = False
        self._has_alarms = False
        """Whether transitions were given to the database, and nobody was told yet."""
        self._closed = False
        self._most = MOST_READINGS
        self.stored_seq = 0
        """The cursor: everything up to this seq is in the database."""
        self.problem: str | None = None
        """Why the database takes nothing now, None while it does."""
        self.fenced = asyncio.Event()
        """Set when another worker of this connection has started after this one."""
        self.stored_us: int | None = None
        """When the last batch was committed, None before the first."""

    async def run(self) -> None:
        """Write until cancelled. What was not written stays in the journal."""
        pause = Backoff(first_s=0.2, most_s=10.0)
        while True:
            try:
                session = await self._connect()
                try:
                    await self._begin(session)
                    self._came_up(pause)
                    await self._drain_forever(session)
                finally:
                    await session.close()
            except StorageError as error:
                self._trouble(f"the database takes no readings: {error}")
                self._most = max(LEAST_READINGS, self._most // 2)
                self._metrics.database_up.set(0)
                await asyncio.sleep(pause.next_s())
            except JournalFull as error:
                self._trouble(f"what the database has cannot leave the journal: {error}")
                await asyncio.sleep(pause.next_s())

    @property
    def problems(self) -> list[str]:
        """What a person should know of the database, a sentence each."""
        return [each for each in (self.problem, self._declaration.problem) if each is not None]

    @property
    def fence(self) -> int | None:
        """Ours; None before the database gave one."""
        return self._fence

    def declare(self, tags: TagTable, *, writes: bool) -> None:
        """Tell the database what is read from now on, and whether it may be written to."""
        self._declaration.change(tags, writes=writes)
        self._journal.added.set()

    async def drained(self) -> None:
        """Write without waiting for more, and return when nothing waits in the journal.

        A database that can be reached is told so: then a journal that is not seen again is not
        missed.
        """
        self._draining = True
        self.report.stops()
        while self._journal.waiting.batches or not (self._closed or self.problem):
            self._journal.added.set()
            await asyncio.sleep(0.02)

    def _trouble(self, problem: str) -> None:
        if self.problem is None:
            _log.warning(f"{problem}; what is read waits in the journal")
        self.problem = problem

    def _came_up(self, pause: Backoff) -> None:
        if self.problem is not None:
            _log.info("readings go from the journal to the database again")
        self.problem = None
        self._metrics.database_up.set(1)
        pause.reset()

    async def _begin(self, session: Ingest) -> None:
        if self._fence is None:
            self._fence = await session.take_fence(self._connection_id, self._protocol)
        else:  # a database that was put back may not know it any more
            await session.know_connection(self._connection_id, self._protocol or None)
        cursor = await session.open_journal(
            self._journal.journal_id, self._connection_id, self._fence, self._journal.follows
        )
        if not self._knows_journal:
            await self._refuse_older_journal(cursor)
            self._knows_journal = True
        await self._tell_restored(session, cursor)
        await self._moved(cursor)
        self._tell_alarms()
        self._tag_ids.clear()
        self._declaration.forgotten()
        self.report.forgotten()

    async def _refuse_older_journal(self, cursor: int) -> None:
        """Below the cursor this process's batches would count as stored, and be removed."""
        if cursor > self._journal.follows:
            await self._journal.renew()
            raise JournalError(
                f"the journal of {self._connection_id} is older than what the database has of it "
                f"(batch {cursor}): its disk was put back to an earlier state; it goes on as a "
                "new journal at the next start, nothing of it is lost"
            )

    async def _tell_restored(self, session: Ingest, cursor: int) -> None:
        """Put on record what the database had and has no more, before the journal forgets it."""
        seq, received_us = self._journal.confirmed
        if cursor < seq:
            _log.error(
                f"the database's cursor went back from {seq} to {cursor}: it was restored from a "
                "backup; what was stored since then is missing from it, and `pumpjack reconcile` "
                "names it"
            )
            await session.tell_restored(self._journal.journal_id, seq, received_us)

    async def _drain_forever(self, session: Ingest) -> None:
        while True:
            if not self._journal.waiting.batches:
                self._declaration.may_be_told()
            await self._declaration.tell(session, self._fence)
            await self.report.tell(session, self._fence)
            await self._wait_for_work()
            self._journal.is_urgent = False
            while entries := await self._journal.oldest(most_readings=self._most):
                await self._write(session, entries)
                self._declaration.may_be_told()
                await self.report.tell(session, self._fence)
                self._most = min(MOST_READINGS, self._most * 2)
                if self._journal.waiting.readings < self._most:
                    break
            if self._draining and not self._journal.waiting.batches and not self._closed:
                await self.report.tell(session, self._fence)
                await session.close_journal(self._journal.journal_id, self.stored_seq)
                self._closed = True

    async def _wait_for_work(self) -> None:
        """Wait for readings, then a moment for more of them.

        Not for more where a full batch waits, or a transition.
        """
        while not self._journal.waiting.batches:
            if self._declaration.is_due or self.report.is_due:
                return
            await self._next_append()
            if self._draining:
                return
        since = self._clock.monotonic()
        while (readings := self._journal.waiting.readings) < MOST_READINGS:
            linger_s = SMALL_LINGER_S if readings < SMALL_READINGS else LINGER_S
            left_s = since + linger_s - self._clock.monotonic()
            if left_s <= 0 or self._hurries:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._next_append()

    @property
    def _hurries(self) -> bool:
        return self._draining or self._journal.is_urgent or self._declaration.is_due

    async def _next_append(self) -> None:
        self._journal.added.clear()
        await self._journal.added.wait()

    async def _write(self, session: Ingest, entries: list[Entry]) -> None:
        entries = [entry for entry in entries if entry.seq > self.stored_seq]
        if not entries:
            await self._journal.remove(self.stored_seq)
            return
        # What a process before this one has left is older news than ours, and told apart.
        left = [entry for entry in entries if entry.seq <= self._journal.follows]
        entries = left or entries
        ids = [await self._ids(session, entry.batch.tags) for entry in entries]
        batches = [entry.batch for entry in entries]
        self._has_alarms |= any(entry.transitions for entry in entries)
        written = await session.write_batch(
            self._journal.journal_id,
            self.stored_seq,
            entries[-1].seq,
            np.concatenate([batch.source_us for batch in batches]),
            np.concatenate([own[batch.tag_index] for own, batch in zip(ids, batches, strict=True)]),
            np.concatenate([batch.quality for batch in batches]),
            np.concatenate([batch.value for batch in batches]),
            [
                _kept_out(item, own)
                for own, entry in zip(ids, entries, strict=True)
                for item in entry.quarantined
            ],
            [
                (int(own[one.tag_index]), one)
                for own, entry in zip(ids, entries, strict=True)
                for one in entry.transitions
            ],
        )
        await self._account(written, entries)
        self._tell_alarms()

    def _tell_alarms(self) -> None:
        """Also of those that were stored although the answer was lost."""
        if self._has_alarms:
            self._has_alarms = False
            self._on_alarms()

    async def _account(self, written: Written, entries: list[Entry]) -> None:
        if written.cursor < self.stored_seq:
            raise StorageUnavailable("the database was put back to an earlier state")
        await self._moved(written.cursor)
        if self._fence is not None and written.fence > self._fence and not self.fenced.is_set():
            self.fenced.set()
            _log.warning(
                f"another worker of {self._connection_id} started after this one; "
                "this one reads no more and only empties its journal"
            )
        if not written.applied:
            _log.info(f"the database had everything up to batch {written.cursor} already")
            return
        now_us = self._clock.now_us()
        self.stored_us = now_us
        self._metrics.stored.inc(written.stored)
        self._metrics.duplicates.inc(written.duplicates)
        self._metrics.shifted.inc(written.shifted)
        self._metrics.quarantined.inc(written.quarantined)
        for entry in entries:
            self._metrics.latency.observe(max(0.0, (now_us - entry.batch.received_us) / 1e6))

    async def _moved(self, cursor: int) -> None:
        self.stored_seq = cursor
        await self._journal.remove(cursor)

    async def _ids(self, session: Ingest, tags: TagTable) -> Int32s:
        """tag_id of each position of a tag table."""
        known = self._tag_ids.get(tags.hash)
        if known is None:
            found = await session.register_series(self._connection_id, tags.tags)
            known = np.array(found, np.int32)
            self._tag_ids[tags.hash] = known
        return known


def _kept_out(item: Quarantined, ids: Int32s) -> tuple[int | None, int, str, str]:
    tag_id = int(ids[item.tag_index]) if item.tag_index >= 0 else None
    return (tag_id, item.us, item.reason, item.raw)
