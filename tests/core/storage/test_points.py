"""Buckets by level: what a chart of a long range is made of, right at any time, at each level."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.storage import migrate as migration
from pumpjack_core.storage.migrate import migrate
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, HOUR_US, MINUTE_US, STEPS, Database, Row, now_us

BAD = quality(Level.BAD, Reason.OUT_OF_RANGE)
UNCERTAIN = quality(Level.UNCERTAIN, Reason.ANOMALY)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Points = dict[tuple[int, int], tuple[int, Any, Any, Any]]
"""(bucket in µs, level) to (number, total, low, high)"""

plain = pytest.mark.parametrize("level", LEVELS[:1])
rolled_up = pytest.mark.parametrize("level", LEVELS[:2])
every_level = pytest.mark.parametrize("level", LEVELS)


async def points(database: Database, step: str, tag_id: int) -> Points:
    rows = await database.read(
        f"SELECT bucket, level, sum(number)::bigint, sum(total), min(low), max(high)"
        f" FROM pumpjack.scada_points_{step} WHERE tag_id = $1 GROUP BY 1, 2",
        tag_id,
    )
    return {((row[0] - EPOCH) // timedelta(microseconds=1), row[1]): row[2:] for row in rows}


def expected(rows: list[Row], step: str) -> Points:
    grouped: dict[tuple[int, int], list[float]] = defaultdict(list)
    for us, _, value, code in (row if len(row) == 4 else (*row, 0) for row in rows):
        level = 2 if math.isnan(value) else min(code & 3, 2)
        grouped[us - us % STEPS[step], level].append(value)
    return {
        (bucket, level): (
            (len(values), pytest.approx(sum(values)), min(values), max(values))
            if level < 2
            else (len(values), None, None, None)
        )
        for (bucket, level), values in grouped.items()
    }


async def assert_all(database: Database, tag_id: int, rows: list[Row]) -> None:
    for step in STEPS:
        assert await points(database, step, tag_id) == expected(rows, step), step


def some_rows(seed: int, hour: int, number: int = 400) -> list[Row]:
    """Readings of some hours, each at a time of its own, a quarter of them not GOOD."""
    chance = random.Random(seed)
    times = chance.sample(range(0, 5 * HOUR_US, 1_000_000), number)
    return [
        (
            hour + us,
            0,
            chance.choice([math.nan, 1e6]) if code == BAD else chance.uniform(-100, 100),
            code,
        )
        for us in times
        for code in [chance.choice([0, 0, 0, 0, 0, 0, UNCERTAIN, BAD])]
    ]


@every_level
async def test_every_reading_is_in_one_bucket_of_its_quality_before_and_after_the_roll_up(
    database: Database,
) -> None:
    worker = await database.worker()
    rows = some_rows(1, now_us() // HOUR_US * HOUR_US - 30 * HOUR_US)
    rows += some_rows(2, now_us() // HOUR_US * HOUR_US - 4 * HOUR_US, 200)
    rows = [row for row in rows if row[0] < now_us()]
    await worker.write(rows)
    await assert_all(database, worker.tags[0], rows)
    for _ in range(2):
        await database.refresh()
        await assert_all(database, worker.tags[0], rows)


@every_level
async def test_a_batch_that_comes_again_counts_once_and_a_late_one_counts(
    database: Database,
) -> None:
    worker = await database.worker()
    hour = now_us() // HOUR_US * HOUR_US - 6 * HOUR_US
    rows = some_rows(3, hour)
    await worker.write(rows)
    await database.refresh()
    assert (await worker.write(rows)).duplicates == len(rows)
    late: list[Row] = [
        (hour - 40 * DAY_US, 0, 5.0, UNCERTAIN),
        (hour - 40 * DAY_US + 1, 0, 5.0, BAD),
        (hour + 3 * MINUTE_US + 500, 0, 7e5, UNCERTAIN),
    ]
    await worker.write(late)
    if database.level == "community":
        await database.refresh()  # its jobs run every minute; until then late readings are missing
    await assert_all(database, worker.tags[0], rows + late)
    await database.refresh()
    await assert_all(database, worker.tags[0], rows + late)


@rolled_up
async def test_what_was_rolled_up_before_is_looked_through_from_the_newest_hour_back(
    fresh_url: str, level: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = migration.load()
    monkeypatch.setattr(migration, "load", lambda: tuple(f for f in files if f.number < 42))
    await migrate(fresh_url)
    monkeypatch.undo()
    async with Database.open(fresh_url, level) as database:
        worker = await database.worker(fenced=False)
        hour = now_us() // HOUR_US * HOUR_US
        rows = some_rows(4, hour - 70 * HOUR_US) + some_rows(5, hour - 5 * HOUR_US, 150)
        await worker.write(rows)
        await database.admin.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert await database.admin.fetchval("SELECT pumpjack.roll_up(500)") > 5
        await database.admin.execute("COMMIT")
        assert (await migrate(fresh_url)).applied
        since = "SELECT pumpjack.doubt_known_from()"
        assert (await database.read(since))[0][0] == EPOCH + timedelta(microseconds=hour)
        late: list[Row] = [(hour - 69 * HOUR_US + 77, 0, 9e4, UNCERTAIN)]
        await worker.write(late)
        done = await database.maintain()
        assert done.missed == ()
        assert 69 <= done.looked <= 71
        await assert_all(database, worker.tags[0], rows + late)
        first = min(us for us, *_ in rows) // HOUR_US * HOUR_US
        assert (await database.read(since))[0][0] == EPOCH + timedelta(microseconds=first)
        assert (await database.maintain()).looked == 0
        await assert_all(database, worker.tags[0], rows + late)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("level", LEVELS[2:])
async def test_continuous_aggregates_go_back_as_far_as_their_policies(
    fresh_url: str, level: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = migration.load()
    monkeypatch.setattr(migration, "load", lambda: tuple(f for f in files if f.number < 42))
    await migrate(fresh_url)
    monkeypatch.undo()
    async with Database.open(fresh_url, level) as database:
        worker = await database.worker(fenced=False)
        rows = some_rows(6, now_us() // HOUR_US * HOUR_US - 40 * HOUR_US)
        await worker.write(rows)
        await database.run_jobs("policy_refresh_continuous_aggregate")
        await migrate(fresh_url)
        await assert_all(database, worker.tags[0], rows)
        await database.run_jobs("policy_refresh_continuous_aggregate")
        await assert_all(database, worker.tags[0], rows)
        since = (await database.read("SELECT pumpjack.doubt_known_from()"))[0][0]
        age = datetime.now(UTC) - since
        assert timedelta(days=87) < age <= timedelta(days=89), "raw_days is 90"


@every_level
async def test_a_new_database_knows_everything_from_the_start(database: Database) -> None:
    await database.tenant()
    since = "SELECT pumpjack.doubt_known_from() = '-infinity'"
    assert await database.read(since) == [(True,)]
    assert (await database.maintain()).looked == 0


@rolled_up
async def test_doubt_is_kept_as_long_as_the_roll_ups(database: Database) -> None:
    worker = await database.worker()
    old = now_us() - 80 * DAY_US
    await worker.write([(old, 0, 1.0, BAD), (now_us() - HOUR_US, 0, 2.0, UNCERTAIN)])
    await database.refresh()
    await database.admin.execute("UPDATE pumpjack.settings SET raw_days = 10")
    await database.maintain()
    day = (old // DAY_US * DAY_US, 2)
    assert day in await points(database, "1day", worker.tags[0])
    await database.admin.execute("UPDATE pumpjack.settings SET aggregate_days = 30")
    await database.maintain()
    for step in STEPS:
        assert [level for _, level in await points(database, step, worker.tags[0])] == [1]


@plain
async def test_a_query_for_one_tag_searches_by_tag(database: Database) -> None:
    worker = await database.worker(tags=30)
    hour = now_us() // HOUR_US * HOUR_US - 3 * HOUR_US
    await worker.write(
        [
            (hour + n * MINUTE_US, tag, float(n), BAD if n % 9 == 0 else 0)
            for tag in range(30)
            for n in range(180)
        ]
    )
    await database.refresh()
    await database.admin.execute("ANALYZE")
    plan = await database.read(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT bucket, low"
        " FROM pumpjack.scada_points_1min WHERE tag_id = ANY ($1)"
        " AND bucket >= $2 AND bucket < $3",
        worker.tags[7:9],
        EPOCH + timedelta(microseconds=hour),
        EPOCH + timedelta(microseconds=hour + 2 * HOUR_US),
    )
    text = "\n".join(line for (line,) in plan)
    conditions = [line for line in text.splitlines() if "Index Cond" in line and "bucket" in line]
    assert sum("tag_id = s" in line and "bucket >=" in line for line in conditions) >= 2, text


@plain
async def test_a_query_for_few_readings_searches_by_tag(database: Database) -> None:
    worker = await database.worker(tags=60)
    start = now_us() // HOUR_US * HOUR_US - 3 * HOUR_US
    await worker.write(
        [(start + n * 1_000_000, tag, float(n)) for tag in range(60) for n in range(300)]
    )
    await database.admin.execute("ANALYZE")
    plan = await database.read(
        "EXPLAIN (COSTS OFF) SELECT count(*) FROM pumpjack.scada_points_raw"
        " WHERE tag_id = ANY ($1) AND time >= $2 AND time < $3",
        worker.tags[7:9],
        EPOCH + timedelta(microseconds=start),
        EPOCH + timedelta(microseconds=start + HOUR_US),
    )
    text = "\n".join(line for (line,) in plan)
    conditions = [line for line in text.splitlines() if "Index Cond" in line]
    assert any("tag_id = ANY" in line and "ts >=" in line for line in conditions), text


@every_level
async def test_numbers_too_large_to_add_up_are_no_numbers_and_stop_no_roll_up(
    database: Database,
) -> None:
    worker = await database.worker()
    hour = now_us() // HOUR_US * HOUR_US - 3 * HOUR_US
    await worker.write(
        [(hour + n, 0, value) for n, value in enumerate((-1.7e308, -1.7e308, 1e300))]
    )
    await worker.write([(hour + 9, 0, -1.7e308, UNCERTAIN)])
    assert await database.read(
        "SELECT value, quality, reason FROM pumpjack.scada_readings ORDER BY time"
    ) == [
        (None, "BAD", "not_a_number"),
        (None, "BAD", "not_a_number"),
        (1e300, "GOOD", None),
        (None, "BAD", "anomaly"),
    ]
    await database.refresh()
    found = await points(database, "1day", worker.tags[0])
    assert [(level, row[0]) for (_, level), row in sorted(found.items())] == [(0, 1), (2, 3)]


@every_level
async def test_readers_see_their_own_tenant_alone(database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us(), 0, 1.0, BAD)])
    await database.tenant("bakken")
    for view in ("raw", *STEPS):
        count = f"SELECT count(*) FROM pumpjack.scada_points_{view}"
        assert await database.read(count) == [(1,)], view
        assert await database.read(count, tenant_id="bakken") == [(0,)], view
