"""A worker's alarms in real PostgreSQL and Valkey: once in the rows, at once on the channel."""

from __future__ import annotations

import pytest

from pumpjack_core import wire
from pumpjack_core.clock import SystemClock
from pumpjack_core.tags import Alarm, TagTable
from pumpjack_worker.pipeline import writer
from tests.workers.pipeline.alarms.listening import listening
from tests.workers.pipeline.examples import batch, tag
from tests.workers.pipeline.scripted import (
    CONNECTION,
    TENANT,
    Worker,
    configured,
    start,
    stored,
    until,
)

pytestmark = pytest.mark.servers
HI = Alarm("hi", limit=100.0, deadband=10.0, priority=2, message="Pressure is high")
TAGS = TagTable((tag("pressure", alarms=(HI,)), tag("flow")))
LABELS = {"tenant_id": TENANT, "condition": "hi", "priority": "2"}


@pytest.fixture
async def worker(tmp_path, database, valkey, feed):
    running = await start(tmp_path / "journal", database.connect, valkey.url, TAGS)
    yield running
    await running.stop()


async def events(database) -> list[tuple[str, float | None]]:
    rows = await database.owner.fetch("SELECT kind, value FROM pumpjack.events ORDER BY event_no")
    return [tuple(row) for row in rows]


async def happened(database, *kinds: tuple[str, float | None]) -> None:
    async def all_there() -> bool:
        return await events(database) == list(kinds)

    await until(all_there)


async def test_a_value_over_its_limit_is_told_at_once_and_raised_in_the_database_once(
    worker, database, feed
):
    async with listening(feed) as heard:
        worker.adapter.read(50.0, 120.0)
        raised = await heard(wire.Condition)
        assert (raised.tag_name, raised.condition, raised.active) == ("pressure", "hi", True)
        assert (raised.value, raised.limit, raised.priority) == (120.0, 100.0, 2)
        assert (raised.message, raised.stored, raised.kept) == ("Pressure is high", False, True)
        assert (await heard(wire.AlarmsStored)).connection_id == CONNECTION
        await happened(database, ("raised", 120.0))
    row = await database.owner.fetchrow("SELECT * FROM pumpjack.alarm")
    assert (row["alarm_id"], row["state"]) == (raised.alarm_id, "unacknowledged")
    assert (row["priority"], row["message"], row["declared"]) == (2, "Pressure is high", True)
    registry = worker.pipeline._metrics.registry
    assert registry.get_sample_value("scada_alarm_transitions_total", LABELS) == 1
    active = {"tenant_id": TENANT, "connection_id": CONNECTION, "priority": "2"}
    await until(lambda: registry.get_sample_value("scada_alarms_active", active) == 1)


async def test_it_returns_only_behind_the_deadband(worker, database):
    worker.adapter.read(120.0, 95.0, 90.0, 91.0)
    await happened(database, ("raised", 120.0), ("returned", 90.0))


async def test_while_the_database_is_away_it_is_told_at_once_and_stored_later_once(
    worker, database, feed
):
    worker.adapter.read(50.0)
    await stored(database, 50.0)
    await database.cut()
    async with listening(feed) as heard:
        worker.adapter.read(120.0)
        assert (await heard(wire.Condition)).active
        assert await events(database) == []
        database.lose_answers = 2
        database.reachable = True
        await happened(database, ("raised", 120.0))
        await heard(wire.AlarmsStored)
    await until(lambda: worker.pipeline.status().journal_batches == 0)
    assert database.lose_answers < 2
    assert await events(database) == [("raised", 120.0)]


async def test_an_alarm_waits_for_no_other_readings(worker, database, monkeypatch):
    monkeypatch.setattr(writer, "LINGER_S", 3_600)
    monkeypatch.setattr(writer, "SMALL_LINGER_S", 3_600)
    worker.adapter.read(50.0, 60.0, 120.0)
    await happened(database, ("raised", 120.0))


async def test_a_worker_that_starts_again_while_it_is_active_raises_nothing_anew(
    tmp_path, database, valkey, feed
):
    for value in (120.0, 130.0):
        worker = await start(tmp_path / "j", database.connect, valkey.url, TAGS)
        worker.adapter.read(value)
        await until(lambda at=worker, one=value: one in at.adapter.acknowledged)
        assert await worker.stop(60)
    assert await events(database) == [("raised", 120.0)]
    third = await start(tmp_path / "j", database.connect, valkey.url, TAGS)
    third.adapter.read(95.0, 50.0)
    await happened(database, ("raised", 120.0), ("returned", 50.0))
    assert await third.stop(60)


async def test_what_a_killed_worker_had_journaled_and_not_acknowledged_raises_nothing_again(
    tmp_path, database, valkey, feed
):
    now_us = SystemClock().now_us()
    read = [(now_us, 50.0), (now_us + 1_000, 120.0), (now_us + 2_000, 60.0)]
    for _ in range(2):
        worker = await start(tmp_path / "j", database.connect, valkey.url, TAGS, sends_again=True)
        for us, value in read:
            worker.adapter.give(batch(TAGS, [value], us=us, received_us=now_us))
        await until(lambda at=worker: at.adapter.acknowledged == [50.0, 120.0, 60.0])
        await happened(database, ("raised", 120.0), ("returned", 60.0))
        await worker.stop(60)
    third = await start(tmp_path / "j", database.connect, valkey.url, TAGS, sends_again=True)
    third.adapter.give(batch(TAGS, [120.0], us=now_us + 1_000, received_us=now_us))
    third.adapter.give(batch(TAGS, [130.0], us=now_us + 3_000, received_us=now_us))
    await happened(database, ("raised", 120.0), ("returned", 60.0), ("raised", 130.0))
    assert await third.stop(60)


async def test_a_worker_that_was_killed_with_alarms_owed_decides_them_anew(
    tmp_path, database, valkey, feed
):
    now_us = SystemClock().now_us()
    first = await start(tmp_path / "j", database.connect, valkey.url, TAGS, sends_again=True)
    first.adapter.give(batch(TAGS, [50.0], us=now_us, received_us=now_us))
    await until(lambda: first.adapter.acknowledged == [50.0])
    first.pipeline._journal._spool._size_bytes = 0
    raised = batch(TAGS, [120.0], us=now_us + 1_000, received_us=now_us)
    first.adapter.give(raised)
    await until(lambda: bool(first.pipeline._alarms._owed))
    await first.stop(0)
    again = await start(tmp_path / "j", database.connect, valkey.url, TAGS, sends_again=True)
    again.adapter.give(raised)
    await happened(database, ("raised", 120.0))
    assert await again.stop(60)


async def test_what_waited_in_a_journal_while_another_worker_told_is_late_and_its_own_words_are_not(
    tmp_path, database, valkey, feed
):
    async def begin(folder: str) -> Worker:
        return await start(tmp_path / folder, database.connect, valkey.url, TAGS)

    database.reachable = False
    first = await begin("j")
    first.adapter.read(120.0)
    await until(lambda: first.adapter.acknowledged == [120.0])
    await first.stop(0)
    database.reachable = True
    other = await begin("other")
    other.adapter.read(50.0)
    await stored(database, 50.0)
    await other.stop(60)
    database.reachable = False
    again = await begin("j")
    again.adapter.read(130.0)
    await until(lambda: again.adapter.acknowledged == [130.0])
    database.reachable = True
    await happened(database, ("raised", 120.0), ("raised", 130.0))
    late = await database.owner.fetch(
        "SELECT coalesce((detail->>'late')::boolean, false), state FROM pumpjack.events ORDER BY 1"
    )
    assert [tuple(row) for row in late] == [(False, "unacknowledged"), (True, "normal")]
    assert await again.stop(60)


async def test_what_is_backfilled_raises_nothing(worker, database):
    now_us = SystemClock().now_us()
    tags = worker.adapter.tags
    worker.adapter.give(batch(tags, [50.0], us=now_us, received_us=now_us))
    old = [now_us - 3_600_000_000, now_us - 1_000_000]
    worker.adapter.give(batch(tags, [500.0, 500.0], index=[0, 0], us=old, received_us=now_us))
    await stored(database, 500.0, 500.0, 50.0)
    worker.adapter.give(batch(tags, [150.0], us=now_us + 1, received_us=now_us))
    await happened(database, ("raised", 150.0))


async def test_a_delay_ends_without_a_reading(worker, database):
    slow = Alarm("hi", limit=100.0, on_delay_s=0.2)
    worker.pipeline.apply(configured(TagTable((tag("pressure", alarms=(slow,)),))))
    worker.adapter.read(120.0)
    await happened(database, ("raised", 120.0))
    at, source = await database.owner.fetchrow(
        "SELECT e.at, r.ts FROM pumpjack.events e, pumpjack.reading r"
    )
    assert (at - source).total_seconds() == 0.2


async def test_a_device_that_goes_away_makes_its_tags_stale_and_they_come_back(worker, database):
    tags = TagTable((tag("pressure", alarms=(Alarm("stale"), HI)),))
    worker.pipeline.apply(configured(tags))
    worker.adapter.read(50.0)
    await stored(database, 50.0)
    worker.adapter.lose()
    await happened(database, ("raised", None))
    worker.adapter.read(60.0)
    await happened(database, ("raised", None), ("returned", None))


async def test_while_the_journal_takes_nothing_alarms_are_told_and_stored_once_it_does(
    tmp_path, database, valkey, feed
):
    database.reachable = False
    worker = await start(tmp_path / "j", database.connect, valkey.url, TAGS)
    async with listening(feed) as heard:
        now_us = SystemClock().now_us()
        big = batch(
            worker.adapter.tags,
            [50.0] * 150_000,
            index=[0] * 150_000,
            us=range(now_us - 150_000, now_us),
            received_us=now_us,
        )
        worker.adapter.give(big)
        worker.adapter.give(big)
        await until(lambda: worker.pipeline.status().journal_full)
        filler = batch(
            worker.adapter.tags,
            [50.0] * 60_000 + [120.0],
            index=[0] * 60_001,
            us=range(now_us + 1, now_us + 60_002),
            received_us=now_us + 60_002,
        )
        worker.adapter.give(filler)
        told = await heard(wire.Condition)
        assert (told.active, told.kept) == (True, False)
    database.reachable = True
    await happened(database, ("raised", 120.0))
    await worker.stop(60)


async def test_what_a_full_journal_held_up_is_stored_before_what_is_decided_later(worker, database):
    worker.adapter.read(120.0)
    await happened(database, ("raised", 120.0))
    spool = worker.pipeline._journal._spool
    size, spool._size_bytes = spool._size_bytes, 0
    worker.adapter.read(50.0, 130.0)
    await until(lambda: worker.pipeline.status().readings == 3)
    desk = worker.pipeline._alarms
    await until(lambda: desk._paid_s > 0 and desk._owed)
    spool._size_bytes = size
    worker.adapter.read(55.0)
    await happened(
        database, ("raised", 120.0), ("returned", 50.0), ("raised", 130.0), ("returned", 55.0)
    )


async def test_what_is_read_is_declared_and_what_is_read_no_more_is_removed(worker, database):
    async def declared() -> list[tuple[str, str, bool]]:
        rows = await database.owner.fetch(
            "SELECT tag_name, condition, declared FROM pumpjack.alarm ORDER BY tag_name, condition"
        )
        return [tuple(row) for row in rows]

    async def is_declared(*wanted) -> None:
        async def so() -> bool:
            return await declared() == list(wanted)

        await until(so)

    await is_declared(("pressure", "hi", True))
    worker.adapter.read(120.0)
    await happened(database, ("raised", 120.0))
    fewer = TagTable((tag("pressure"), tag("flow", alarms=(Alarm("lo", limit=1.0),))))
    worker.pipeline.apply(configured(fewer))
    await is_declared(("flow", "lo", True), ("pressure", "hi", False))
    await happened(database, ("raised", 120.0), ("removed", None))


async def test_a_definition_that_the_database_refuses_keeps_no_reading_from_it(
    tmp_path, database, valkey, feed
):
    await database.owner.execute("DROP FUNCTION pumpjack.declare_tags")
    worker = await start(tmp_path / "j", database.connect, valkey.url, TAGS)
    worker.adapter.read(50.0, 120.0)
    await happened(database, ("raised", 120.0))
    assert await database.values() == [50.0, 120.0]
    assert any("does not take the definition" in one for one in worker.pipeline.status().problems)
    assert await worker.stop(60)
