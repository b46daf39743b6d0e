"""What can be read of a damaged journal, into a new one.

In three steps, each of which may be cut off by a kill or a power cut and is then begun again at
the next start: copy into journal.salvaging.db, rename that to journal.salvaged.db, put it in the
journal's place. Each rename is on disk before the next: a write-ahead log of the damaged file
beside the new one would be taken for the new one's.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from pumpjack_core.errors import JournalDamaged
from pumpjack_core.log import get_logger
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.pipeline import codec, notes
from pumpjack_worker.pipeline.durable import move, move_if_there

_FORWARDS = "SELECT seq, tag_table, payload FROM batch ORDER BY seq"
_BACKWARDS = "SELECT seq, tag_table, payload FROM batch ORDER BY seq DESC"
_SUFFIXES = ("-wal", "-shm", "")
_log = get_logger("worker.journal")


def salvage(journal: Path, make: Callable[[sqlite3.Connection], None]) -> int:
    """Replace a damaged journal by a new one, which make() prepares. Returns the batches saved."""
    part = journal.with_name("journal.salvaging.db")
    for suffix in (*_SUFFIXES, "-journal"):
        Path(f"{part}{suffix}").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as db:
        make(db)
        db.execute("BEGIN")
        saved = copy(journal, db)
        db.execute("COMMIT")
    move(part, _saved(journal))
    swap(journal)
    return saved


def swap(journal: Path) -> None:
    """Put what was saved in the journal's place, if there is something; keep the damaged file."""
    saved = _saved(journal)
    if not saved.exists():
        return
    aside = journal.with_name(f"journal.damaged-{time.time_ns() // 1_000_000}.db")
    for suffix in _SUFFIXES:
        move_if_there(Path(f"{journal}{suffix}"), Path(f"{aside}{suffix}"))
    move(saved, journal)
    _log.error(f"the damaged journal is kept as {aside}; what else is in it is not stored")


def copy(damaged: Path, db: sqlite3.Connection) -> int:
    """Copy every batch whose checksum holds. Returns how many."""
    saved: set[int] = set()
    source = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)
    with contextlib.closing(source):
        try:
            tables = _tag_tables(source, db)
        except sqlite3.Error as error:
            _log.warning(f"no batch can be saved from {damaged}, its tags are damaged: {error}")
            return 0
        for rows in (_FORWARDS, _BACKWARDS):  # up to the damage, from both of its sides
            try:
                _copy_rows(source.execute(rows), tables, db, saved)
                break
            except sqlite3.Error as error:
                _log.warning(f"stopped saving batches from {damaged} at damage: {error}")
        _copy_removed_until(source, db)
    last = max(saved, default=0)
    notes.write(db, reserved_seq=str(last))
    return len(saved)


def tags_are_sound(digest: object, content: object) -> bool:
    """Whether a stored tag table is what its hash was made of."""
    return isinstance(content, bytes) and hashlib.sha256(content).hexdigest() == digest


def _tag_tables(source: sqlite3.Connection, db: sqlite3.Connection) -> dict[int, TagTable]:
    found: dict[int, TagTable] = {}
    for number, digest, content in source.execute(
        "SELECT id, hash, tags FROM tag_table NOT INDEXED"
    ):
        if tags_are_sound(digest, content):
            found[number] = TagTable(msgspec.json.decode(content, type=tuple[Tag, ...]))
            db.execute("INSERT INTO tag_table VALUES (?, ?, ?)", (number, digest, content))
    return found


def _copy_rows(
    rows: sqlite3.Cursor, tables: dict[int, TagTable], db: sqlite3.Connection, saved: set[int]
) -> None:
    for seq, number, payload in rows:
        tags = tables.get(number)
        if tags is None or seq in saved or not isinstance(payload, bytes):
            continue
        try:
            batch, _, transitions = codec.decode(payload, tags, seq=seq)
        except JournalDamaged:
            continue
        if len(batch) and int(batch.tag_index.max()) >= len(tags):
            continue
        if any(one.tag_index >= len(tags) for one in transitions):
            continue
        db.execute(
            "INSERT INTO batch VALUES (?, ?, ?, ?, ?)",
            (seq, batch.received_us, len(batch), number, payload),
        )
        saved.add(seq)


def _copy_removed_until(source: sqlite3.Connection, db: sqlite3.Connection) -> None:
    """Up to when batches were read and removed, so that the time since then is marked."""
    with contextlib.suppress(sqlite3.Error, ValueError):
        for (value,) in source.execute("SELECT value FROM meta WHERE key = 'removed_until_us'"):
            notes.write(db, removed_until_us=str(int(value)))


def _saved(journal: Path) -> Path:
    return journal.with_name("journal.salvaged.db")
