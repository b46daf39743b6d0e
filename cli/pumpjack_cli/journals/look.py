"""What is in a journal, read without changing it, whoever has it open."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from pumpjack_core.errors import JournalDamaged, JournalError
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.salvage import tags_are_sound

FILE = "journal.db"
SAVED = "journal.salvaged.db"
"""What the last start of a worker could read of a damaged journal, not in its place yet."""
LOCK = "journal.lock"
LIMIT_S = 5.0
_ROWS = "SELECT seq, created_us, readings, tag_table, payload FROM batch ORDER BY seq"


class Look(Struct, frozen=True):
    """What one folder holds.

    connection_id, journal_id  None when the file is too damaged to tell
    in_use                     a worker, or another drain, has it open
    batches, readings, bytes   what waits and can be read; readings do not count notes
    first_us, last_us          receipt of the oldest and of the newest batch [µs], None for none
    unreadable                 batches that are there and cannot be read
    damage                     what is wrong with the file, None when it is sound
    set_aside                  names of files that earlier damage left in the folder
    """

    folder: str
    connection_id: str | None
    journal_id: str | None
    in_use: bool
    batches: int
    readings: int
    bytes: int
    first_us: int | None
    last_us: int | None
    unreadable: int
    damage: str | None
    set_aside: tuple[str, ...]


def look(folder: Path) -> Look:
    """Read everything in a folder's journal. Raises JournalError where there is none."""
    path = found(folder)
    seen = _Seen()
    damage: str | None = None
    meta: dict[str, str] = {}
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=LIMIT_S)) as db:
            meta = dict(db.execute("SELECT key, value FROM meta"))
            verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            damage = None if verdict == "ok" else verdict
            seen.read(db)
    except sqlite3.OperationalError as error:
        if "malformed" not in str(error) and "no such table" not in str(error):
            raise JournalError(
                f"cannot read the journal {path}: {error}; check its rights, or copy the whole "
                "folder to a disk that can be written to"
            ) from error
        damage = str(error)
    except sqlite3.DatabaseError as error:
        damage = str(error)
    return Look(
        folder=str(folder),
        connection_id=meta.get("connection_id"),
        journal_id=meta.get("journal_id"),
        in_use=in_use(folder),
        batches=seen.batches,
        readings=seen.readings,
        bytes=seen.bytes,
        first_us=seen.first_us,
        last_us=seen.last_us,
        unreadable=seen.unreadable,
        damage=damage,
        set_aside=tuple(sorted(one.name for one in folder.glob("journal.damaged-*"))),
    )


def found(folder: Path) -> Path:
    """The journal's file. Raises JournalError where there is none."""
    for name in (FILE, SAVED):
        if (folder / name).is_file():
            return folder / name
    hint = "give the folder that holds it" if folder.is_dir() else "there is no such folder"
    raise JournalError(f"{folder} holds no journal ({FILE}); {hint}")


def in_use(folder: Path) -> bool:
    """Whether a process has the journal open. Takes the lock for a moment only."""
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise JournalError(f"cannot tell whether {folder} is in use: {error}") from error
    return False


class _Seen:
    """Counts of what can be read, up to damage from both of its sides."""

    def __init__(self) -> None:
        self.batches = self.readings = self.bytes = self.unreadable = 0
        self.first_us: int | None = None
        self.last_us: int | None = None

    def read(self, db: sqlite3.Connection) -> None:
        tables = dict(_tag_tables(db))
        done: set[int] = set()
        for order in ("", " DESC"):
            try:
                for seq, created_us, readings, table, payload in db.execute(_ROWS + order):
                    if seq not in done:
                        done.add(seq)
                        self._count(created_us, readings, tables.get(table), payload)
            except sqlite3.DatabaseError:
                continue
            return
        raise sqlite3.DatabaseError("database disk image is malformed")

    def _count(
        self, created_us: int, readings: int, tags: TagTable | None, payload: object
    ) -> None:
        try:
            if tags is None or not isinstance(payload, bytes):
                raise JournalDamaged("it is no batch, or its tags are not there")
            codec.decode(payload, tags)
        except JournalDamaged:
            self.unreadable += 1
            return
        self.batches += 1
        self.readings += readings
        self.bytes += len(payload)
        self.first_us = created_us if self.first_us is None else min(self.first_us, created_us)
        self.last_us = created_us if self.last_us is None else max(self.last_us, created_us)


def _tag_tables(db: sqlite3.Connection) -> Iterator[tuple[int, TagTable]]:
    for number, digest, content in db.execute("SELECT id, hash, tags FROM tag_table NOT INDEXED"):
        if tags_are_sound(digest, content):
            yield number, TagTable(msgspec.json.decode(content, type=tuple[Tag, ...]))
