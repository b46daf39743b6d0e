"""Aggregates: right before, during and after the roll-up, at each level."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pumpjack_core.quality import Level, Reason, quality
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, HOUR_US, MINUTE_US, STEPS, Database, Worker, now_us

BAD = quality(Level.BAD, Reason.OUT_OF_RANGE)
UNCERTAIN = quality(Level.UNCERTAIN, Reason.ANOMALY)
Buckets = list[tuple[int, float, float, float, int]]
"""(start in µs, average, lowest, highest, how many)"""

pytestmark = pytest.mark.parametrize("level", LEVELS)


async def buckets(database: Database, step: str, tag: str = "tag-0") -> Buckets:
    rows = await database.read(
        f"SELECT bucket, avg_value, min_value, max_value, reading_count"
        f" FROM pumpjack.scada_readings_{step} WHERE well_id = $1 AND tag_name = $2"
        " ORDER BY bucket",
        "well-1",
        tag,
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [((row[0] - epoch) // timedelta(microseconds=1), *row[1:]) for row in rows]


def expected(readings: list[tuple[int, float]], step: str) -> Buckets:
    grouped: dict[int, list[float]] = {}
    for us, value in sorted(readings):
        grouped.setdefault(us - us % STEPS[step], []).append(value)
    return [
        (start, pytest.approx(sum(values) / len(values)), min(values), max(values), len(values))
        for start, values in grouped.items()
    ]


async def assert_all(database: Database, readings: list[tuple[int, float]]) -> None:
    for step in STEPS:
        assert await buckets(database, step) == expected(readings, step), step


async def write(worker: Worker, readings: list[tuple[int, float]]) -> None:
    await worker.write([(us, 0, value) for us, value in readings])


def an_hour(ago: int) -> int:
    """Start of a whole hour [µs]."""
    return now_us() // HOUR_US * HOUR_US - ago * HOUR_US


async def test_answers_are_right_before_and_after_the_roll_up(database: Database) -> None:
    worker = await database.worker()
    hour = an_hour(ago=30)
    readings = [
        (hour + minute * MINUTE_US + second * 1_000_000, minute * 3.0 + second)
        for minute in (0, 1, 7, 59, 60, 130, 26 * 60, 29 * 60)
        for second in (0, 20, 40)
    ]
    await write(worker, readings)
    await assert_all(database, readings)
    await database.refresh()
    await assert_all(database, readings)
    await database.refresh()
    await assert_all(database, readings)


async def test_only_good_readings_count(database: Database) -> None:
    worker = await database.worker()
    hour = an_hour(ago=2)
    await worker.write(
        [
            (hour, 0, 2.0),
            (hour + 1, 0, 4.0),
            (hour + 2, 0, 900.0, BAD),
            (hour + 3, 0, 70.0, UNCERTAIN),
            (hour + 4, 0, float("nan")),
            (hour + 5, 1, 900.0, BAD),
        ]
    )
    for _ in range(2):
        for step in STEPS:
            assert [row[1:] for row in await buckets(database, step)] == [(3.0, 2.0, 4.0, 2)]
            assert await buckets(database, step, "tag-1") == []
        await database.refresh()


async def test_late_readings_change_hours_that_were_rolled_up(database: Database) -> None:
    worker = await database.worker()
    hour = an_hour(ago=5)
    readings = [(hour + n * 10 * MINUTE_US, float(n)) for n in range(12)]
    await write(worker, readings)
    await database.refresh()
    late = [(hour + 61 * MINUTE_US, 100.0), (hour - 40 * DAY_US, 7.0)]
    await write(worker, late)
    if database.level == "community":
        await database.refresh()  # its jobs run every minute; until then late readings are missing
    await assert_all(database, readings + late)
    await database.refresh()
    await assert_all(database, readings + late)


async def test_a_query_for_one_tag_searches_by_tag(database: Database) -> None:
    worker = await database.worker(tags=30)
    hour = an_hour(ago=3)
    await worker.write(
        [(hour + n * MINUTE_US, tag, float(n)) for tag in range(30) for n in range(180)]
    )
    await database.refresh()
    await database.admin.execute("ANALYZE")
    plan = await database.read(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT bucket, avg_value"
        " FROM pumpjack.scada_readings_1min WHERE well_id = $1 AND tag_name = $2"
        " AND bucket >= $3 AND bucket < $4 ORDER BY bucket",
        "well-1",
        "tag-7",
        datetime.fromtimestamp(hour / 1e6, UTC),
        datetime.fromtimestamp(hour / 1e6 + 7200, UTC),
    )
    text = "\n".join(line for (line,) in plan)
    conditions = [line for line in text.splitlines() if "Index Cond" in line and "bucket" in line]
    assert any("tag_id = s" in line and "bucket >=" in line for line in conditions), text
