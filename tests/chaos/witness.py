"""A worker that notes each transition it journals, in a file that outlives it.

    CHAOS_WITNESS=FILE python -m tests.chaos.witness

In place of `python -m pumpjack_worker`. Noted before the journal has it and again afterwards: what
the database has was noted at least once, and what was noted twice has to be in the database.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pumpjack_core.alarms import Transition
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable
from pumpjack_worker import main
from pumpjack_worker.pipeline.journal import Journal

WITNESS = "CHAOS_WITNESS"


class Seen(Struct, frozen=True, array_like=True):
    """One transition as a worker decided it."""

    well_id: str
    tag_name: str
    condition: str
    active: bool
    us: int


class Note(Struct, frozen=True, array_like=True):
    """Transitions of one batch.

    safe   the journal has them on disk
    at_us  when this was noted, by the machine's monotonic clock, which no fault touches
    """

    journal: str
    seq: int
    safe: bool
    at_us: int
    seen: tuple[Seen, ...]


def read(path: Path) -> list[Note]:
    """What all workers of a connection noted, in order."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [msgspec.json.decode(line, type=Note) for line in lines if line]


def watch(path: Path) -> None:
    """Note what any journal of this process is given."""
    append = Journal.append
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(journal: str, seq: int, seen: tuple[Seen, ...], *, safe: bool) -> None:
        line = Note(journal, seq, safe, time.monotonic_ns() // 1000, seen)
        os.write(file, msgspec.json.encode(line) + b"\n")

    def noted(
        self: Journal,
        seq: int,
        batch: Batch,
        quarantined: Sequence[Quarantined] = (),
        memo: bytes = b"",
        transitions: Sequence[Transition] = (),
        **more: Any,
    ) -> asyncio.Future[None]:
        done = append(self, seq, batch, quarantined, memo, transitions, **more)
        if transitions:
            journal, seen = str(self.journal_id), tuple(_seen(batch.tags, transitions))
            note(journal, seq, seen, safe=False)
            done.add_done_callback(partial(settled, journal, seq, seen))
        return done

    def settled(journal: str, seq: int, seen: tuple[Seen, ...], done: asyncio.Future[None]) -> None:
        if not done.cancelled() and done.exception() is None:
            note(journal, seq, seen, safe=True)

    Journal.append = noted  # type: ignore[method-assign]


def _seen(tags: TagTable, transitions: Iterable[Transition]) -> Iterable[Seen]:
    for one in transitions:
        tag = tags.tags[one.tag_index]
        yield Seen(tag.well_id, tag.name, one.condition, one.active, one.us)


if __name__ == "__main__":
    watch(Path(os.environ[WITNESS]))
    main.main()
