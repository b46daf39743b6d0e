"""The journal's file: SQLite in WAL mode, one row a batch, on a local disk.

Blocking; journal.py gives it a thread. What survives a power cut, and by which fsync:

    append(), remove(), renew()  are on disk when they return: synchronous=FULL makes SQLite fsync
                                 the log at each commit (sqlite.org/pragma.html), and the file
                                 before the log is begun anew (sqlite.org/wal.html)
    the folder and its files     are there once the Spool is made: each folder that was missing is
                                 synced in the one above, the files' names before the first append
    a number that was used       is not used again: set aside on disk long before
    a salvage                    begins again where it was cut off (salvage.py)

An append that did not return is there whole or not at all. Assumed of the disk: what is fsynced
stays, and a sector of 512 bytes is old or new. tests/workers/pipeline/test_power_loss.py replays
the system calls of all this with every way in which a power cut may leave them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID, uuid4

import msgspec

from pumpjack_core.errors import JournalFull
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import MEMOS_KEPT
from pumpjack_worker.pipeline import notes
from pumpjack_worker.pipeline.alarms import known
from pumpjack_worker.pipeline.alarms.known import Known
from pumpjack_worker.pipeline.durable import sync_folder
from pumpjack_worker.pipeline.spool_file import open_file, take_lock, told
from pumpjack_worker.pipeline.tag_tables import TagTables

SEQ_RESERVE = 1_000_000
"""Numbers set aside on disk long before their use: one goes out on the live feed before its batch
is on disk, or while the disk is full, and receivers drop what comes under a used number."""
MOST_BYTES = 4 << 20
"""Of payload that oldest() hands out at once: batches without readings count no readings."""
RESERVE_BYTES = 4 << 20
"""Held back on disk: a DELETE needs room in the WAL, and must work when the disk is full."""


class Row(NamedTuple):
    """One batch to append: seq, time of receipt [µs], number of readings, tags, bytes, memo.

    known: what its alarms are decided by (alarms/known.py), in place of what was known before.
    """

    seq: int
    created_us: int
    readings: int
    tags: TagTable
    payload: bytes
    memo: bytes = b""
    known: bytes = b""


class Confirmed(NamedTuple):
    """What the database last said that it has: up to this seq, received until then [µs]."""

    seq: int
    received_us: int


class Waiting(NamedTuple):
    """What waits: batches, readings, bytes of payload, receipt of the oldest [µs] or None."""

    batches: int
    readings: int
    bytes: int
    oldest_us: int | None


class Spool:
    """The file. One process at a time may have it open."""

    def __init__(self, folder: Path, connection_id: str, *, size_bytes: int) -> None:
        self._folder = folder
        self._path = folder / "journal.db"
        self._reserve = folder / "journal.reserve"
        self._size_bytes = size_bytes
        self._unswept = 0
        self._lock = take_lock(folder)
        try:
            self._db, self.salvaged = open_file(self._path, self._reserve, connection_id)
            self._tag_tables = TagTables(self._db)
            self.journal_id = UUID(self._meta("journal_id"))
            self._ceiling = int(self._meta("reserved_seq"))
            self.next_seq = self._ceiling + 1
            self.confirmed = self._read_confirmed()
            self._tidy()
            sync_folder(self._folder)
        except BaseException:
            self._lock.close()
            raise
        *waiting, newest_us = self._db.execute(
            "SELECT count(*), coalesce(sum(readings), 0), coalesce(sum(length(payload)), 0),"
            " min(created_us), max(created_us) FROM batch"
        ).fetchone()
        self.waiting = Waiting(*waiting)
        self._removed_us = self._removed_until()
        self.known = self._read_known()
        """What alarms were decided by in the process before, None when that is not known."""
        self.read_until_us: int | None = max(newest_us or 0, self._removed_us) or None
        """Receipt of the last batch that is or was in the file [µs], None when there was none."""
        self._keep_reserve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, rows: Sequence[Row]) -> None:
        """Have all rows on disk when this returns, or none.

        Raises JournalFull when the journal has its size or the disk is full.
        """
        last = max(row.seq for row in rows)
        self._set_numbers_aside(last)
        size = sum(len(row.payload) for row in rows)
        if self.waiting.bytes + size > self._size_bytes:
            raise JournalFull(
                f"the journal {self._path} holds {self.waiting.bytes:,} bytes of at most "
                f"{self._size_bytes:,}; it takes more once the database has taken some"
            )
        with self._transaction("append"):
            self._db.executemany(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        row.seq,
                        row.created_us,
                        row.readings,
                        self._tag_tables.number(row.tags),
                        row.payload,
                    )
                    for row in rows
                ],
            )
            self._note([(row.seq, row.memo) for row in rows if row.memo])
            last_known = next((row for row in reversed(rows) if row.known), None)
            if last_known is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO known VALUES (1, ?, ?)",
                    (self._tag_tables.number(last_known.tags), last_known.known),
                )
        oldest = self.waiting.oldest_us
        first = min(row.created_us for row in rows)
        self.waiting = Waiting(
            self.waiting.batches + len(rows),
            self.waiting.readings + sum(row.readings for row in rows),
            self.waiting.bytes + size,
            first if oldest is None else min(oldest, first),
        )

    def oldest(self, *, most_readings: int, most_bytes: int = MOST_BYTES) -> list[Row]:
        """The oldest rows in order, until they hold so much; at least one if there is one."""
        found: list[Row] = []
        readings = size = 0
        with told(self._path, "read"):
            cursor = self._db.execute(
                "SELECT seq, created_us, readings, tag_table, payload FROM batch ORDER BY seq"
            )
            with contextlib.closing(cursor):
                for seq, created_us, count, table, payload in cursor:
                    readings += count
                    size += len(payload)
                    if found and (readings > most_readings or size > most_bytes):
                        break
                    found.append(
                        Row(seq, created_us, count, self._tag_tables.table(table), payload)
                    )
        return found

    def memos(self) -> tuple[bytes, ...]:
        """The memos of the last rows that had one, oldest first; MEMOS_KEPT of them at most."""
        with told(self._path, "read"):
            found = self._db.execute(
                "SELECT content FROM memo ORDER BY seq DESC LIMIT ?", (MEMOS_KEPT,)
            ).fetchall()
        return tuple(content for (content,) in reversed(found))

    def remove(self, up_to: int) -> None:
        """Forget the rows up to this seq: the database has them."""
        try:
            self._delete(up_to)
        except JournalFull:
            self._reserve.unlink(missing_ok=True)
            with told(self._path, "remove"):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._delete(up_to)
        self._keep_reserve()

    def renew(self) -> None:
        """Become another journal with the same batches; takes effect at the next start."""
        with self._transaction("renew"):
            notes.write(self._db, journal_id=str(uuid4()), confirmed=None)

    def close(self) -> None:
        """Close the file. What waits in it stays."""
        self._db.close()
        self._lock.close()

    def _note(self, memos: Sequence[tuple[int, bytes]]) -> None:
        """Keep memos, and forget old ones now and then."""
        if not memos:
            return
        self._db.executemany("INSERT INTO memo VALUES (?, ?)", memos)
        self._unswept += len(memos)
        if self._unswept >= MEMOS_KEPT:
            self._unswept = 0
            self._db.execute(
                "DELETE FROM memo WHERE seq <= (SELECT seq FROM memo ORDER BY seq DESC"
                " LIMIT 1 OFFSET ?)",
                (MEMOS_KEPT,),
            )

    def _delete(self, up_to: int) -> None:
        with self._transaction("remove"):
            gone, readings, size, newest_us = self._db.execute(
                "SELECT count(*), coalesce(sum(readings), 0), coalesce(sum(length(payload)), 0),"
                " coalesce(max(created_us), 0) FROM batch WHERE seq <= ?",
                (up_to,),
            ).fetchone()
            removed_us = max(self._removed_us, newest_us)
            if gone:
                self._db.execute("DELETE FROM batch WHERE seq <= ?", (up_to,))
            if gone or up_to != self.confirmed.seq:
                told = f"{up_to} {removed_us}"
                notes.write(self._db, removed_until_us=str(removed_us), confirmed=told)
            first = self._db.execute("SELECT created_us FROM batch ORDER BY seq LIMIT 1").fetchone()
        self._removed_us = removed_us
        self.confirmed = Confirmed(up_to, removed_us)
        self.waiting = Waiting(
            self.waiting.batches - gone,
            self.waiting.readings - readings,
            self.waiting.bytes - size,
            first[0] if first else None,
        )

    def _set_numbers_aside(self, used: int) -> None:
        if used + SEQ_RESERVE // 2 <= self._ceiling:
            return
        with self._transaction("set numbers aside"):
            notes.write(self._db, reserved_seq=str(used + SEQ_RESERVE))
        self._ceiling = used + SEQ_RESERVE

    def _tidy(self) -> None:
        """Before anything is appended: numbers to use, and no tag tables that nothing waits for."""
        try:
            self._set_numbers_aside(self._ceiling)
        except JournalFull:
            self._reserve.unlink(missing_ok=True)
            self._set_numbers_aside(self._ceiling)
        with contextlib.suppress(JournalFull), self._transaction("tidy"):
            self._db.execute(
                "DELETE FROM tag_table WHERE id NOT IN"
                " (SELECT tag_table FROM batch UNION SELECT tag_table FROM known)"
            )

    @contextlib.contextmanager
    def _transaction(self, doing: str) -> Iterator[None]:
        with told(self._path, doing):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._tag_tables.forget()
                with contextlib.suppress(sqlite3.Error):
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                raise

    def _keep_reserve(self) -> None:
        if self._reserve.exists():
            return
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError:
            self._reserve.unlink(missing_ok=True)

    def _meta(self, key: str) -> str:
        return str(self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0])

    def _read_confirmed(self) -> Confirmed:
        found = self._db.execute("SELECT value FROM meta WHERE key = 'confirmed'").fetchone()
        return Confirmed(*map(int, found[0].split())) if found else Confirmed(0, 0)

    def _read_known(self) -> Known | None:
        found = self._db.execute(
            "SELECT known.content, tag_table.tags FROM known"
            " JOIN tag_table ON tag_table.id = known.tag_table"
        ).fetchone()
        if found is None or not isinstance(found[0], bytes):
            return None
        return known.decode(found[0], TagTable(msgspec.json.decode(found[1], type=tuple[Tag, ...])))

    def _removed_until(self) -> int:
        """Receipt of the newest batch that was removed [µs]; 0 without one, or in an old file."""
        found = self._db.execute("SELECT value FROM meta WHERE key = 'removed_until_us'").fetchone()
        return 0 if found is None else int(found[0])
