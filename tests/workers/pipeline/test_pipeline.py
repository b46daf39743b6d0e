"""A whole pipeline against real PostgreSQL and Valkey; only the device is played."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3

import msgspec
import pytest
import redis.asyncio

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core import wire
from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import (
    JournalError,
)
from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.readings import Quarantined
from pumpjack_core.tags import TagTable
from tests.workers.pipeline.examples import batch, table, tag
from tests.workers.pipeline.scripted import (
    CONNECTION,
    TENANT,
    configured,
    listen,
    next_readings,
    start,
    stored,
    until,
)

pytestmark = pytest.mark.servers


async def test_a_reading_reaches_the_database_and_is_acknowledged(worker, database):
    worker.adapter.read(1.5, 2.5, 3.5)
    await stored(database, 1.5, 2.5, 3.5)
    await until(lambda: worker.adapter.acknowledged == [1.5, 2.5, 3.5])
    await until(lambda: worker.pipeline.status().journal_batches == 0)


async def test_a_reading_is_published_and_becomes_the_latest(worker, feed):
    listener = await listen(feed)
    worker.adapter.read(1.5, 2.5)
    heard = [await next_readings(listener) for _ in range(2)]
    assert [(m.well_id, m.readings[0].value) for m in heard] == [("a1", 1.5), ("a1", 2.5)]
    assert heard[1].prev == heard[0].seq
    latest = await feed.hgetall(wire.latest_key(TENANT, "a1"))
    assert msgspec.json.decode(latest[b"pressure"], type=wire.Reading).value == 2.5
    position = msgspec.json.decode(latest[b"@" + CONNECTION.encode()], type=wire.Position)
    assert position == wire.Position(heard[1].epoch, heard[1].seq)


async def test_the_heartbeat_tells_state_positions_and_what_is_not_stored(worker, feed, database):
    worker.adapter.read(1.5)
    await stored(database, 1.5)

    async def beat() -> bool:
        raw = await feed.hget(wire.heartbeat_key(TENANT), CONNECTION)
        if raw is None:
            return False
        found = wire.decode_message(raw)
        assert isinstance(found, wire.Heartbeat)
        return found.wells == {"a1": found.stored_seq} and found.state == "connected"

    await until(beat)


async def test_while_the_database_is_away_readings_wait_and_the_live_feed_goes_on(
    worker, database, feed
):
    worker.adapter.read(1.0)
    await stored(database, 1.0)
    await database.cut()
    worker.adapter.read(2.0, 3.0)
    await until(lambda: worker.adapter.acknowledged == [1.0, 2.0, 3.0])

    async def latest() -> bool:
        raw = await feed.hget(wire.latest_key(TENANT, "a1"), "pressure")
        return msgspec.json.decode(raw)["value"] == 3.0

    await until(latest)
    await until(lambda: worker.pipeline.status().problems != ())
    assert worker.pipeline.status().journal_readings == 2
    assert "takes no readings" in worker.pipeline.status().problems[0]

    database.reachable = True
    await stored(database, 1.0, 2.0, 3.0)
    assert worker.pipeline.status().problems == ()


async def test_an_answer_that_was_lost_stores_nothing_twice(worker, database):
    database.lose_answers = 2
    worker.adapter.read(1.0, 2.0)
    now_us = SystemClock().now_us() + 10_000
    last = batch(worker.adapter.tags, [3.0], us=now_us, received_us=now_us)
    worker.adapter.give(last, (Quarantined(0, now_us, "unparsable", "12,5 psi"),))
    await stored(database, 1.0, 2.0, 3.0)
    await until(lambda: worker.pipeline.status().journal_batches == 0)
    assert database.lose_answers < 2
    assert await database.values() == [1.0, 2.0, 3.0]
    assert await database.owner.fetchval("SELECT count(*) FROM pumpjack.quarantine") == 1


async def test_what_a_killed_worker_left_in_its_journal_is_stored_by_the_next(
    tmp_path, database, valkey, feed
):
    database.reachable = False
    first = await start(tmp_path / "j", database.connect, valkey.url)
    first.adapter.read(1.0, 2.0)
    await until(lambda: first.adapter.acknowledged == [1.0, 2.0])
    assert not await first.stop(drain_s=0.1)

    database.reachable = True
    second = await start(tmp_path / "j", database.connect, valkey.url)
    second.adapter.read(3.0)
    await stored(database, 1.0, 2.0, 3.0)
    assert await second.stop()


async def test_a_stop_stores_what_waits(tmp_path, database, valkey, feed):
    worker = await start(tmp_path / "j", database.connect, valkey.url)
    worker.adapter.read(*range(1, 50))
    await until(lambda: len(worker.adapter.acknowledged) == 49)
    assert await worker.stop()
    assert await database.values() == list(range(1, 50))


async def test_while_redis_is_away_readings_are_stored_and_the_feed_returns_whole(
    tmp_path, database
):
    folder = tmp_path / "v"
    with EmbeddedValkey(folder) as own:
        worker = await start(tmp_path / "j", database.connect, own.url)
        worker.adapter.read(1.0)
        worker.adapter.read(7.0, at=1)
        await stored(database, 1.0)
    worker.adapter.read(2.0)
    await stored(database, 1.0, 2.0)
    await until(lambda: worker.pipeline.status().redis != "closed")

    (folder / "dump.rdb").unlink(missing_ok=True)
    with EmbeddedValkey(folder) as again:
        client = redis.asyncio.from_url(again.url)

        async def latest() -> bool:
            found = await client.hgetall(wire.latest_key(TENANT, "a1"))
            return {b"pressure", b"flow"} <= found.keys()

        await until(latest)
        await until(lambda: worker.pipeline.status().redis == "closed")
        await client.aclose()
        await worker.stop()


async def test_a_device_that_goes_away_is_told_and_every_tag_is_marked_once(worker, database):
    worker.adapter.read(1.0)
    await until(lambda: worker.adapter.acknowledged == [1.0])
    worker.adapter.reachable = False
    worker.adapter.lose()
    await stored(database, 1.0, None)
    await stored(database, None, tag_name="flow")
    status = worker.pipeline.status()
    assert (status.state, status.reason) in {
        ("disconnected", "Closed"),
        ("disconnected", "Refused"),
    }
    worker.adapter.reachable = True
    worker.adapter.read(2.0)
    await stored(database, 1.0, None, 2.0)
    assert worker.pipeline.status().state == "connected"
    assert worker.adapter.sessions == 2


async def test_a_device_that_only_fails_is_asked_ever_less_often(worker, database, monkeypatch):
    pauses: list[float] = []
    original = Backoff.next_s

    def next_s(self) -> float:
        pauses.append(original(self))
        return 0.01

    monkeypatch.setattr(Backoff, "next_s", next_s)
    for _ in range(5):
        worker.adapter.give(batch(worker.adapter.tags, [float("nan")], quality=BAD_COMM_FAILURE))
        worker.adapter.lose()
    await until(lambda: worker.adapter.sessions == 6)
    assert [min(pause, 30.0) >= 0.25 * 2**at for at, pause in enumerate(pauses[:5])] == [True] * 5


async def test_a_worker_that_was_replaced_reads_no_more_and_empties_its_journal(
    tmp_path, database, valkey, feed
):
    old = await start(tmp_path / "old", database.connect, valkey.url)
    old.adapter.read(1.0)
    await stored(database, 1.0)
    new = await start(tmp_path / "new", database.connect, valkey.url)
    new.adapter.read(2.0)
    await stored(database, 1.0, 2.0)

    old.adapter.read(3.0)
    await stored(database, 1.0, 2.0, 3.0)
    await until(lambda: old.pipeline.status().state == "fenced")
    await until(lambda: old.adapter.closed > 0)
    old.adapter.read(4.0)
    await asyncio.sleep(0.3)
    assert old.adapter.acknowledged == [1.0, 3.0]
    assert await old.stop()
    assert await new.stop()


async def test_a_suspended_connection_is_not_read(tmp_path, database, valkey, feed):
    worker = await start(tmp_path / "j", database.connect, valkey.url, suspend=True)
    worker.adapter.read(1.0)
    await until(lambda: worker.pipeline.status().state == "suspended")
    assert worker.adapter.sessions == 0
    registry = worker.pipeline._metrics.registry
    labels = {"tenant_id": TENANT, "connection_id": CONNECTION}
    assert registry.get_sample_value("scada_suspended", labels) == 1
    assert await worker.stop()


async def test_readings_kept_out_are_stored_with_their_reason_and_raw_form(worker, database):
    tags = worker.adapter.tags
    note = Quarantined(0, 1_770_000_000_000_000, "unparsable", "12,5 psi")
    worker.adapter.give(batch(tags, [1.0], us=86_400_000_000), (note,))

    async def rows():
        found = await database.owner.fetch(
            "SELECT reason, raw FROM pumpjack.quarantine ORDER BY reason"
        )
        return [(row["reason"], row["raw"]) for row in found]

    await until(lambda: worker.adapter.acknowledged == [1.0])

    async def both() -> bool:
        return [reason for reason, _ in await rows()] == ["too_old", "unparsable"]

    await until(both)
    assert (await rows())[1] == ("unparsable", "12,5 psi")


async def test_tags_are_changed_while_it_runs_and_those_that_stay_lose_nothing(worker, database):
    worker.adapter.read(1.0)
    edited = TagTable((tag("level"), *table("pressure").tags))
    worker.adapter.read(2.0)
    worker.pipeline.apply(configured(edited))
    worker.adapter.read(3.0, at=1)
    worker.adapter.read(50.0, at=0)
    await stored(database, 1.0, 2.0, 3.0)
    await stored(database, 50.0, tag_name="level")
    assert worker.adapter.sessions == 1


async def test_a_tag_that_is_read_no_more_leaves_the_latest_values(worker, feed):
    worker.adapter.read(1.0)
    latest = wire.latest_key(TENANT, worker.adapter.tags.tags[0].well_id)
    await until(lambda: feed.hexists(latest, "pressure"))
    stays = [one for one in worker.adapter.tags.tags if one.name != "pressure"]
    worker.pipeline.apply(configured(TagTable((*stays, tag("another")))))

    async def gone() -> bool:
        return not await feed.hexists(latest, "pressure")

    await until(gone)


async def test_what_was_kept_out_stays_with_its_tag_when_the_tags_change(worker, database):
    before = worker.adapter.tags
    now_us = SystemClock().now_us()
    notes = tuple(Quarantined(at, now_us, "unparsable", raw) for at, raw in enumerate("pf"))
    worker.pipeline.apply(configured(TagTable((tag("level"), tag("another"), before.tags[1]))))
    worker.adapter.give(batch(before, [1.0], index=[1], us=now_us, received_us=now_us), notes)

    async def rows():
        found = await database.owner.fetch(
            "SELECT q.raw, s.tag_name FROM pumpjack.quarantine q"
            " LEFT JOIN pumpjack.series s USING (tag_id) ORDER BY q.raw"
        )
        return [tuple(row) for row in found] == [("f", "flow"), ("p", None)]

    await until(rows)


async def test_a_database_that_is_too_slow_for_much_gets_less_at_once(worker, database):
    database.most_at_once = 600
    now_us = SystemClock().now_us()
    for number in range(12):
        times = range(now_us + number * 250, now_us + number * 250 + 250)
        worker.adapter.give(
            batch(worker.adapter.tags, [0.5] * 250, index=[0] * 250, us=times, received_us=now_us)
        )

    async def all_there() -> bool:
        return len(await database.values()) == 3_000

    await until(all_there)


async def test_a_journal_disk_that_was_put_back_to_an_earlier_state_loses_nothing(
    tmp_path, database, valkey, feed
):
    folder, snapshot = tmp_path / "j", tmp_path / "snapshot"
    database.reachable = False
    first = await start(folder, database.connect, valkey.url)
    first.adapter.read(1.0)
    await until(lambda: first.adapter.acknowledged == [1.0])
    await first.stop(drain_s=0)
    shutil.copytree(folder, snapshot)
    database.reachable = True
    for value in (2.0, 3.0):
        later = await start(folder, database.connect, valkey.url)
        later.adapter.read(value)
        assert await until_read_and_stopped(later, value)
    assert await database.values() == [1.0, 2.0, 3.0]

    shutil.rmtree(folder)
    shutil.copytree(snapshot, folder)
    surprised = await start(folder, database.connect, valkey.url)
    surprised.adapter.read(4.0)
    with pytest.raises(ExceptionGroup) as group:
        await surprised.ended()
    assert group.group_contains(JournalError, match="earlier state")
    again = await start(folder, database.connect, valkey.url)
    again.adapter.read(5.0)
    assert await until_read_and_stopped(again, 5.0)
    values = await database.values()
    assert [value for value in values if value != 4.0] == [1.0, 2.0, 3.0, 5.0]
    assert (4.0 in values) == (4.0 in surprised.adapter.acknowledged)


async def until_read_and_stopped(worker, value: float) -> bool:
    await until(lambda: value in worker.adapter.acknowledged)
    return await worker.stop()


async def test_the_journal_of_a_stopped_worker_is_a_whole_sqlite_file(
    tmp_path, database, valkey, feed
):
    database.reachable = False
    worker = await start(tmp_path / "j", database.connect, valkey.url)
    worker.adapter.read(1.0)
    await until(lambda: worker.adapter.acknowledged == [1.0])
    await worker.stop(drain_s=0)
    with sqlite3.connect(tmp_path / "j" / "journal.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM batch").fetchone() == (1,)


async def test_a_stop_whose_cancellation_redis_swallows_still_ends(worker, database, monkeypatch):
    publisher = worker.pipeline._publisher
    entered = asyncio.Event()

    async def swallow(_pipe, raise_on_error=True) -> list[object]:
        entered.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return []  # as a client library does that mistakes it for its own time-out
        return []

    monkeypatch.setattr(redis.asyncio.client.Pipeline, "execute", swallow)
    worker.adapter.read(1.0)
    await entered.wait()
    monkeypatch.setattr(publisher, "close", lambda: asyncio.sleep(0))
    async with asyncio.timeout(20):
        assert await worker.stop()
