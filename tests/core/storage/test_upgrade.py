"""A database of the version before becomes one of this version: it keeps all, answers as before."""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.storage import migrate as migration
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.tags import Alarm
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import HOUR_US, Database, Row, Worker, now_us
from tests.core.storage.desk import Desk, declare, hi, named, tag, tell

BEFORE = 40
"""The last migration of the version before."""
BAD = quality(Level.BAD, Reason.OUT_OF_RANGE)
UNCERTAIN = quality(Level.UNCERTAIN, Reason.ANOMALY)
RELATIONS = """
    SELECT c.relname, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'pumpjack'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relkind::text = ANY ($1) AND NOT c.relispartition AND c.relname <> 'migration'
    GROUP BY c.relname
"""
Columns = dict[str, list[str]]
"""Of each relation, by name."""


async def columns(database: Database, *kinds: str) -> Columns:
    return {row[0]: row[1] for row in await database.admin.fetch(RELATIONS, list(kinds))}


async def held(database: Database, tables: Columns) -> dict[str, list[str]]:
    """What the tables hold, as a superuser sees it."""
    return {
        name: sorted(map(repr, await database.admin.fetch(_select(name, listed))))
        for name, listed in tables.items()
    }


async def answers(database: Database, views: Columns) -> dict[str, list[str]]:
    """What the tenant's reader sees."""
    return {
        name: sorted(map(repr, await database.read(_select(name, listed))))
        for name, listed in views.items()
    }


def _select(name: str, listed: list[str]) -> str:
    return f"SELECT {', '.join(listed)} FROM pumpjack.{name}"


async def some_of_everything(database: Database) -> Worker:
    """Readings of each quality, rolled up or not yet, an alarm, a command: what a field leaves."""
    worker = await database.worker(fenced=False)
    await declare(worker, tag(0, Alarm("hi", limit=5.0)), tag(1))
    hour = now_us() // HOUR_US * HOUR_US
    codes = (0, 0, UNCERTAIN, BAD)
    rows: list[Row] = [
        (hour - 30 * HOUR_US + n * 360_000_000, n % 3, n / 8, codes[n % 4]) for n in range(300)
    ]  # eighths: their sums are the same in any order
    await worker.write(rows[:200], [(0, hour, "clock_future", "x")])
    await tell(worker, hi(True))
    async with Desk.open(database) as desk:
        await desk.act("acknowledged", [named(worker, 0, "hi")])
    await database.admin.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    assert await database.admin.fetchval("SELECT pumpjack.roll_up(500)") > 0
    await database.admin.execute("COMMIT")
    await worker.write(rows[200:])
    return worker


@pytest.mark.parametrize("level", LEVELS[:2])
async def test_an_upgrade_keeps_every_row_and_every_view_answers_as_before(
    fresh_url: str, level: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = migration.load()
    monkeypatch.setattr(migration, "load", lambda: tuple(f for f in files if f.number <= BEFORE))
    await migrate(fresh_url)
    monkeypatch.undo()
    async with Database.open(fresh_url, level) as database:
        worker = await some_of_everything(database)
        tables, views = await columns(database, "r", "p"), await columns(database, "v")
        views = {name: listed for name, listed in views.items() if name.startswith("scada_")}
        rows, seen = await held(database, tables), await answers(database, views)
        assert len(rows["reading"]) == len(seen["scada_readings"]) == 300
        assert seen["scada_readings_1hour"]
        assert seen["scada_events"]
        assert seen["scada_quarantine"]

        applied = (await migrate(fresh_url)).applied
        assert applied == tuple(f.name for f in files if f.number > BEFORE and level in f.levels)
        assert await held(database, tables) == rows
        assert await answers(database, views) == seen

        await worker.open()
        assert worker.seq == 3, "a journal of before goes on where it was"
        assert (await worker.write([(now_us(), 0, 1.5)])).stored == 1
