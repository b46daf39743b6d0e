"""What is acknowledged to the device, and when: only what the journal has on disk."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import pytest

from pumpjack_core import wire
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import (
    DeviceError,
    JournalFull,
)
from pumpjack_core.readings import Quarantined
from pumpjack_core.storage.ingest import Ingest
from pumpjack_worker.adapters.contract import Delivery
from tests.workers.pipeline.examples import batch
from tests.workers.pipeline.scripted import TENANT, listen, next_readings, start, stored, until

pytestmark = pytest.mark.servers


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
    await until(lambda: worker.pipeline.status().journal_batches == 0)
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
    assert count == kept * 20_001 + 2 + 1, "with a mark at each end of the hole"


async def test_what_the_journal_does_not_take_is_shown_as_not_stored(worker, feed):
    worker.pipeline._journal._spool._size_bytes = 0
    worker.adapter.read(1.0)
    await until(lambda: any("not stored" in p for p in worker.pipeline.status().problems))
    listener = await listen(feed)
    worker.adapter.read(2.0)
    while (found := await next_readings(listener)).readings[0].value != 2.0:
        pass  # the first was shown before anybody knew
    assert [(reading.value, found.stored) for reading in found.readings] == [(2.0, False)]
    worker.pipeline._journal._spool._size_bytes = 1 << 20


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
        gate.wait(60)
        original(rows)

    journal._spool.append = append
    worker.adapter.read(1.0)
    await until(lambda: worker.pipeline.status().readings == 1)
    await asyncio.sleep(0.2)
    assert worker.adapter.acknowledged == []
    gate.set()
    await until(lambda: worker.adapter.acknowledged == [1.0])


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


@pytest.fixture
async def keeper(tmp_path, database, valkey, feed):
    """A worker whose device keeps what is not acknowledged."""
    running = await start(tmp_path / "keeper", database.connect, valkey.url, sends_again=True)
    yield running
    await running.stop()


async def test_what_a_full_journal_left_with_the_device_is_asked_for_again_and_is_no_hole(
    keeper, database
):
    spool = keeper.pipeline._journal._spool
    size, spool._size_bytes = spool._size_bytes, 0
    keeper.adapter.read(1.0)
    await until(lambda: keeper.pipeline._storing._owed is not None)
    assert keeper.adapter.acknowledged == []
    spool._size_bytes = size
    keeper.adapter.read(2.0)
    await until(lambda: keeper.adapter.asked_again == 1)
    keeper.adapter.read(1.0)
    await until(lambda: keeper.adapter.acknowledged == [2.0, 1.0])
    await stored(database, 2.0, 1.0)
    holes = await database.owner.fetchval("SELECT count(*) FROM pumpjack.quarantine")
    assert holes == 0
    assert keeper.adapter.asked_again == 1


async def test_a_device_that_keeps_nothing_of_its_own_marks_still_has_a_hole(keeper, database):
    spool = keeper.pipeline._journal._spool
    size, spool._size_bytes = spool._size_bytes, 0
    keeper.adapter.lose()
    await until(lambda: keeper.pipeline._unstored.is_open)
    spool._size_bytes = size
    keeper.adapter.read(2.0)

    async def on_record() -> bool:
        reasons = await database.owner.fetch("SELECT reason FROM pumpjack.quarantine")
        return [row["reason"] for row in reasons] == ["not_stored"]

    await until(on_record)


async def test_the_next_worker_is_given_the_memos_of_what_the_journal_has_had(
    tmp_path, database, valkey, feed
):
    first = await start(tmp_path / "j", database.connect, valkey.url)
    assert first.adapter.memos == ()
    for number in range(3):
        content = batch(first.adapter.tags, [float(number)], us=SystemClock().now_us() + number)
        first.adapter.give(content, memo=b"memo %d" % number)
    first.adapter.read(9.0)
    await until(lambda: first.adapter.acknowledged == [0.0, 1.0, 2.0, 9.0])
    await first.stop()
    second = await start(tmp_path / "j", database.connect, valkey.url)
    assert second.adapter.memos == (b"memo 0", b"memo 1", b"memo 2")
    await second.stop()


async def test_what_went_wrong_beside_the_readings_is_counted_and_acknowledged(worker, database):
    tags = worker.adapter.tags
    note = Quarantined(0, SystemClock().now_us(), "text_value", '"12.5"')
    worker.adapter.give(batch(tags, [1.0]), (note, note), errors={"unknown_topic": 3})
    await until(lambda: worker.adapter.acknowledged == [1.0])
    counter = worker.pipeline._metrics._errors
    found = {
        sample.labels["error_type"]: sample.value
        for sample in counter.collect()[0].samples
        if sample.name.endswith("_total")
    }
    assert found == {"text_value": 2.0, "unknown_topic": 3.0}


async def test_a_delivery_without_readings_is_acknowledged_too(worker, database):
    acknowledged = asyncio.Event()

    async def ack() -> None:
        acknowledged.set()

    note = Quarantined(-1, SystemClock().now_us(), "unparsable", "{")
    nothing = batch(worker.adapter.tags, [])
    worker.adapter.gives.put_nowait(Delivery(nothing, ack, (note,)))
    await asyncio.wait_for(acknowledged.wait(), 60)

    async def kept() -> bool:
        return await database.owner.fetchval("SELECT raw FROM pumpjack.quarantine") == "{"

    await until(kept)
