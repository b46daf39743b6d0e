"""A power cut at every moment of a journal's life, by its recorded system calls.

PUMPJACK_POWER_CUTS=20 pytest tests/workers/pipeline/test_power_loss.py    # more of them
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.spool import Spool
from tests.workers.pipeline.power.disk import Chance, Disk, Everything, Fate, Nothing
from tests.workers.pipeline.power.lives import CONNECTION, SIZE_BYTES, row
from tests.workers.pipeline.power.recording import (
    MARKS,
    Mark,
    Operation,
    Write,
    killed_at,
    record,
    why_not,
)

CUTS = float(os.environ.get("PUMPJACK_POWER_CUTS", "0.2"))
"""Random ways to cut the power after each system call, beside losing all and losing nothing."""
MOST_OF_NAMES = 4
"""At least, while names are not on disk: these moments are few, and the dangerous ones."""
_REASON = why_not()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=_REASON or "")


class Said(NamedTuple):
    """What the process had said by the time of the cut.

    journal   the id that the journal had when it was last opened
    renewing, renewed  renew() was called since, and returned
    begun     batches that were given to append()
    safe      batches that append() returned for
    groups    batches that were appended together
    leaving   remove() was called up to here
    gone      and returned
    used      no number up to here may be used again
    """

    journal: str
    renewing: bool
    renewed: bool
    begun: set[int]
    safe: set[int]
    groups: list[list[int]]
    leaving: int
    gone: int
    used: int


def said(marks: list[str]) -> Said:
    journal = ""
    renewing = renewed = False
    begun: set[int] = set()
    safe: set[int] = set()
    groups: list[list[int]] = []
    leaving = gone = used = 0
    for mark in marks:
        word, *rest = mark.split()
        if word == "opened":
            journal = rest[0]
            renewing = renewed = False
        elif word == "used":
            used = int(rest[0])
        elif word == "append":
            groups.append([int(one) for one in rest])
            begun.update(groups[-1])
        elif word == "appended":
            safe.update(int(one) for one in rest)
        elif word == "remove":
            leaving = int(rest[0])
        elif word == "removed":
            gone = int(rest[0])
        elif word == "renew":
            renewing = True
        elif word == "renewed":
            renewed = True
        else:
            assert word == "closed", mark
    return Said(journal, renewing, renewed, begun, safe, groups, leaving, gone, used)


def power_cuts(operations: list[Operation], root: Path) -> Iterator[tuple[int, Disk, list[str]]]:
    """The disk after each operation that a power cut may undo something of."""
    disk, marks = Disk(root), []
    for number, operation in enumerate(operations):
        if isinstance(operation, Mark):
            marks.append(operation.text)
        disk.do(operation)
        yield number, disk, marks


def fates(number: int, disk: Disk, chooses: random.Random) -> list[Fate]:
    """How it may go at this moment: the extremes now and then, and by chance."""
    if not disk.unsynced:
        return [Nothing()] if chooses.random() < CUTS else []
    extremes: list[Fate] = [Nothing()] if chooses.random() < 2 * CUTS else []
    extremes += [Everything()] if chooses.random() < CUTS else []
    count = int(CUTS) + (chooses.random() < CUTS % 1)
    count = max(count, min(MOST_OF_NAMES, 2**disk.unsynced_names - 1))
    return extremes + [Chance(1_000 * number + one) for one in range(count)]


def check_after(folder: Path, told: Said, *, damaged: bool = False) -> None:
    """Open the journal again and hold it against what was promised."""
    with Spool(folder, CONNECTION, size_bytes=SIZE_BYTES) as journal:
        found = journal.oldest(most_readings=10**9, most_bytes=10**9)
        seqs = [one.seq for one in found]
        assert seqs == sorted(set(seqs))
        missing = {seq for seq in told.safe if seq > told.leaving} - set(seqs)
        assert not missing, "an append had returned for these"
        assert set(seqs) <= told.begun
        assert not [seq for seq in seqs if seq <= told.gone], "these were removed"
        for group in told.groups:
            there = [seq for seq in group if seq in seqs]
            whole = [seq for seq in group if seq > told.leaving or seq in seqs]
            assert not there or there == whole, "half of a group commit"
        for one in found:
            assert one.payload == row(one.seq).payload, "half a batch"
            codec.decode(one.payload, one.tags)
        assert journal.next_seq > told.used
        if told.journal and not damaged:
            is_same = str(journal.journal_id) == told.journal
            assert is_same != told.renewed if told.renewing == told.renewed else True
            assert journal.salvaged == 0
            assert not list(folder.glob("journal.damaged-*")), "nothing was damaged"
        journal.append([row(journal.next_seq)])


def run(
    life: str, tmp_path: Path, check: Callable[[Path, Said], None] | None = None, seed: int = 7
) -> int:
    """Record a life and cut the power all through it. Returns how many cuts were looked at."""
    root = tmp_path / "disk"
    root.mkdir(exist_ok=True)
    image = tmp_path / "image"
    shutil.copytree(root, image)
    script = f"from tests.workers.pipeline.power.lives import {life}; {life}({str(root)!r})"
    operations = record([sys.executable, "-c", script], root)
    after = tmp_path / "after"
    cuts, chooses = 0, random.Random(seed)
    moved = [_moved(one, root, image) for one in operations]
    for number, disk, marks in power_cuts(moved, image):
        for fate in fates(number, disk, chooses):
            disk.after_power_cut(after, fate)
            try:
                (check or check_after)(after / "wells" / "journal", said(marks))
            except BaseException:
                where = f"after operation {number} of {len(moved)}, {type(fate).__name__}"
                print(f"{where}; the last mark: {marks[-1:]}; {_short(moved[number])}")
                raise
            shutil.rmtree(after)
            cuts += 1
    return cuts


def _moved(operation: Operation, root: Path, image: Path) -> Operation:
    """The same below another folder."""
    from msgspec.structs import asdict

    text = {
        name: value.replace(str(root), str(image), 1) if isinstance(value, str) else value
        for name, value in asdict(operation).items()
    }
    return type(operation)(**text)


def _short(operation: Operation) -> str:
    if isinstance(operation, Write):
        return f"Write({operation.path}, {operation.offset}, {len(operation.content)} bytes)"
    return repr(operation)


def test_a_journal_that_is_made_filled_and_emptied_loses_nothing_it_promised(tmp_path):
    assert run("fills_and_empties", tmp_path) > 50


def test_the_log_is_begun_anew_while_batches_wait(tmp_path):
    assert run("begins_its_log_anew", tmp_path) > 50


def test_a_journal_that_becomes_another_one_keeps_its_batches(tmp_path):
    assert run("becomes_another", tmp_path) > 20


def test_a_salvage_that_is_cut_off_saves_as_much_when_it_begins_again(tmp_path):
    folder = tmp_path / "disk" / "wells" / "journal"
    with Spool(folder, CONNECTION, size_bytes=SIZE_BYTES) as journal:
        first = journal.next_seq
        journal.append([row(first + at) for at in range(30)])
    with sqlite3.connect(folder / "journal.db") as db:
        page = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_tag_table%'"
        ).fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with (folder / "journal.db").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x0a" + b"\0" * 100)
    damaged = (folder / "journal.db").read_bytes()
    wanted = set(range(first, first + 30))

    def check(after: Path, told: Said) -> None:
        complete = told._replace(begun=told.begun | wanted, safe=told.safe | wanted)
        check_after(after, complete, damaged=True)
        kept = [path.read_bytes() for path in after.glob("journal.damaged-*.db")]
        assert damaged in kept

    assert run("opens_and_appends", tmp_path, check) > 20


@pytest.mark.parametrize(
    ("call", "number"),
    [
        *(("pwrite64", number) for number in (2, 17, 45)),
        *(("fdatasync", number) for number in (2, 9)),
        ("fsync", 2),
        ("unlink", 1),
        ("ftruncate", 1),
    ],
    ids=str,
)
def test_kill_minus_9_between_two_system_calls_loses_nothing(tmp_path, call, number):
    root = tmp_path / "disk"
    root.mkdir()
    script = (
        f"from tests.workers.pipeline.power.lives import fills_and_empties as f; f({str(root)!r})"
    )
    assert killed_at([sys.executable, "-c", script], call, number)
    told = said((root / MARKS).read_text().splitlines())
    check_after(root / "wells" / "journal", told)


def test_without_the_sync_of_the_log_the_model_finds_the_loss(tmp_path):
    """The model itself: a journal that does not sync loses what it promised."""
    with pytest.raises(AssertionError, match="append had returned"):
        run("syncs_nothing", tmp_path)
