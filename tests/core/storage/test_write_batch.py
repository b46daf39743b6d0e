"""What becomes of readings: stored, duplicate, shifted or quarantined, each exactly once."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.storage.ingest import Written
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, HOUR_US, Database, Worker, now_us

READINGS = """
    SELECT time, tag_name, value, quality, reason, shifted
    FROM pumpjack.scada_readings ORDER BY tag_name, time
"""


def at(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def outcome(written: Written) -> dict[str, int]:
    names = ("stored", "duplicates", "shifted", "quarantined")
    return {name: getattr(written, name) for name in names if getattr(written, name)}


async def test_readings_are_stored_with_their_names_units_and_quality(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    written = await worker.write(
        [
            (now, 0, 1.5),
            (now, 1, 9999.0, quality(Level.BAD, Reason.OUT_OF_RANGE)),
            (now + 1, 0, 2.5, quality(Level.UNCERTAIN, Reason.ANOMALY, backfilled=True)),
        ]
    )
    assert written == Written(True, 1, 1, 3, 0, 0, 0)
    rows = await database.read("SELECT * FROM pumpjack.scada_readings ORDER BY tag_name, time")
    common = ("permian", "well-1", "ops/pad7")
    tail: tuple[Any, ...] = ("modbus-tcp", "psi", "float32")
    assert [row[:-1] for row in rows] == [
        (at(now), *common, "tag-0", 1.5, "GOOD", None, *tail, False, False),
        (at(now + 1), *common, "tag-0", 2.5, "UNCERTAIN", "anomaly", *tail, True, False),
        (at(now), *common, "tag-1", 9999.0, "BAD", "out_of_range", *tail, False, False),
    ]


async def test_what_is_no_number_is_stored_as_null_and_bad(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    await worker.write(
        [
            (now, 0, math.nan),
            (now + 1, 0, math.inf),
            (now + 2, 0, -math.inf, quality(Level.UNCERTAIN, Reason.ANOMALY)),
            (now + 3, 0, math.nan, quality(Level.BAD, Reason.COMM_FAILURE)),
        ]
    )
    assert await database.read(
        "SELECT value, quality, reason FROM pumpjack.scada_readings ORDER BY time"
    ) == [
        (None, "BAD", "not_a_number"),
        (None, "BAD", "not_a_number"),
        (None, "BAD", "anomaly"),
        (None, "BAD", "comm_failure"),
    ]


async def test_what_came_live_and_is_read_back_again_is_one_reading(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    doubted = quality(Level.UNCERTAIN, Reason.ANOMALY)
    live = [(now, 0, 1.0), (now + 5, 0, 2.0, doubted), (now + 9, 0, 3.0)]
    await worker.write(live)
    again = quality(Level.GOOD, backfilled=True)
    written = await worker.write([(us, 0, value, again) for us, _, value, *_ in live])
    assert outcome(written) == {"duplicates": 3}
    written = await worker.write([(now, 0, 7.0, again), (now, 0, 8.0, doubted)])
    assert outcome(written) == {"stored": 2, "shifted": 2}, "another value is another reading"
    written = await worker.write([(now, 0, 7.0), (now, 0, 8.0, again)])
    assert outcome(written) == {"duplicates": 2}, "also when it was shifted"


async def test_a_replay_repeats_nothing_and_says_where_the_cursor_stands(
    database: Database,
) -> None:
    worker = await database.worker()
    now = now_us()
    await worker.write([(now, 0, 1.0), (now, 0, 2.0)])
    before = await database.read(READINGS)
    again = await worker.write([(now, 0, 1.0), (now, 0, 2.0)], prev=0)
    assert again == Written(False, 1, 1, 0, 0, 0, 0)
    assert await database.read(READINGS) == before


async def test_a_batch_that_comes_before_its_turn_stores_nothing(database: Database) -> None:
    worker = await database.worker()
    early = await worker.write([(now_us(), 0, 1.0)], prev=7)
    assert (early.applied, early.cursor) == (False, 0)
    assert await database.read(READINGS) == []


async def test_the_cursor_moves_over_numbers_that_were_never_used(database: Database) -> None:
    worker = await database.worker()
    empty = np.empty(0)
    arguments = (
        empty.astype(np.int64),
        empty.astype(np.int32),
        empty.astype(np.int16),
        empty.astype(np.float64),
    )
    written = await worker.ingest.write_batch(worker.journal, 0, 1000, *arguments)
    assert (written.applied, written.cursor) == (True, 1000)
    assert await worker.open() == 1000


async def test_the_same_reading_again_is_a_duplicate(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    rows = [(now, 0, 1.0), (now + 1, 0, 2.0), (now, 1, math.nan)]
    await worker.write(rows)
    assert outcome(await worker.write([*rows, (now + 2, 0, 3.0)])) == {
        "stored": 1,
        "duplicates": 3,
    }
    assert outcome(await worker.write([(now + 9, 0, 1.0), (now + 9, 0, 1.0)])) == {
        "stored": 1,
        "duplicates": 1,
    }


async def test_another_value_for_an_instant_goes_to_the_next_free_microsecond(
    database: Database,
) -> None:
    worker = await database.worker()
    now = now_us()
    await worker.write([(now, 0, 1.0), (now + 2, 0, 8.0)])
    written = await worker.write([(now, 0, 2.0), (now, 0, 3.0), (now, 0, 1.0, 4), (now, 0, 2.0)])
    assert outcome(written) == {"stored": 3, "shifted": 3, "duplicates": 1}
    assert [row[2:] for row in await database.read(READINGS)] == [
        (1.0, "GOOD", None, False),
        (2.0, "GOOD", None, True),
        (8.0, "GOOD", None, False),
        (3.0, "GOOD", None, True),
        (1.0, "GOOD", "out_of_range", True),
    ]
    assert [row[0] for row in await database.read(READINGS)] == [
        at(now + shift) for shift in (0, 1, 2, 3, 4)
    ]


async def test_a_shifted_reading_that_comes_again_is_a_duplicate(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    rows = [(now, 0, 1.0), (now, 0, 2.0), (now, 0, math.nan)]
    assert outcome(await worker.write(rows)) == {"stored": 3, "shifted": 2}
    assert outcome(await worker.write(rows)) == {"duplicates": 3}


async def test_two_instants_close_together_never_lose_a_value(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    values = iter(range(1000))
    rows = [(now + shift, 0, float(next(values))) for shift in (0, 1, 2, 3) for _ in range(4)]
    assert outcome(await worker.write(rows)) == {"stored": 16, "shifted": 12}
    stored = await database.read("SELECT value FROM pumpjack.scada_readings ORDER BY value")
    assert [value for (value,) in stored] == [float(number) for number in range(16)]


async def test_a_millisecond_without_room_sends_the_rest_to_quarantine(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    written = await worker.write([(now, 0, float(number)) for number in range(1005)])
    assert outcome(written) == {"stored": 1001, "shifted": 1000, "quarantined": 4}
    kept = await database.read(
        "SELECT time, tag_name, reason, raw FROM pumpjack.scada_quarantine ORDER BY raw"
    )
    assert kept[0] == (at(now), "tag-0", "timestamp_conflict", "value 1001, quality 0")
    assert len(kept) == 4
    assert outcome(await worker.write([(now + 1001, 0, 5.0)])) == {"stored": 1}


async def test_times_that_nobody_can_believe_go_to_quarantine(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    written = await worker.write(
        [
            (0, 0, 1.0),
            (-5, 0, 1.0),
            (2**62, 0, 2.0),
            (3_786_912_000_000_000, 0, 3.0),
            (now - 88 * DAY_US - HOUR_US, 0, 4.0),
            (now - 87 * DAY_US, 0, 5.0),
            (now, 0, 6.0),
            (now + 20 * HOUR_US, 0, 7.0),
        ]
    )
    assert outcome(written) == {"stored": 3, "quarantined": 5}
    stored = await database.read("SELECT value FROM pumpjack.scada_readings ORDER BY time")
    assert stored == [(5.0,), (6.0,), (7.0,)]
    reasons = await database.read(
        "SELECT reason, total FROM pumpjack.scada_quarantine_totals ORDER BY reason"
    )
    assert reasons == [("in_future", 2), ("too_old", 3)]


async def test_a_batch_of_nothing_but_such_times_goes_there_whole(database: Database) -> None:
    worker = await database.worker()
    for us in (now_us() - 88 * DAY_US - HOUR_US, now_us() + 25 * HOUR_US):
        assert outcome(await worker.write([(us, 0, 1.0), (us + 1, 0, 2.0)])) == {"quarantined": 2}
    assert await database.read(READINGS) == []


async def test_what_the_worker_quarantined_is_kept_with_its_raw_form(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    raw = "12.5\x00é" + "x" * 5000
    written = await worker.write(
        [(now, 0, 1.0)], [(1, now, "unparsable", raw), (None, now, "text_value", "on")]
    )
    assert outcome(written) == {"stored": 1, "quarantined": 2}
    kept = await database.read(
        "SELECT time, tenant_id, well_id, connection_id, tag_name, reason, raw"
        " FROM pumpjack.scada_quarantine ORDER BY quarantine_id"
    )
    assert kept == [
        (
            at(now),
            "permian",
            "well-1",
            "ops/pad7",
            "tag-1",
            "unparsable",
            raw[:4096].replace("\0", "␀"),
        ),
        (at(now), "permian", None, "ops/pad7", None, "text_value", "on"),
    ]


async def test_past_the_quarantines_bound_counts_and_the_last_sample_are_kept(
    database: Database,
) -> None:
    worker = await database.worker()
    await database.admin.execute("UPDATE pumpjack.settings SET quarantine_rows = 3")
    now = now_us()
    await worker.write([], [(0, now, "unparsable", f"first {number}") for number in range(2)])
    await worker.write([], [(0, now, "unparsable", f"then {number}") for number in range(5)])
    await worker.write([], [(0, now, "text_value", "late")])
    assert await database.read("SELECT raw FROM pumpjack.scada_quarantine ORDER BY 1") == [
        ("first 0",),
        ("first 1",),
        ("then 0",),
    ]
    assert await database.read(
        "SELECT reason, total, kept, first_raw, last_raw"
        " FROM pumpjack.scada_quarantine_totals ORDER BY reason"
    ) == [("text_value", 1, 0, "late", "late"), ("unparsable", 7, 3, "first 0", "then 4")]


async def test_a_tag_of_another_connection_refuses_the_whole_call(database: Database) -> None:
    worker = await database.worker()
    other = await database.worker(name="ops/pad8")
    own, foreign = worker.tags[0], other.tags[0]
    worker.tags = [own, foreign]
    with pytest.raises(StorageError, match="1 of the tags are no series of this connection"):
        await worker.write([(now_us(), 0, 1.0), (now_us(), 1, 2.0)])
    with pytest.raises(StorageError, match="quarantined tags are no series"):
        await worker.write([(now_us(), 0, 1.0)], [(1, now_us(), "unparsable", "x")])
    assert await database.read(READINGS) == []
    assert await worker.open() == 0


async def test_a_replaced_worker_learns_it_and_may_still_drain(database: Database) -> None:
    worker = await database.worker()
    successor = await database.worker()
    now = now_us()
    await successor.write([(now, 0, 1.0), (now + 5, 0, 2.0)])
    written = await worker.write([(now, 0, 1.0), (now + 1, 0, 9.0)])
    assert (written.fence, outcome(written)) == (2, {"stored": 1, "duplicates": 1})


async def test_a_journal_serves_one_connection_of_one_tenant(database: Database) -> None:
    worker = await database.worker()
    other = await database.worker(name="ops/pad8")
    stranger = await database.worker("bakken")
    for intruder in (other, stranger):
        with pytest.raises(StorageError, match="belongs to another connection"):
            await intruder.open(worker.journal)
        if intruder is stranger:
            with pytest.raises(StorageError, match="not open for this login"):
                await intruder.write([(now_us(), 0, 1.0)], prev=0)
    worker.journal = uuid4()
    with pytest.raises(StorageError, match="not open for this login"):
        await worker.write([(now_us(), 0, 1.0)], prev=0)


async def test_late_readings_are_stored_wherever_their_day_lies(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    days = [0, 3, 40, 41, 80]
    await worker.write([(now, 0, -1.0)])
    written = await worker.write([(now - day * DAY_US + 1, 0, float(day)) for day in days])
    assert outcome(written) == {"stored": len(days)}
    stored = await database.read(
        "SELECT value FROM pumpjack.scada_readings WHERE value >= 0 ORDER BY time"
    )
    assert stored == [(float(day),) for day in reversed(days)]


async def test_registering_again_gives_the_same_numbers_and_another_unit_new_ones(
    database: Database,
) -> None:
    from pumpjack_core.tags import Tag

    worker = await database.worker()
    psi = Tag("well-1", "tag-0", "holding:0", "float32", 1.0, "psi")
    bar = Tag("well-1", "tag-0", "holding:0", "float32", 1.0, "bar")
    numbers = await worker.ingest.register_series(worker.name, [bar, psi, bar])
    assert numbers[1] == worker.tags[0]
    assert numbers[0] == numbers[2] != numbers[1]
    await worker.ingest.register_series(worker.name, [bar])
    tags = await database.read(
        "SELECT unit, is_current FROM pumpjack.scada_tags WHERE tag_name = 'tag-0' ORDER BY unit"
    )
    assert tags == [("bar", True), ("psi", False)]


async def test_every_microsecond_is_stored_as_itself(database: Database) -> None:
    worker = await database.worker()
    base = now_us() - HOUR_US
    shifts = np.unique(np.random.default_rng(7).integers(0, HOUR_US, 3000))
    await worker.write([(base + int(shift), 0, float(shift)) for shift in shifts])
    stored = await database.read("SELECT time, value FROM pumpjack.scada_readings ORDER BY time")
    assert [time for time, _ in stored] == [at(base + int(value)) for _, value in stored]
    assert len(stored) == len(shifts)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_each_distinct_reading_is_there_once(
    database: Database, seed: int
) -> None:
    """Colliding times, repeats, both journals of a replaced worker: counted and stored exactly."""
    random = np.random.default_rng(seed)
    workers = [await database.worker(), await database.worker()]
    base = now_us()
    sent: set[tuple[int, int, float, int]] = set()
    stored = 0
    for _ in range(30):
        worker = workers[random.integers(2)]
        size = int(random.integers(1, 40))
        rows = [
            (base + int(us), int(tag), float(value), int(code))
            for us, tag, value, code in zip(
                random.integers(0, 12, size) * random.choice([1, 1000]),
                random.integers(0, 2, size),
                random.integers(0, 4, size),
                random.choice([0, 4], size),
                strict=True,
            )
        ]
        written = await worker.write(rows)
        assert written.stored + written.duplicates == size
        stored += written.stored
        sent.update(rows)
    assert await database.read("SELECT count(*) FROM pumpjack.scada_readings") == [(stored,)]
    readings = await database.read(
        "SELECT tag_name, value, CASE WHEN reason IS NULL THEN 0 ELSE 4 END, time, shifted"
        " FROM pumpjack.scada_readings"
    )
    places: dict[tuple[str, float, int], list[tuple[datetime, bool]]] = {}
    for tag, value, code, time, shifted in readings:
        places.setdefault((tag, value, code), []).append((time, shifted))
    for us, number, value, code in sent:
        found = places[f"tag-{number}", value, code]
        assert any(
            time == at(us) if not shifted else at(us) < time <= at(us + 1000)
            for time, shifted in found
        )
    assert stored <= len(sent), "something was stored twice"


@pytest.mark.parametrize("level", LEVELS[:2])
async def test_two_writers_of_a_connection_at_once_store_each_reading_once(
    database: Database,
) -> None:
    workers = [await database.worker() for _ in range(4)]
    now = now_us()

    async def drain(worker: Worker) -> int:
        stored = 0
        for batch in range(20):
            rows = [(now + batch * 50 + n, n % 3, float(n)) for n in range(50)]
            stored += (await worker.write(rows)).stored
        return stored

    assert sum(await asyncio.gather(*(drain(worker) for worker in workers))) == 1000
    assert await database.read(
        "SELECT count(*), count(*) FILTER (WHERE shifted) FROM pumpjack.scada_readings"
    ) == [(1000, 0)]


async def test_times_round_to_the_right_microsecond_until_2106(database: Database) -> None:
    wrong = await database.admin.fetchval(
        "SELECT count(*) FROM (SELECT (random() * 4294967295000000)::bigint AS us"
        " FROM generate_series(1, 200000)) AS t"
        " WHERE pumpjack.at_us(us) <> 'epoch'::timestamptz"
        " + us / 1000000 * interval '1 second' + us % 1000000 * interval '1 microsecond'"
    )
    assert wrong == 0


@pytest.mark.parametrize("level", LEVELS[:2])
async def test_a_batch_reads_no_other_connection_of_its_tenant(database: Database) -> None:
    await database.tenant()
    await database.admin.execute(
        "INSERT INTO pumpjack.connection (tenant_id, connection_id, protocol)"
        " SELECT 'permian', 'ops/other-' || n, 'mqtt' FROM generate_series(1, 200) AS n"
    )
    await database.admin.execute(
        "INSERT INTO pumpjack.ingest_cursor (journal_id, connection_no)"
        " SELECT gen_random_uuid(), connection_no FROM pumpjack.connection"
    )
    # The planner once read them all, for want of anything dearer.
    await database.admin.execute("ANALYZE pumpjack.connection, pumpjack.ingest_cursor")
    worker = await database.worker()
    rows_read = (
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
        " FROM pg_stat_user_tables WHERE schemaname = 'pumpjack' AND relname = 'connection'"
    )
    session = worker.ingest._connection
    await worker.write([(now_us() - 1, 0, 1.0)])
    await session.execute("SELECT pg_stat_force_next_flush()")
    before = await database.admin.fetchval(rows_read)
    for batch in range(20):
        await worker.write([(now_us() + batch, 0, 1.0)])
    await session.execute("SELECT pg_stat_force_next_flush()")
    assert 20 <= await database.admin.fetchval(rows_read) - before < 100
