"""The journal's file: SQLite in WAL mode, one row a batch, on a local disk.

Blocking; journal.py gives it a thread. Durability: synchronous=FULL makes SQLite fsync the WAL
at each commit, so what append() returned from survives a power cut (sqlite.org/pragma.html).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self
from uuid import UUID, uuid4

import msgspec

from pumpjack_core.errors import JournalDamaged, JournalError, JournalFull
from pumpjack_core.log import get_logger
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.filesystems import refuse_network_file_system

FORMAT = 1
SEQ_RESERVE = 10_000
"""Numbers taken ahead of use, so that a number is never used twice, also not after a kill."""
RESERVE_BYTES = 4 << 20
"""Held back on disk: a DELETE needs room in the WAL, and must work when the disk is full."""
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tag_table (id INTEGER PRIMARY KEY, hash TEXT UNIQUE NOT NULL, tags BLOB NOT NULL);
CREATE TABLE batch (
  seq INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, readings INTEGER NOT NULL,
  tag_table INTEGER NOT NULL, payload BLOB NOT NULL);
"""
_log = get_logger("worker.journal")


class Row(NamedTuple):
    """One batch to append: seq, time of receipt [µs], number of readings, tags, bytes."""

    seq: int
    created_us: int
    readings: int
    tags: TagTable
    payload: bytes


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
        folder.mkdir(parents=True, exist_ok=True)
        refuse_network_file_system(folder)
        self._lock = self._take_lock()
        try:
            self._db, self.salvaged = self._open(connection_id)
        except BaseException:
            self._lock.close()
            raise
        self.journal_id = UUID(self._meta("journal_id"))
        self._ceiling = int(self._meta("reserved_seq"))
        self.next_seq = self._ceiling + 1
        self.waiting = Waiting(
            *self._db.execute(
                "SELECT count(*), coalesce(sum(readings), 0), coalesce(sum(length(payload)), 0),"
                " min(created_us) FROM batch"
            ).fetchone()
        )
        self._keep_reserve()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, rows: Sequence[Row]) -> None:
        """Have all rows on disk when this returns, or none.

        Raises JournalFull when the journal has its size or the disk is full.
        """
        size = sum(len(row.payload) for row in rows)
        if self.waiting.bytes + size > self._size_bytes:
            raise JournalFull(
                f"the journal {self._path} holds {self.waiting.bytes:,} bytes of at most "
                f"{self._size_bytes:,}; it takes more once the database has taken some"
            )
        last = max(row.seq for row in rows)
        with self._transaction("append"):
            if last > self._ceiling:
                self._set_meta("reserved_seq", str(last + SEQ_RESERVE))
            self._db.executemany(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?)",
                [
                    (row.seq, row.created_us, row.readings, self._table_id(row.tags), row.payload)
                    for row in rows
                ],
            )
        if last > self._ceiling:
            self._ceiling = last + SEQ_RESERVE
        oldest = self.waiting.oldest_us
        first = min(row.created_us for row in rows)
        self.waiting = Waiting(
            self.waiting.batches + len(rows),
            self.waiting.readings + sum(row.readings for row in rows),
            self.waiting.bytes + size,
            first if oldest is None else min(oldest, first),
        )

    def oldest(self, *, most_readings: int) -> list[Row]:
        """The oldest rows in order, until they hold most_readings; at least one if there is one."""
        found: list[Row] = []
        readings = 0
        cursor = self._db.execute(
            "SELECT seq, created_us, readings, tag_table, payload FROM batch ORDER BY seq"
        )
        with contextlib.closing(cursor):
            for seq, created_us, count, table, payload in cursor:
                if found and readings + count > most_readings:
                    break
                readings += count
                found.append(Row(seq, created_us, count, self._table(table), payload))
        return found

    def remove(self, up_to: int) -> None:
        """Forget the rows up to this seq: the database has them."""
        try:
            self._delete(up_to)
        except JournalFull:
            self._reserve.unlink(missing_ok=True)
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._delete(up_to)
        self._keep_reserve()

    def close(self) -> None:
        """Close the file. What waits in it stays."""
        self._db.close()
        self._lock.close()

    def _delete(self, up_to: int) -> None:
        gone, readings, size = self._db.execute(
            "SELECT count(*), coalesce(sum(readings), 0), coalesce(sum(length(payload)), 0)"
            " FROM batch WHERE seq <= ?",
            (up_to,),
        ).fetchone()
        if gone == 0:
            return
        with self._transaction("remove"):
            self._db.execute("DELETE FROM batch WHERE seq <= ?", (up_to,))
        first = self._db.execute("SELECT created_us FROM batch ORDER BY seq LIMIT 1").fetchone()
        self.waiting = Waiting(
            self.waiting.batches - gone,
            self.waiting.readings - readings,
            self.waiting.bytes - size,
            first[0] if first else None,
        )

    @contextlib.contextmanager
    def _transaction(self, doing: str) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            self._tables.clear()
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise JournalFull(
                    f"cannot {doing}: the disk of {self._path} is full or fails ({error}); "
                    "make room on it"
                ) from error
            raise JournalError(f"cannot {doing} in {self._path}: {error}") from error

    def _open(self, connection_id: str) -> tuple[sqlite3.Connection, int]:
        try:
            return self._connect(connection_id), 0
        except (sqlite3.DatabaseError, JournalDamaged) as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise JournalError(
                    f"cannot open the journal {self._path}: {error}; check the disk and its rights"
                ) from error
            aside = self._path.with_name(f"journal.damaged-{time.time_ns() // 1_000_000}.db")
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self._path}{suffix}", f"{aside}{suffix}")  # noqa: PTH105
            db = self._connect(connection_id)
            saved = _salvage(aside, db)
            _log.error(
                f"the journal {self._path} is damaged ({error}); {saved} batches were saved into "
                f"a new one; the damaged file is kept as {aside}, what else is in it is not stored"
            )
            return db, saved

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
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise JournalDamaged(verdict)
        meta = dict(db.execute("SELECT key, value FROM meta"))
        if meta.get("format") != str(FORMAT):
            raise JournalError(
                f"the journal {self._path} has format {meta.get('format')}, this version writes "
                f"{FORMAT}; drain it with the version that wrote it"
            )
        if meta.get("connection_id") != connection_id:
            raise JournalError(
                f"the journal {self._path} belongs to {meta.get('connection_id')}, not to "
                f"{connection_id}; give each connection a folder of its own"
            )

    def _take_lock(self) -> IO[str]:
        lock = (self._folder / "journal.lock").open("w")
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

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))

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
    db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    db.execute("COMMIT")


def _salvage(aside: Path, db: sqlite3.Connection) -> int:
    """Copy every batch whose checksum holds out of a damaged file. Returns how many."""
    saved = 0
    last = 0
    try:
        source = sqlite3.connect(f"file:{aside}?mode=ro", uri=True)
        tables = {row[0]: row for row in source.execute("SELECT id, hash, tags FROM tag_table")}
        rows = source.execute("SELECT seq, created_us, readings, tag_table, payload FROM batch")
        for row in rows:
            table = tables.get(row[3])
            if table is None:
                continue
            with contextlib.suppress(JournalDamaged):
                codec.decode(row[4], TagTable(()))
                db.execute("INSERT OR IGNORE INTO tag_table VALUES (?, ?, ?)", table)
                db.execute("INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?)", row)
                last = max(last, row[0])
                saved += 1
    except sqlite3.Error as error:
        _log.warning(f"stopped saving batches from {aside} at damage: {error}")
    db.execute("UPDATE meta SET value = ? WHERE key = 'reserved_seq'", (str(last),))
    return saved
