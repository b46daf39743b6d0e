"""What waits in the journals while no worker has them open."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path

from pumpjack_cli.local.datadir import DataDir, slug

FILE = "journal.db"
LIMIT_S = 2.0


def waiting(folder: Path) -> int:
    """Readings in a journal that the database does not have yet; 0 where there is no journal."""
    path = folder / FILE
    if not path.exists():
        return 0
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=LIMIT_S)
        try:
            (count,) = db.execute("SELECT coalesce(sum(readings), 0) FROM batch").fetchone()
        finally:
            db.close()
    except sqlite3.Error:
        return 0  # the worker that opens it says what is wrong
    return int(count)


def abandoned(data: DataDir, connection_ids: Collection[str]) -> list[tuple[Path, int]]:
    """Journals with readings whose connection is declared no more."""
    known = {slug(name) for name in connection_ids}
    found = [
        (folder, waiting(folder))
        for folder in sorted((data.root / "journals").glob("*"))
        if folder.name not in known
    ]
    return [(folder, count) for folder, count in found if count]
