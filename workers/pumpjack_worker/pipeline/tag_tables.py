"""The tag tables of a journal's batches: each is stored once, and batches name it by a number."""

from __future__ import annotations

import sqlite3

import msgspec

from pumpjack_core.tags import Tag, TagTable


class TagTables:
    """Those of one file. Raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._numbers: dict[str, int] = {}
        self._cache: dict[int, TagTable] = {}

    def forget(self) -> None:
        """A transaction was rolled back: numbers that it gave are not there."""
        self._numbers.clear()

    def number(self, tags: TagTable) -> int:
        """The number of a table, which is put there where it is new. Within a transaction."""
        known = self._numbers.get(tags.hash)
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
            self._numbers[tags.hash] = known
            self._cache[known] = tags
        return known

    def table(self, number: int) -> TagTable:
        """The table of a number that a batch has."""
        found = self._cache.get(number)
        if found is None:
            (blob,) = self._db.execute(
                "SELECT tags FROM tag_table WHERE id = ?", (number,)
            ).fetchone()
            found = TagTable(msgspec.json.decode(blob, type=tuple[Tag, ...]))
            self._cache[number] = found
        return found
