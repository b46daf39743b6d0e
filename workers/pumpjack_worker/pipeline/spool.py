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
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self
from uuid import UUID, uuid4

import msgspec

from pumpjack_core.errors import JournalDamaged, JournalError, JournalFull
from pumpjack_core.log import get_logger
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import MEMOS_KEPT
from pumpjack_worker.pipeline import notes, salvage
from pumpjack_worker.pipeline.alarms import known
from pumpjack_worker.pipeline.alarms.known import Known
from pumpjack_worker.pipeline.durable import make_folder, sync_folder
from pumpjack_worker.pipeline.filesystems import refuse_network_file_system

FORMAT = 3
"""1 had neither the seal of the notes nor names in the batches (codec.py), 2 no transitions."""
SEQ_RESERVE = 1_000_000
"""Numbers set aside on disk long before their use: one goes out on the live feed before its batch
is on disk, or while the disk is full, and receivers drop what comes under a used number."""
MOST_BYTES = 4 << 20
"""Of payload that oldest() hands out at once: batches without readings count no readings."""
RESERVE_BYTES = 4 << 20
"""Held back on disk: a DELETE needs room in the WAL, and must work when the disk is full."""
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tag_table (id INTEGER PRIMARY KEY, hash TEXT UNIQUE NOT NULL, tags BLOB NOT NULL);
CREATE TABLE batch (
  seq INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, readings INTEGER NOT NULL,
  tag_table INTEGER NOT NULL, payload BLOB NOT NULL);
"""
_MEMOS = "CREATE TABLE IF NOT EXISTS memo (seq INTEGER PRIMARY KEY, content BLOB NOT NULL)"
"""What the adapter wants to know again after a restart; apart, for it outlives its batch."""
_KNOWN = """CREATE TABLE IF NOT EXISTS known (
  only INTEGER PRIMARY KEY CHECK (only = 1), tag_table INTEGER NOT NULL, content BLOB NOT NULL)"""
"""What alarms were decided by, with the last batch; it outlives all of them."""
_PASSING = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
_log = get_logger("worker.journal")


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
        self._tables: dict[str, int] = {}
        self._cache: dict[int, TagTable] = {}
        self._unswept = 0
        self._lock = self._take_lock()
        try:
            self._db, self.salvaged = self._open(connection_id)
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
                    (row.seq, row.created_us, row.readings, self._table_id(row.tags), row.payload)
                    for row in rows
                ],
            )
            self._note([(row.seq, row.memo) for row in rows if row.memo])
            last_known = next((row for row in reversed(rows) if row.known), None)
            if last_known is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO known VALUES (1, ?, ?)",
                    (self._table_id(last_known.tags), last_known.known),
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
        with self._told("read"):
            cursor = self._db.execute(
                "SELECT seq, created_us, readings, tag_table, payload FROM batch ORDER BY seq"
            )
            with contextlib.closing(cursor):
                for seq, created_us, count, table, payload in cursor:
                    readings += count
                    size += len(payload)
                    if found and (readings > most_readings or size > most_bytes):
                        break
                    found.append(Row(seq, created_us, count, self._table(table), payload))
        return found

    def memos(self) -> tuple[bytes, ...]:
        """The memos of the last rows that had one, oldest first; MEMOS_KEPT of them at most."""
        with self._told("read"):
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
            with self._told("remove"):
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
    def _told(self, doing: str) -> Iterator[None]:
        """Turn SQLite's errors into JournalFull, which passes, and JournalError, which does not."""
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
                raise JournalFull(
                    f"cannot {doing}: the disk of {self._path} is full or fails ({error}); "
                    "make room on it"
                ) from error
            raise JournalError(f"cannot {doing} in {self._path}: {error}") from error

    @contextlib.contextmanager
    def _transaction(self, doing: str) -> Iterator[None]:
        with self._told(doing):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._tables.clear()
                with contextlib.suppress(sqlite3.Error):
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                raise

    def _open(self, connection_id: str) -> tuple[sqlite3.Connection, int]:
        salvage.swap(self._path)
        try:
            return self._connect_in_little_room(connection_id), 0
        except (sqlite3.DatabaseError, JournalDamaged) as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise JournalError(
                    f"cannot open the journal {self._path}: {error}; check the disk and its rights"
                ) from error
            _log.error(f"the journal {self._path} is damaged: {error}")
            with self._told("save what can be read of a damaged journal"):
                saved = salvage.salvage(self._path, lambda db: _make(db, connection_id))
            _log.error(f"{saved} batches were saved into a new journal")
            return self._connect(connection_id), saved

    def _connect_in_little_room(self, connection_id: str) -> sqlite3.Connection:
        """Open the file; on a full disk with what was held back for that."""
        try:
            return self._connect(connection_id)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _PASSING or not self._reserve.exists():
                raise
            self._reserve.unlink()
            return self._connect(connection_id)

    def _connect(self, connection_id: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path,
            isolation_level=None,
            timeout=5,
            check_same_thread=False,
            cached_statements=32,
        )
        try:
            self._prepare(db, connection_id)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection, connection_id: str) -> None:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA journal_size_limit=4194304")
        db.execute("PRAGMA temp_store=MEMORY")
        if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            _make(db, connection_id)
        self._refuse_a_newer_one(db)
        db.execute(_MEMOS)
        db.execute(_KNOWN)
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise JournalDamaged(verdict)
        for digest, content in db.execute("SELECT hash, tags FROM tag_table"):
            if not salvage.tags_are_sound(digest, content):
                raise JournalDamaged("a tag table is not what its hash was made of")
        meta = notes.read(db)
        if not notes.are_sound(meta):
            raise JournalDamaged("what it says of itself is not what was written")
        if meta.get("connection_id") != connection_id:
            raise JournalError(
                f"the journal {self._path} belongs to {meta.get('connection_id')}, not to "
                f"{connection_id}; give each connection a folder of its own"
            )
        if meta["format"] != str(FORMAT):
            db.execute("BEGIN IMMEDIATE")
            notes.write(db, format=str(FORMAT))
            db.execute("COMMIT")

    def _refuse_a_newer_one(self, db: sqlite3.Connection) -> None:
        """Before anything of it is touched."""
        found = notes.read(db).get("format", "")
        if found.isdecimal() and int(found) > FORMAT:
            raise JournalError(
                f"the journal {self._path} was written by a newer version of Pumpjack (format "
                f"{found}, this version knows {FORMAT}); start that version again, or have it "
                "empty the journal first: nothing in it was changed"
            )

    def _take_lock(self) -> IO[str]:
        try:
            make_folder(self._folder)
            refuse_network_file_system(self._folder)
            lock = (self._folder / "journal.lock").open("w")
        except OSError as error:
            raise JournalError(
                f"cannot make a journal in {self._folder}: {error}; give a folder that can be "
                "written to"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise JournalError(
                f"another worker has the journal in {self._folder} open; stop it first"
            ) from error
        return lock

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

    def _table_id(self, tags: TagTable) -> int:
        known = self._tables.get(tags.hash)
        if known is None:
            self._db.execute(
                "INSERT OR IGNORE INTO tag_table (hash, tags) VALUES (?, ?)",
                (tags.hash, msgspec.json.encode(tags.tags)),
            )
            known = int(
                self._db.execute(
                    "SELECT id FROM tag_table WHERE hash = ?", (tags.hash,)
                ).fetchone()[0]
            )
            self._tables[tags.hash] = known
            self._cache[known] = tags
        return known

    def _table(self, number: int) -> TagTable:
        found = self._cache.get(number)
        if found is None:
            (blob,) = self._db.execute(
                "SELECT tags FROM tag_table WHERE id = ?", (number,)
            ).fetchone()
            found = TagTable(msgspec.json.decode(blob, type=tuple[Tag, ...]))
            self._cache[number] = found
        return found


def _make(db: sqlite3.Connection, connection_id: str) -> None:
    db.execute("BEGIN")
    for statement in _SCHEMA.split(";")[:-1]:
        db.execute(statement)
    meta = {
        "format": str(FORMAT),
        "journal_id": str(uuid4()),
        "connection_id": connection_id,
        "reserved_seq": "0",
    }
    notes.write(db, **meta)
    db.execute("COMMIT")
