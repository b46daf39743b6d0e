"""The journal's file as SQLite opens it: made, locked, checked, replaced where it is damaged.

Blocking. What is in it: spool.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import uuid4

from pumpjack_core.errors import JournalDamaged, JournalError, JournalFull
from pumpjack_core.log import get_logger
from pumpjack_worker.pipeline import notes, salvage
from pumpjack_worker.pipeline.durable import make_folder
from pumpjack_worker.pipeline.filesystems import refuse_network_file_system

FORMAT = 3
"""1 had neither the seal of the notes nor names in the batches (codec.py), 2 no transitions."""
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


def take_lock(folder: Path) -> IO[str]:
    """Make the folder, and have it for this process alone. Raises JournalError."""
    try:
        make_folder(folder)
        refuse_network_file_system(folder)
        lock = (folder / "journal.lock").open("w")
    except OSError as error:
        raise JournalError(
            f"cannot make a journal in {folder}: {error}; give a folder that can be written to"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise JournalError(
            f"another worker has the journal in {folder} open; stop it first"
        ) from error
    return lock


def open_file(path: Path, reserve: Path, connection_id: str) -> tuple[sqlite3.Connection, int]:
    """Open or make it; a damaged one is replaced by what can be read of it.

    reserve  a file that is given up where a full disk leaves no room for opening

    Returns it, and how many batches were saved of a damaged one. Raises JournalError.
    """
    salvage.swap(path)
    try:
        return _connect_in_little_room(path, reserve, connection_id), 0
    except (sqlite3.DatabaseError, JournalDamaged) as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise JournalError(
                f"cannot open the journal {path}: {error}; check the disk and its rights"
            ) from error
        _log.error(f"the journal {path} is damaged: {error}")
        with told(path, "save what can be read of a damaged journal"):
            saved = salvage.salvage(path, lambda db: _make(db, connection_id))
        _log.error(f"{saved} batches were saved into a new journal")
        return _connect(path, connection_id), saved


def _connect_in_little_room(path: Path, reserve: Path, connection_id: str) -> sqlite3.Connection:
    """Open the file; on a full disk with what was held back for that."""
    try:
        return _connect(path, connection_id)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _PASSING or not reserve.exists():
            raise
        reserve.unlink()
        return _connect(path, connection_id)


def _connect(path: Path, connection_id: str) -> sqlite3.Connection:
    db = sqlite3.connect(
        path,
        isolation_level=None,
        timeout=5,
        check_same_thread=False,
        cached_statements=32,
    )
    try:
        _prepare(db, path, connection_id)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, connection_id: str) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA journal_size_limit=4194304")
    db.execute("PRAGMA temp_store=MEMORY")
    if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        _make(db, connection_id)
    _refuse_a_newer_one(db, path)
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
            f"the journal {path} belongs to {meta.get('connection_id')}, not to "
            f"{connection_id}; give each connection a folder of its own"
        )
    if meta["format"] != str(FORMAT):
        db.execute("BEGIN IMMEDIATE")
        notes.write(db, format=str(FORMAT))
        db.execute("COMMIT")


def _refuse_a_newer_one(db: sqlite3.Connection, path: Path) -> None:
    """Before anything of it is touched."""
    found = notes.read(db).get("format", "")
    if found.isdecimal() and int(found) > FORMAT:
        raise JournalError(
            f"the journal {path} was written by a newer version of Pumpjack (format "
            f"{found}, this version knows {FORMAT}); start that version again, or have it "
            "empty the journal first: nothing in it was changed"
        )


@contextlib.contextmanager
def told(path: Path, doing: str) -> Iterator[None]:
    """Turn SQLite's errors into JournalFull, which passes, and JournalError, which does not."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING:
            raise JournalFull(
                f"cannot {doing}: the disk of {path} is full or fails ({error}); make room on it"
            ) from error
        raise JournalError(f"cannot {doing} in {path}: {error}") from error


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
