"""What a journal's file says of itself: a few texts by name, sealed against damage.

SQLite has no checksums: a number that flipped on the disk would be believed, and numbers used
twice. format, connection_id, journal_id, reserved_seq, removed_until_us, confirmed.
"""

from __future__ import annotations

import sqlite3
import zlib

import msgspec

_SEAL = "seal"


def read(db: sqlite3.Connection) -> dict[str, str]:
    """All of them. Raises sqlite3.Error."""
    return {str(key): str(value) for key, value in db.execute("SELECT key, value FROM meta")}


def write(db: sqlite3.Connection, **notes: str | None) -> None:
    """Change these, None: forget it. To be called within a transaction."""
    for key, value in notes.items():
        if value is None:
            db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_SEAL, _seal_of(read(db))))


def are_sound(notes: dict[str, str]) -> bool:
    """Whether they are what was written. Format 1 had no seal."""
    return notes.get("format") == "1" or notes.get(_SEAL) == _seal_of(notes)


def _seal_of(notes: dict[str, str]) -> str:
    ordered = sorted((key, value) for key, value in notes.items() if key != _SEAL)
    return f"{zlib.crc32(msgspec.json.encode(ordered)):08x}"
