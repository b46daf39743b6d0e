"""A whole pipeline against real PostgreSQL and Valkey; only the device is played."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading

import asyncpg
import msgspec
import pytest
import redis.asyncio

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core import wire
from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import (
    DeviceError,
    JournalError,
    JournalFull,
    StorageError,
    StorageUnavailable,
)
from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.readings import Quarantined
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.pipeline import writer
from tests.workers.pipeline.examples import batch, table, tag
from tests.workers.pipeline.scripted import CONNECTION, TENANT, configured, start, until

pytestmark = pytest.mark.servers


class Database:
    """The database as the test sees it, and a switch that lets the worker reach it or not."""

    def __init__(self, owner: asyncpg.Connection, writer_url: str) -> None:
        self.owner = owner
        self._writer_url = writer_url
        self.reachable = True
        self.lose_answers = 0
        self.most_at_once = 1_000_000
        self.sessions: list[Ingest] = []

    async def connect(self) -> Ingest:
        if not self.reachable:
            raise StorageError("cannot reach the database: connection refused")
        session = await Ingest.connect(self._writer_url)
        self.sessions.append(session)
        original = session.write_batch

        async def write_batch(*args, **more):
            if len(args[3]) > self.most_at_once:
                raise StorageUnavailable("no answer in time")
            written = await original(*args, **more)
            if self.lose_answers:
                self.lose_answers -= 1
                raise StorageError("the connection broke before the answer came")
            return written

        session.write_batch = write_batch
        return session

    async def cut(self) -> None:
        self.reachable = False
        for session in self.sessions:
            await session.close()

    async def values(self, tag_name: str = "pressure") -> list[float | None]:
        rows = await self.owner.fetch(
            "SELECT r.value FROM pumpjack.reading r JOIN pumpjack.series s USING (tag_id)"
            " WHERE s.tag_name = $1 ORDER BY r.ts",
            tag_name,
        )
        return [row["value"] for row in rows]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    """The writer waits for more readings as ever, only not for seconds."""
    monkeypatch.setattr(writer, "LINGER_S", 0.1)
    monkeypatch.setattr(writer, "SMALL_LINGER_S", 0.1)


@pytest.fixture
async def database(empty_database):
    await migrate(empty_database)
    owner = await asyncpg.connect(empty_database)
    await ensure_tenant(owner, TENANT)
    yield Database(owner, empty_database.replace("postgres@", f"{writer_role(TENANT)}@"))
    await owner.close()


@pytest.fixture
async def feed(valkey):
    client = redis.asyncio.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def worker(tmp_path, database, valkey, feed):
    running = await start(tmp_path / "journal", database.connect, valkey.url)
    yield running
    await running.stop()


async def stored(database: Database, *values: float, tag_name: str = "pressure") -> None:
    async def there() -> bool:
        return await database.values(tag_name) == list(values)

    await until(there)


async def test_a_reading_reaches_the_database_and_is_acknowledged(worker, database):
    worker.adapter.read(1.5, 2.5, 3.5)
    await stored(database, 1.5, 2.5, 3.5)
    assert worker.adapter.acknowledged == [1.5, 2.5, 3.5]
    await until(lambda: worker.pipeline.status().journal_batches == 0)


async def test_a_reading_is_published_and_becomes_the_latest(worker, feed):
    listener = feed.pubsub()
    await listener.subscribe(wire.readings_channel(TENANT))
    await asyncio.sleep(0.1)
    worker.adapter.read(1.5, 2.5)

    heard: list[wire.Readings] = []
    while len(heard) < 2:
        message = await listener.get_message(ignore_subscribe_messages=True, timeout=5)
        found = wire.decode_message(message["data"]) if message else None
        if isinstance(found, wire.Readings):
            heard.append(found)
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

        await until(latest, limit_s=30)
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


async def test_a_full_journal_stops_acknowledging_and_the_hole_is_on_record(worker, database, feed):
    await database.cut()
    tags = worker.adapter.tags
    first_us = SystemClock().now_us() - 60_000_000
    for number in range(1, 13):
        values = [float(number)] + [0.0] * 20_000
        times = range(first_us + number * 30_000, first_us + number * 30_000 + len(values))
        index = [0] * len(values)
        worker.adapter.give(batch(tags, values, index=index, us=times, received_us=first_us))
    await until(worker.adapter.gives.empty)
    await until(lambda: any("not stored" in p for p in worker.pipeline.status().problems))
    kept = len(worker.adapter.acknowledged)
    assert 0 < kept < 12
    assert worker.adapter.acknowledged == [float(n) for n in range(1, kept + 1)]

    async def shown() -> bool:
        return bool(await feed.hexists(wire.latest_key(TENANT, "a1"), "pressure"))

    await until(shown)

    database.reachable = True
    await until(lambda: worker.pipeline.status().journal_batches == 0, limit_s=30)
    worker.adapter.read(99.0)
    await until(lambda: 99.0 in worker.adapter.acknowledged)

    async def hole():
        return await database.owner.fetchval(
            "SELECT raw FROM pumpjack.quarantine WHERE reason = 'not_stored'"
        )

    await until(hole)
    note = msgspec.json.decode(await hole())
    assert note["readings"] == (12 - kept) * 20_001
    count = await database.owner.fetchval("SELECT count(*) FROM pumpjack.reading")
    assert count == kept * 20_001 + 1


async def test_what_the_journal_does_not_take_is_shown_as_not_stored(worker, feed):
    worker.pipeline._journal._spool._size_bytes = 0
    worker.adapter.read(1.0)
    await until(lambda: any("not stored" in p for p in worker.pipeline.status().problems))
    listener = feed.pubsub()
    await listener.subscribe(wire.readings_channel(TENANT))
    await listener.get_message(timeout=5)
    worker.adapter.read(2.0)
    while True:
        message = await listener.get_message(ignore_subscribe_messages=True, timeout=5)
        found = wire.decode_message(message["data"])
        if isinstance(found, wire.Readings):
            break
    assert [(reading.value, found.stored) for reading in found.readings] == [(2.0, False)]
    worker.pipeline._journal._spool._size_bytes = 1 << 20


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

    await until(all_there, limit_s=30)


async def test_a_disk_that_takes_no_delete_stops_nothing_else(worker, database):
    spool = worker.pipeline._journal._spool
    original, attempts = spool.remove, []

    def remove(up_to: int) -> None:
        attempts.append(up_to)
        if len(attempts) < 3:
            raise JournalFull("cannot remove: the disk is full")
        original(up_to)

    spool.remove = remove
    worker.adapter.read(1.0)
    await stored(database, 1.0)
    worker.adapter.read(2.0)
    await stored(database, 1.0, 2.0)
    await until(lambda: worker.pipeline.status().journal_batches == 0)
    assert len(attempts) >= 3
    assert worker.pipeline.status().problems == ()


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


async def test_an_acknowledgement_that_the_device_does_not_take_ends_nothing(worker, database):
    async def refused() -> None:
        raise DeviceError("the session is gone", reason="Closed")

    now_us = SystemClock().now_us()
    worker.adapter.gives.put_nowait(
        Delivery(batch(worker.adapter.tags, [1.0], us=now_us, received_us=now_us), refused)
    )
    worker.adapter.read(2.0)
    await stored(database, 1.0, 2.0)
    assert worker.adapter.acknowledged == [2.0]


async def test_a_batch_is_acknowledged_only_when_it_is_on_disk(worker, database, tmp_path):
    journal = worker.pipeline._journal
    original, gate = journal._spool.append, threading.Event()

    def append(rows):
        gate.wait(10)
        original(rows)

    journal._spool.append = append
    worker.adapter.read(1.0)
    await until(lambda: worker.pipeline.status().readings == 1)
    await asyncio.sleep(0.2)
    assert worker.adapter.acknowledged == []
    gate.set()
    await until(lambda: worker.adapter.acknowledged == [1.0])


async def test_the_journal_keeps_a_batch_until_the_database_has_it(worker, database):
    original, at_write = Ingest.write_batch, []

    async def write_batch(self, *args, **more):
        at_write.append(worker.pipeline.status().journal_readings)
        return await original(self, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ingest, "write_batch", write_batch)
        await database.cut()
        database.reachable = True
        worker.adapter.read(1.0, 2.0)
        await stored(database, 1.0, 2.0)
    assert at_write
    assert all(readings > 0 for readings in at_write)


async def test_a_journal_that_is_full_when_it_stops_puts_the_hole_on_record(
    tmp_path, database, valkey, feed
):
    worker = await start(tmp_path / "j", database.connect, valkey.url)
    worker.pipeline._journal._spool._size_bytes = 0
    worker.adapter.read(1.0)
    await until(lambda: any("not stored" in p for p in worker.pipeline.status().problems))
    worker.pipeline._journal._spool._size_bytes = 1 << 20
    await worker.stop()
    again = await start(tmp_path / "j", database.connect, valkey.url)

    async def recorded() -> bool:
        raw = await database.owner.fetchval(
            "SELECT raw FROM pumpjack.quarantine WHERE reason = 'not_stored'"
        )
        return raw is not None and msgspec.json.decode(raw)["readings"] == 1

    await until(recorded)
    await again.stop()


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

    async def swallow(_pipe) -> bool:
        entered.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return True  # as a client library does that mistakes it for its own time-out
        return True

    monkeypatch.setattr(publisher, "_execute", swallow)
    worker.adapter.read(1.0)
    await entered.wait()
    monkeypatch.setattr(publisher, "close", lambda: asyncio.sleep(0))
    async with asyncio.timeout(20):
        assert await worker.stop()
