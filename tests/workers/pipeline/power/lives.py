"""What journals do in their lives, for the recorder: each says what it promises, when it does."""

from __future__ import annotations

import os
from pathlib import Path

from pumpjack_core.alarms import Transition
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.workers.pipeline.examples import T0_US, batch, table
from tests.workers.pipeline.power.recording import MARKS

CONNECTION = "ns/plc"
SIZE_BYTES = 64 << 20
TAGS = table("a", "b")
_READINGS = 40


def row(seq: int) -> Row:
    """The batch of this number: any of it can be told from any other."""
    content = batch(TAGS, [seq + at / 64 for at in range(_READINGS)], index=[seq % 2] * _READINGS)
    seen = (Transition(seq % 2, "hi", True, T0_US + seq, float(seq)),) if seq % 3 else ()
    payload = codec.encode(content, (), seen, seq=seq)
    return Row(seq, T0_US + seq, _READINGS, TAGS, payload, b"memo %d" % seq)


class Life:
    """A journal that says what it does."""

    def __init__(self, root: str) -> None:
        self._marks = (Path(root) / MARKS).open("ab", buffering=0)
        self.spool = Spool(Path(root) / "wells" / "journal", CONNECTION, size_bytes=SIZE_BYTES)
        self.next = self.spool.next_seq
        self.says(f"opened {self.spool.journal_id}")

    def says(self, text: str) -> None:
        os.write(self._marks.fileno(), text.encode() + b"\n")

    def appends(self, count: int) -> None:
        seqs = list(range(self.next, self.next + count))
        self.next += count
        words = " ".join(map(str, seqs))
        self.says(f"used {seqs[-1]}")  # on the live feed, before it is on disk
        self.says(f"append {words}")
        self.spool.append([row(seq) for seq in seqs])
        self.says(f"appended {words}")

    def removes(self, up_to: int) -> None:
        self.says(f"remove {up_to}")
        self.spool.remove(up_to)
        self.says(f"removed {up_to}")

    def closes(self) -> None:
        self.spool.close()
        self.says("closed")


def fills_and_empties(root: str) -> None:
    """A first start, group commits, removal of some and of all, a clean end, a second start."""
    life = Life(root)
    first = life.next
    for count in (1, 3, 1, 7):
        life.appends(count)
    life.removes(first + 2)
    life.appends(2)
    life.removes(life.next - 1)
    life.appends(1)
    life.closes()
    again = Life(root)
    again.appends(2)
    again.removes(first + 14)
    again.closes()


def begins_its_log_anew(root: str) -> None:
    """More than the log's thousand pages: it is copied into the file and begun anew."""
    life = Life(root)
    life.spool._db.execute("PRAGMA wal_autocheckpoint=20")
    for _ in range(12):
        life.appends(4)
        life.removes(life.next - 6)


def becomes_another(root: str) -> None:
    """After its disk was put back to an earlier state."""
    life = Life(root)
    life.appends(3)
    life.says("renew")
    life.spool.renew()
    life.says("renewed")
    life.appends(2)
    life.closes()
    Life(root).appends(1)


def opens_and_appends(root: str) -> None:
    """A start on what is there."""
    life = Life(root)
    life.appends(1)
    life.closes()


def syncs_nothing(root: str) -> None:
    """What must not be."""
    life = Life(root)
    life.spool._db.execute("PRAGMA synchronous=OFF")
    life.appends(3)
    life.appends(1)
