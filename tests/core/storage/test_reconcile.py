"""What was received is counted, compared with what is there, and what is missing is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.storage.reconcile import Counts, Reconciled, reconcile
from tests.core.storage.database import HOUR_US, MINUTE_US, Database, now_us


@pytest.fixture
async def database(database: Database) -> Database:
    """One whose counting began long ago."""
    await database.admin.execute("UPDATE pumpjack.settings SET counted_from = '2020-01-01'")
    return database


def moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


async def look(database: Database, **more: Any) -> Reconciled:
    """The last six hours, and a little of the next."""
    now = moment(now_us())
    asked = {"begins": now - timedelta(hours=6), "ends": now + timedelta(minutes=1), **more}
    return await reconcile(database.url, tenant_id="permian", connection_id="ops/pad7", **asked)


def kinds(found: Reconciled) -> list[str]:
    return [hole.kind for hole in found.holes]


async def worker_with(database: Database, protocol: str = "mqtt") -> Any:
    return await database.worker(protocol=protocol)


async def test_what_was_received_is_stored_duplicate_or_quarantined(database: Database) -> None:
    worker = await worker_with(database)
    start = now_us() - 3 * HOUR_US
    # Over two hours, with a repeated one, another value for one instant, and one of long ago.
    rows = [(start + n * MINUTE_US, 0, float(n)) for n in range(90)]
    await worker.write(rows)
    await worker.write([*rows[:10], (rows[60][0], 0, 99.0), (start - 100 * 24 * HOUR_US, 0, 1.0)])
    await worker.write([(now_us(), 1, 5.0)], [(0, now_us(), "text_value", '"high"')])
    found = await look(database)
    assert found.counts == Counts(
        received=90 + 11 + 2, stored=90 + 1 + 1, duplicates=10, shifted=1, quarantined=1
    )
    counts = found.counts
    assert counts.received == counts.stored + counts.duplicates + counts.quarantined
    assert found.rows == counts.stored
    assert (kinds(found), found.whole) == ([], True)
    of_long_ago = await database.read(
        "SELECT received, quarantined FROM pumpjack.scada_ingest_hours WHERE hour < $1",
        moment(start - 24 * HOUR_US),
    )
    assert of_long_ago == [(1, 1)]


async def test_the_hours_of_a_batch_over_many_are_counted_each(database: Database) -> None:
    worker = await worker_with(database)
    first = now_us() // HOUR_US * HOUR_US - 4 * HOUR_US
    await worker.write([(first + n * HOUR_US // 2, 0, float(n)) for n in range(6)])
    await worker.write([(first + n * HOUR_US // 2, 0, float(n + (n == 3))) for n in range(6)])
    hours = await database.read(
        "SELECT received, stored, duplicates, shifted FROM pumpjack.scada_ingest_hours"
        " ORDER BY hour"
    )
    assert hours == [(4, 2, 2, 0), (4, 3, 1, 1), (4, 2, 2, 0)]
    assert (await look(database)).whole


async def test_what_is_unusual_in_the_hour_that_runs_is_counted_right(database: Database) -> None:
    worker = await worker_with(database)
    hour = now_us() // HOUR_US * HOUR_US - HOUR_US
    rows = [(hour + n, 0, float(n)) for n in range(10)]
    await worker.write(rows)
    await worker.write(rows[:4])
    await worker.write([(hour, 0, 77.0), (hour + 100, 0, 1.0), rows[2]])
    await worker.write([(hour - HOUR_US, 1, 1.0)])
    await worker.write([(hour + 101, 0, 1.0), (now_us() + 30 * HOUR_US, 0, 1.0)])
    hours = await database.read(
        "SELECT received, stored, duplicates, shifted, quarantined"
        " FROM pumpjack.scada_ingest_hours ORDER BY hour"
    )
    assert hours == [(1, 1, 0, 0, 0), (18, 13, 5, 1, 0), (1, 0, 0, 0, 1)]
    assert (await look(database)).whole


async def test_a_call_that_is_repeated_counts_once(database: Database) -> None:
    worker = await worker_with(database)
    await worker.write([(now_us(), 0, 1.0)])
    assert not (await worker.write([(now_us(), 0, 1.0)], prev=0)).applied
    assert (await look(database)).counts.received == 1


async def test_rows_that_vanished_are_named_with_their_hour(database: Database) -> None:
    worker = await worker_with(database)
    at = now_us() // HOUR_US * HOUR_US - HOUR_US
    await worker.write([(at + n, 0, float(n)) for n in range(10)])
    await database.admin.execute("DELETE FROM pumpjack.reading WHERE value IN (3, 4)")
    found = await look(database)
    (hole,) = found.holes
    assert (hole.kind, hole.begins, hole.readings) == ("missing_rows", moment(at), 2)
    assert not found.whole


async def test_what_was_stored_before_it_was_counted_is_not_taken_for_wrong(
    database: Database,
) -> None:
    worker = await worker_with(database)
    await worker.write([(now_us() - 2 * HOUR_US, 0, 1.0)])
    await database.admin.execute(
        "UPDATE pumpjack.ingest_cursor SET hour = NULL, stored = 0, duplicates = 0;"
        "UPDATE pumpjack.settings SET counted_from = now()"
    )
    found = await look(database)
    assert (found.rows, found.counts.stored, found.whole) == (1, 0, True)


async def test_what_the_journal_had_no_room_for_is_a_hole_even_past_the_quarantine_s_bound(
    database: Database,
) -> None:
    worker = await worker_with(database)
    await database.admin.execute("UPDATE pumpjack.settings SET quarantine_rows = 0")
    since = now_us() - HOUR_US
    note = (
        f'{{"from":"{moment(since).isoformat()}","to":"{moment(since + MINUTE_US).isoformat()}",'
        '"batches":2,"readings":7}'
    )
    await worker.write([(now_us(), 0, 1.0)], [(None, since, "not_stored", note)])
    found = await look(database)
    (hole,) = found.holes
    assert (hole.kind, hole.begins, hole.ends, hole.readings) == (
        *("not_stored", moment(since), moment(since + MINUTE_US)),
        7,
    )
    assert (found.counts.received, found.counts.quarantined) == (1, 0), "a note is no reading"


async def test_a_gap_of_a_broker_is_a_hole_with_the_times_of_its_sentence(
    database: Database,
) -> None:
    worker = await worker_with(database)
    since, until = now_us() - HOUR_US, now_us() - HOUR_US // 2
    raw = (
        f"the broker b:1883 has forgotten the session of c: messages between "
        f"{moment(since):%Y-%m-%dT%H:%M:%S.%fZ} and {moment(until):%Y-%m-%dT%H:%M:%S.%fZ} are "
        "lost, if there were any; check its persistence"
    )
    await worker.write([], [(None, until, "gap", raw)])
    (hole,) = (await look(database)).holes
    assert (hole.kind, hole.begins, hole.ends) == ("gap", moment(since), moment(until))
    assert (await look(database, ends=moment(since - MINUTE_US))).whole, "outside of the time"


async def test_an_outage_of_the_device_is_a_hole_until_it_answers_again(
    database: Database,
) -> None:
    worker = await worker_with(database)
    down, up = now_us() - 3 * HOUR_US, now_us() - 2 * HOUR_US
    await worker.write([(down, 0, float("nan"), BAD_COMM_FAILURE), (up, 0, 1.0)])
    (hole,) = (await look(database)).holes
    assert (hole.kind, hole.begins, hole.ends) == ("comm_failure", moment(down), moment(up))
    inside = {"begins": moment(down + MINUTE_US), "ends": moment(up - MINUTE_US)}
    assert kinds(await look(database, **inside)) == ["comm_failure"], "it began before"


async def test_a_journal_that_was_replaced_without_a_word_is_a_hole(database: Database) -> None:
    worker = await worker_with(database)
    await worker.write([(now_us(), 0, 1.0)])
    await worker.open(uuid4())
    (hole,) = (await look(database)).holes
    assert hole.kind == "journal_lost"
    assert "never said that it was empty" in hole.why


async def test_a_journal_that_ended_empty_is_none(database: Database) -> None:
    worker = await worker_with(database)
    await worker.write([(now_us(), 0, 1.0)])
    assert not await worker.ingest.close_journal(worker.journal, worker.seq + 1)
    assert await worker.ingest.close_journal(worker.journal, worker.seq)
    old = worker.journal
    await worker.open(uuid4())
    assert (await look(database)).whole
    await worker.open(old)
    assert kinds(await look(database)) == ["journal_lost"], "who has it open may hold something"


async def test_a_database_that_was_put_back_is_told_once_with_the_time_that_is_missing(
    database: Database,
) -> None:
    worker = await worker_with(database)
    await worker.write([(now_us(), 0, 1.0)])
    lost_until = now_us() + 10 * 1_000_000
    for _ in range(2):
        await worker.ingest.tell_restored(worker.journal, worker.seq + 5, lost_until)
    await worker.ingest.tell_restored(worker.journal, worker.seq, lost_until)
    found = await look(database)
    (hole,) = found.holes
    assert (hole.kind, hole.ends) == ("restored", moment(lost_until))
    assert hole.begins and moment(now_us() - MINUTE_US) < hole.begins < hole.ends


async def test_hours_in_which_a_polled_device_gave_nothing_are_named(database: Database) -> None:
    worker = await worker_with(database, "modbus-tcp")
    hour = now_us() // HOUR_US * HOUR_US
    for past in (5, 4, 1, 0):
        await worker.write([(hour - past * HOUR_US, 0, float(past))])
    asked = {"begins": moment(hour - 5 * HOUR_US), "ends": moment(hour)}
    (hole,) = (await look(database, **asked)).holes
    assert (hole.kind, hole.begins, hole.ends) == (
        *("silent", moment(hour - 3 * HOUR_US)),
        moment(hour - HOUR_US),
    )


async def test_another_tenant_s_connection_is_not_known(database: Database) -> None:
    await worker_with(database)
    await database.tenant("bakken")
    now = datetime.now(UTC)
    with pytest.raises(StorageError, match="has no connection ops/pad7"):
        await reconcile(
            database.url,
            tenant_id="bakken",
            connection_id="ops/pad7",
            begins=now - timedelta(hours=1),
            ends=now,
        )
    with pytest.raises(StorageError, match="no tenant nobody"):
        await reconcile(database.url, tenant_id="nobody", connection_id="x", begins=now, ends=now)


async def suspend(worker: Any, at: int, *, suspended: bool) -> None:
    await worker.ingest.tell_suspended(
        "ops/pad7", worker.journal, suspended=suspended, started_us=at
    )


async def test_a_polled_connection_that_was_left_alone_on_purpose_is_suspended_and_not_silent(
    database: Database,
) -> None:
    worker = await worker_with(database, "modbus-tcp")
    hour = now_us() // HOUR_US * HOUR_US
    last, since, until = hour - 6 * HOUR_US - MINUTE_US, hour - 6 * HOUR_US, hour - 10 * MINUTE_US
    # As a worker marks it that reads again: the end of a gap, and its start where it was lost.
    marks = [(us, 0, float("nan"), BAD_COMM_FAILURE) for us in (last + 1, until + 1_000_000)]
    await worker.write([(last, 0, 1.0), *marks, (until + 2_000_000, 0, 2.0)])
    await suspend(worker, since, suspended=True)
    await suspend(worker, since + HOUR_US, suspended=True)  # a restart meanwhile
    still = await look(database)
    assert [(one.kind, one.begins, one.ends) for one in still.holes] == [
        ("suspended", moment(since), None)
    ]
    await suspend(worker, until, suspended=False)
    await suspend(worker, until + MINUTE_US, suspended=False)
    found = await look(database)
    assert [(one.kind, one.begins, one.ends) for one in found.holes] == [
        ("suspended", moment(since), moment(until))
    ]
    assert "on purpose" in found.holes[0].why
    assert found.whole


async def test_an_outage_around_a_suspension_is_told_as_far_as_it_was_not_meant(
    database: Database,
) -> None:
    worker = await worker_with(database, "modbus-tcp")
    hour = now_us() // HOUR_US * HOUR_US
    last, since, until = hour - 4 * HOUR_US, hour - 3 * HOUR_US, hour - 2 * HOUR_US
    marks = [(us, 0, float("nan"), BAD_COMM_FAILURE) for us in (last + 1, hour - HOUR_US)]
    await worker.write([(last, 0, 1.0), *marks, (hour, 0, 2.0)])
    await suspend(worker, since, suspended=True)
    await suspend(worker, until, suspended=False)
    outages = [one for one in (await look(database)).holes if one.kind == "comm_failure"]
    assert [(one.begins, one.ends) for one in outages] == [
        (moment(last + 1), moment(since)),
        (moment(until), moment(hour)),
    ]


async def test_another_tenant_s_connection_cannot_be_told_to_be_suspended(
    database: Database,
) -> None:
    worker = await worker_with(database)
    with pytest.raises(StorageError, match="not known"):
        await worker.ingest.tell_suspended(
            "ops/of-others", worker.journal, suspended=True, started_us=now_us()
        )
    assert await worker.ingest.read_until("ops/of-others", worker.journal) == 0
