"""`maintain`: nothing is lost while it works, and what is old goes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.storage.maintain import Upkeep, maintain
from pumpjack_core.storage.roles import MAINTAIN_ROLE
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, HOUR_US, Database, now_us

plain = pytest.mark.parametrize("level", LEVELS[:1])
rolled_up = pytest.mark.parametrize("level", LEVELS[:2])
every_level = pytest.mark.parametrize("level", LEVELS)
COUNT = "SELECT count(*) FROM pumpjack.scada_readings"
DAYS = "SELECT bucket::date, reading_count FROM pumpjack.scada_readings_1day ORDER BY 1"


async def run_retention(database: Database) -> None:
    """A pass of maintain, and at the level community TimescaleDB's own retention jobs by hand."""
    await database.maintain()
    await database.run_jobs("policy_retention")
    # A window that reached dropped chunks would empty the aggregates.
    await database.run_jobs("policy_refresh_continuous_aggregate")


@every_level
async def test_old_readings_go_and_their_aggregates_stay_longer(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    await worker.write([(now - 80 * DAY_US, 0, 1.0), (now - HOUR_US, 0, 2.0)])
    await database.refresh()
    before = await database.read(DAYS)
    assert len(before) == 2
    await database.admin.execute("UPDATE pumpjack.settings SET raw_days = 10")
    await run_retention(database)
    assert await database.read(COUNT) == [(1,)]
    assert await database.read(DAYS) == before
    await database.admin.execute("UPDATE pumpjack.settings SET aggregate_days = 30")
    await run_retention(database)
    assert await database.read(DAYS) == before[1:]


@every_level
async def test_a_shorter_retention_refuses_readings_that_would_go_at_once(
    database: Database,
) -> None:
    worker = await database.worker()
    await database.admin.execute("UPDATE pumpjack.settings SET raw_days = 10")
    written = await worker.write([(now_us() - 9 * DAY_US, 0, 1.0), (now_us() - 7 * DAY_US, 0, 2.0)])
    assert (written.stored, written.quarantined) == (1, 1)


@rolled_up
async def test_readings_that_wait_for_their_roll_up_are_not_dropped(database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us() - 80 * DAY_US, 0, 1.0)])
    await database.admin.execute("UPDATE pumpjack.settings SET raw_days = 10")
    await database.admin.execute("SELECT pumpjack.apply_settings()")
    assert await database.read(COUNT) == [(1,)]
    assert (await database.maintain()).hours == 1
    assert await database.read(COUNT) == [(0,)]
    assert [count for _, count in await database.read(DAYS)] == [1]


@rolled_up
async def test_a_reading_that_commits_during_the_roll_up_is_not_lost(database: Database) -> None:
    worker = await database.worker()
    hour = now_us() // HOUR_US * HOUR_US - 3 * HOUR_US
    await worker.write([(hour, 0, 1.0)])
    other = await asyncpg.connect(database.login(MAINTAIN_ROLE))
    async with other.transaction(isolation="repeatable_read"):
        await other.execute("SELECT pumpjack.take_turn()")  # its snapshot is of now
        await worker.write([(hour + 1, 0, 3.0)])
        assert await other.fetchval("SELECT pumpjack.roll_up(10)") == 1
    await other.close()
    answer = "SELECT avg_value, reading_count FROM pumpjack.scada_readings_1hour"
    assert await database.read(answer) == [(2.0, 2)]
    assert (await database.maintain()).hours == 1
    assert await database.read(answer) == [(2.0, 2)]
    assert (await database.maintain()).hours == 0


@rolled_up
async def test_the_hour_that_still_runs_keeps_one_mark(database: Database) -> None:
    worker = await database.worker()
    for second in range(5):
        await worker.write([(now_us() + second, 0, 1.0)])
    await database.maintain()
    assert await database.admin.fetchval("SELECT count(*) FROM pumpjack.mark") == 1


@rolled_up
async def test_two_at_once_take_turns(database: Database) -> None:
    async with database.admin.transaction():
        await database.admin.execute("SELECT pumpjack.take_turn()")
        missed = (await database.maintain()).missed
    assert any("another maintain is at work" in sentence for sentence in missed)
    assert (await database.maintain()).missed == ()


@rolled_up
async def test_a_tenant_that_holds_its_rows_does_not_stop_it(database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us() - 5 * HOUR_US, 0, 1.0)], [(0, now_us(), "unparsable", "x")])
    other = await database.worker(name="ops/pad8")
    await other.write([], [(0, now_us(), "unparsable", "y")])
    await database.admin.execute(
        "UPDATE pumpjack.quarantine SET kept_at = now() - interval '1 year'"
    )
    connection = worker.ingest._connection
    async with connection.transaction():
        await worker.write([(now_us(), 0, 1.0)])
        done = await database.maintain()
    assert (done.hours, done.removed, done.missed) == (1, 1, ())
    assert (await database.maintain()).removed == 1
    assert await database.read("SELECT total, kept FROM pumpjack.scada_quarantine_totals") == [
        (1, 0),
        (1, 0),
    ]


@plain
async def test_partitions_are_there_before_they_are_needed(database: Database) -> None:
    parts = "SELECT relname FROM pg_class WHERE relname ~ '^reading_[0-9]*$' ORDER BY 1"
    for row in await database.admin.fetch(parts):
        await database.admin.execute(f"DROP TABLE pumpjack.{row['relname']}")
    assert (await database.maintain()).changed == 15
    last = (await database.admin.fetch(parts))[-1]["relname"]
    assert last == f"reading_{datetime.now(UTC) + timedelta(days=14):%Y%m%d}"


@rolled_up
async def test_it_goes_on_until_it_is_stopped(database: Database) -> None:
    reports: list[Upkeep] = []
    task = asyncio.create_task(
        maintain(database.login(MAINTAIN_ROLE), interval_s=0.01, report=reports.append)
    )
    async with asyncio.timeout(20):
        while len(reports) < 3:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@plain
async def test_a_database_that_was_not_migrated_is_named(fresh_url: str) -> None:
    with pytest.raises(StorageError, match="run `pumpjack migrate`"):
        await maintain(fresh_url, once=True)
