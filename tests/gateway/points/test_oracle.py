"""Columns hold every extreme, every count and the worst quality, however it was stored."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pumpjack_core.quality import Level as Quality
from pumpjack_core.quality import Reason, quality
from pumpjack_core.storage.levels import Level
from pumpjack_core.tags import Tag
from pumpjack_gateway.history import Interval, Range
from pumpjack_gateway.points.columns import lay_out
from pumpjack_gateway.points.store import PointsStore
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import HOUR_US, Database, Worker, now_us
from tests.gateway.points.oracle import EPOCH, Seen, expected

US = timedelta(microseconds=1)
CODES = (
    0,
    quality(Quality.GOOD, backfilled=True),
    quality(Quality.UNCERTAIN, Reason.ANOMALY),
    quality(Quality.BAD, Reason.OUT_OF_RANGE),
    3,  # the level that nobody uses is BAD
)
INTERVALS: tuple[Interval, ...] = ("raw", "1min", "5min", "1hour", "1day")
SPAN_US = 30 * HOUR_US
_numbers = itertools.count()

# Many at the same second, at edges of buckets, and some anywhere.
_times = st.one_of(
    st.integers(0, 30).map(lambda hour: hour * HOUR_US),
    st.integers(0, 1800).map(lambda minute: minute * 60_000_000),
    st.integers(0, 300).map(lambda number: number * 7_000_000),
    st.integers(0, SPAN_US),
)
_values = st.one_of(
    st.floats(-1e6, 1e6),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, 5e-324, -1e300, -1.7e308, 1e15]),
)
_rows = st.lists(
    st.tuples(_times, st.integers(0, 1), _values, st.sampled_from(CODES)), min_size=1, max_size=60
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _rows),
        st.tuples(st.just("replay"), st.integers(0, 5)),
        st.tuples(st.just("refresh"), st.none()),
    ),
    min_size=1,
    max_size=5,
)
CHARTS = st.lists(
    st.tuples(
        st.integers(-HOUR_US, SPAN_US),
        st.integers(1, SPAN_US),
        st.integers(16, 400),
        st.sampled_from(INTERVALS),
    ),
    min_size=1,
    max_size=4,
)


async def new_tags(worker: Worker) -> None:
    """Tags that nothing is known of yet, so that one database serves all examples."""
    number = next(_numbers)
    table = [Tag(f"well-{number}", f"t{n}", "holding:1", "float32", 1.0, "psi") for n in (0, 1)]
    worker.tags = await worker.ingest.register_series(worker.name, table)


async def stored(database: Database, tag_id: int) -> list[Seen]:
    rows = await database.read(
        "SELECT time, value, quality FROM pumpjack.scada_readings WHERE tag_id = $1", tag_id
    )
    return [Seen(row[0], row[1], ("GOOD", "UNCERTAIN", "BAD").index(row[2])) for row in rows]


async def play(database: Database, worker: Worker, steps: list[Any], start_us: int) -> None:
    """Store, store again, roll up; at the end each reading is there once."""
    batches: list[list[tuple[int, int, float, int]]] = []
    for what, given_ in steps:
        if what == "write":
            batch = [(start_us + us, tag, value, code) for us, tag, value, code in given_]
            await worker.write(batch)
            batches.append(batch)
        elif what == "replay" and batches:
            again = batches[given_ % len(batches)]
            assert (await worker.write(again)).stored == 0
        elif what == "refresh":
            await database.refresh()
    for number, tag_id in enumerate(worker.tags):
        told = Counter(
            (value + 0.0, min(code & 3, 2))
            for value, code in {
                (us, value + 0.0, min(code & 3, 2)): (value, code)
                for us, tag, value, code in itertools.chain(*batches)
                if tag == number and abs(value) <= 1e300
            }.values()
        )
        there = Counter(
            (one.value + 0.0, one.level)
            for one in await stored(database, tag_id)
            if one.value is not None
        )
        assert there == told


async def compare(
    database: Database, points: PointsStore, worker: Worker, chart: tuple[Any, ...], start_us: int
) -> None:
    at, length, number, interval = chart
    start = EPOCH + (start_us + at) * US
    columns = lay_out(Range(start, start + length * US), number, interval)
    drawn = await points.draw("permian", worker.tags, columns, [worker.name])
    for tag_id in worker.tags:
        wanted = expected(await stored(database, tag_id), columns)
        assert len(wanted) <= number
        found = drawn.buckets.get(tag_id, [])
        assert [row[:1] + row[3:8] for row in found] == [row[:1] + row[3:8] for row in wanted]
        for one, other in zip(found, wanted, strict=True):
            # Means and times are added up in another order.
            close = 1e-3 + 1e-9 * max(abs(other[3] or 0), abs(other[4] or 0))
            for mine, theirs in zip(one, other, strict=True):
                assert mine == (None if theirs is None else pytest.approx(theirs, abs=close))


_hypothesis = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


async def example(
    database: Database, points: PointsStore, steps: list[Any], charts: list[Any]
) -> None:
    worker = await database.worker()
    start_us = now_us() // HOUR_US * HOUR_US - 33 * HOUR_US
    await new_tags(worker)
    await play(database, worker, steps, start_us)
    if database.level == "community":
        await database.refresh()  # what came late counts after the next run of its jobs
    for chart in charts:
        await compare(database, points, worker, chart, start_us)


@pytest.mark.parametrize("level", LEVELS[:1])
@given(steps=STEPS, charts=CHARTS)
@settings(_hypothesis, max_examples=60)
async def test_no_extreme_no_count_and_no_bad_quality_is_lost(
    level: Level, database: Database, points: PointsStore, steps: list[Any], charts: list[Any]
) -> None:
    await example(database, points, steps, charts)


@pytest.mark.parametrize("level", LEVELS[1:])
@given(steps=STEPS, charts=CHARTS)
@settings(_hypothesis, max_examples=8)
async def test_no_extreme_no_count_and_no_bad_quality_is_lost_on_timescaledb(
    level: Level, database: Database, points: PointsStore, steps: list[Any], charts: list[Any]
) -> None:
    await example(database, points, steps, charts)


@pytest.mark.parametrize("level", LEVELS[2:])
async def test_compressed_days_give_the_same_columns(
    level: Level, database: Database, points: PointsStore
) -> None:
    worker = await database.worker()
    start_us = now_us() // HOUR_US * HOUR_US - 20 * 24 * HOUR_US
    rows = [(start_us + n * 60_000_000, n % 2, float(n % 97), CODES[n % 5]) for n in range(600)]
    await worker.write(rows)
    await database.refresh()
    worker.tags = worker.tags[:2]
    charts: list[Any] = [(0, 10 * HOUR_US, 100, interval) for interval in INTERVALS]
    await database.run_jobs("policy_compression")
    compressed = "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed"
    assert await database.admin.fetchval(compressed) > 0
    for chart in charts:
        await compare(database, points, worker, chart, start_us)
