"""The journal: what was read and is not in the database yet, safe on disk.

Appends are committed in groups, at most one commit in 20 ms, the first at once: an fsync costs
more than the rows in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self, TypeVar
from uuid import UUID

from msgspec import Struct

from pumpjack_core.alarms import Transition
from pumpjack_core.clock import Clock
from pumpjack_core.errors import JournalDamaged, JournalFull
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Batch, Quarantined, no_readings
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.durable import write_file
from pumpjack_worker.pipeline.spool import Confirmed, Row, Spool, Waiting

GROUP_S = 0.020
_Result = TypeVar("_Result")
_log = get_logger("worker.journal")


class Entry(NamedTuple):
    """One batch that waits to be written."""

    seq: int
    batch: Batch
    quarantined: tuple[Quarantined, ...]
    transitions: tuple[Transition, ...] = ()


class _Append(Struct):
    """A batch on its way to the disk.

    bare     its payload without transitions
    refused  called when its transitions are not kept; None: it has none
    """

    row: Row
    done: asyncio.Future[None]
    bare: Callable[[], bytes]
    refused: Callable[[], None] | None


class Journal:
    """Async face of a Spool. All calls run on one thread of its own, in the order of the calls."""

    def __init__(self, spool: Spool, folder: Path, clock: Clock) -> None:
        self._spool = spool
        self._folder = folder
        self._clock = clock
        self._next_seq = spool.next_seq
        self.follows = spool.next_seq - 1
        """No earlier process has used a number above this one; 0 for a new journal."""
        self.read_until_us = spool.read_until_us
        """Receipt of the last batch of the process before [µs], None when there was none."""
        self.known = spool.known
        """What alarms were decided by in the process before, if anything."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._pending: list[_Append] = []
        self._committing: list[_Append] = []
        self._wanted = asyncio.Event()
        self._closing = False
        self._flusher = asyncio.create_task(self._flush_forever(), name="journal")
        self.added = asyncio.Event()
        """Set when something new waits; the writer clears it."""
        self.is_urgent = False
        """Whether a transition waits, which no linger may hold up; the writer clears it."""
        self.full: JournalFull | None = None
        """Why the last append failed for want of room, None once one succeeded again."""

    @classmethod
    async def open(cls, folder: Path, connection_id: str, *, size_bytes: int, clock: Clock) -> Self:
        """Open or make the journal in a folder. Raises JournalError with the way out."""
        spool = await asyncio.to_thread(Spool, folder, connection_id, size_bytes=size_bytes)
        return cls(spool, folder, clock)

    @property
    def journal_id(self) -> UUID:
        """Made with the file; the epoch of the feed."""
        return self._spool.journal_id

    @property
    def waiting(self) -> Waiting:
        """What is on disk and not in the database."""
        return self._spool.waiting

    @property
    def confirmed(self) -> Confirmed:
        """What left the journal because the database had it."""
        return self._spool.confirmed

    async def memos(self) -> tuple[bytes, ...]:
        """What adapters noted with their last deliveries, oldest first."""
        return await self._run(self._spool.memos)

    def take_seq(self) -> int:
        """The next number, which no other batch of this journal has or will have."""
        seq = self._next_seq
        self._next_seq += 1
        return seq

    def append(
        self,
        seq: int,
        batch: Batch,
        quarantined: Sequence[Quarantined] = (),
        memo: bytes = b"",
        transitions: Sequence[Transition] = (),
        *,
        refused: Callable[[], None] = lambda: None,
        known: bytes = b"",
    ) -> asyncio.Future[None]:
        """Put a batch on disk. The future is done when it is there; JournalFull when it is not.

        known: what alarms are decided by with this batch; the next process finds it in `known`.
        refused: called when its transitions are not kept, which may be so although the batch is:
        none overtakes one before it that found no room.
        """
        payload = codec.encode(batch, quarantined, transitions, seq=seq)
        row = Row(seq, batch.received_us, len(batch), batch.tags, payload, memo, known)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        bare = partial(codec.encode, batch, quarantined, seq=seq)
        self._pending.append(_Append(row, done, bare, refused if transitions else None))
        self._wanted.set()
        return done

    async def oldest(self, *, most_readings: int) -> list[Entry]:
        """The oldest batches in order. One that does not read any more is set aside and told."""
        rows = await self._run(partial(self._spool.oldest, most_readings=most_readings))
        entries: list[Entry] = []
        for row in rows:
            try:
                entries.append(Entry(row.seq, *codec.decode(row.payload, row.tags, seq=row.seq)))
            except JournalDamaged as error:
                aside = self._folder / f"journal.damaged-batch-{row.seq}.bin"
                _log.error(f"batch {row.seq} cannot be stored: {error}; it is kept as {aside}")
                try:
                    await self._run(partial(write_file, aside, row.payload))
                except OSError as reason:
                    _log.error(f"{aside} cannot be written: {reason}")
                note = Quarantined(-1, row.created_us, "damaged_batch", aside.name)
                entries.append(Entry(row.seq, no_readings(row.tags, row.created_us), (note,)))
        return entries

    async def remove(self, up_to: int) -> None:
        """Forget what the database has, up to this seq."""
        await self._run(partial(self._spool.remove, up_to))

    async def renew(self) -> None:
        """Become another journal with the same batches, which takes effect at the next start."""
        await self._run(self._spool.renew)

    async def close(self) -> None:
        """Commit what is pending and close the file."""
        self._closing = True
        self._wanted.set()
        await self._flusher
        await self._run(self._spool.close)
        self._thread.shutdown()

    async def _run(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _flush_forever(self) -> None:
        while not self._closing:
            await self._wanted.wait()
            self._wanted.clear()
            started = self._clock.monotonic()
            await self._flush()
            if not self._closing:
                await asyncio.sleep(max(0.0, GROUP_S - (self._clock.monotonic() - started)))
        await self._flush()

    async def _flush(self) -> None:
        self._committing, self._pending = self._pending, []
        if self._committing:
            await self._commit(self._committing)
        self._committing = []

    async def _commit(self, group: list[_Append]) -> None:
        """Have a group on disk, or as much of its beginning as there is room for."""
        try:
            await self._run(partial(self._spool.append, [one.row for one in group]))
        except JournalFull as error:
            if len(group) > 1:
                half = len(group) // 2
                await self._commit(group[:half])
                await self._commit(group[half:])
                return
            self.full = error
            self._settle(group, error)
        except Exception as error:  # whoever waits for the batch must know, whatever it is
            self._settle(group, error)
        else:
            self.full = None
            self.is_urgent |= any(one.refused is not None for one in group)
            self.added.set()
            self._settle(group, None)

    def _settle(self, group: list[_Append], error: Exception | None) -> None:
        if error is not None and any(one.refused is not None for one in group):
            self._refuse_transitions(group[0].row.seq)
        for one in group:
            if one.done.cancelled():
                continue
            if error is None:
                one.done.set_result(None)
            else:
                one.done.set_exception(error)

    def _refuse_transitions(self, first: int) -> None:
        """Of all batches on their way from this one on: their readings do not wait for that."""
        for one in (*self._committing, *self._pending):
            if one.row.seq >= first:
                one.row = one.row._replace(known=b"")
            if one.refused is not None and one.row.seq >= first:
                one.refused()
                one.refused = None
                one.row = one.row._replace(payload=one.bare())
