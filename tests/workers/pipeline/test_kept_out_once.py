"""What comes again is kept out once, also what is no reading; on real PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.readings import Quarantined, no_readings
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.adapters.mqtt.packets import Connack, Publish
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.hole import Loss
from pumpjack_worker.pipeline.hole_file import HoleFile
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.workers.adapters.mqtt.broker import tag
from tests.workers.adapters.mqtt.reading import deliver, lost, make
from tests.workers.adapters.mqtt.scripted import ScriptedBroker
from tests.workers.pipeline.examples import batch, table
from tests.workers.pipeline.scripted import CONNECTION, Worker, start, until

pytestmark = pytest.mark.servers

TAGS = table("pressure", "flow")


async def kept_out(database) -> list[tuple[str, str]]:
    """Reason and raw form of all that is in quarantine, by time."""
    rows = await database.owner.fetch(
        "SELECT reason, raw FROM pumpjack.quarantine ORDER BY ts, raw"
    )
    return [(row["reason"], row["raw"]) for row in rows]


async def counted(database) -> tuple[int, int, int]:
    """Received, duplicates, quarantined, as `pumpjack reconcile` adds them up."""
    row = await database.owner.fetchrow(
        "SELECT coalesce(sum(received), 0) AS received, coalesce(sum(duplicates), 0) AS again,"
        " coalesce(sum(quarantined), 0) AS kept FROM pumpjack.scada_ingest_hours"
    )
    return int(row["received"]), int(row["again"]), int(row["kept"])


async def all_stored(worker: Worker) -> None:
    worker.adapter.read(1.0)
    await until(lambda: worker.adapter.acknowledged[-1:] == [1.0])
    await until(lambda: worker.pipeline.status().journal_batches == 0)


async def took(worker: Worker, *what: Quarantined) -> None:
    """The worker takes a delivery with these, and its journal too."""
    done = []

    async def ack() -> None:
        done.append(True)

    nothing = no_readings(worker.adapter.tags, SystemClock().now_us())
    worker.adapter.gives.put_nowait(Delivery(nothing, ack, what))
    await until(lambda: done)


@pytest.mark.parametrize("at_once", [True, False], ids=["in one write", "in two writes"])
async def test_what_is_no_reading_and_is_sent_again_is_kept_out_once(
    worker, database, *, at_once: bool
):
    us = SystemClock().now_us()
    text, other = (Quarantined(0, us, "text_value", raw) for raw in ("a: ERROR", "a: OFF"))
    unknown = Quarantined(-1, us, "unparsable", "{")
    if at_once:
        await database.cut()
    await took(worker, text, unknown)
    if not at_once:
        await all_stored(worker)
    await took(worker, text, other, unknown)
    database.reachable = True
    await all_stored(worker)
    assert await kept_out(database) == [
        ("text_value", "a: ERROR"),
        ("text_value", "a: OFF"),
        ("unparsable", "{"),
    ]
    total = await database.owner.fetchval("SELECT sum(total) FROM pumpjack.quarantine_total")
    assert total == 3
    received, again, kept = await counted(database)
    assert (again, kept) == (2, 3)
    assert received - again - kept == await database.owner.fetchval(
        "SELECT count(*) FROM pumpjack.reading"
    )


async def test_a_text_that_a_broker_sends_again_before_the_journal_has_it_has_its_first_time(
    worker, database
):
    async with ScriptedBroker() as broker:
        adapter = make(broker.port, tag("pads/7/casing"))
        await adapter.connect()
        broker.send(Publish(b"pads/7/casing", b"ERROR", 1, 5, False, False))
        first = await deliver(adapter)
        broker.connack = Connack(True, 0)
        broker.hang_up()
        await lost(adapter)
        await adapter.connect()
        broker.send(Publish(b"pads/7/casing", b"ERROR", 1, 5, False, True))
        again = await deliver(adapter)
        while not again.quarantined:
            again = await deliver(adapter)
        await adapter.close()
    await took(worker, *first.quarantined)
    await took(worker, *again.quarantined)
    await all_stored(worker)
    assert [reason for reason, _ in await kept_out(database)] == ["text_value"]


async def test_what_a_damaged_journal_still_had_of_what_is_stored_is_kept_out_once(
    tmp_path: Path, database, valkey, feed
):
    folder = tmp_path / "j"
    us = SystemClock().now_us()
    text = Quarantined(0, us, "text_value", "a: ERROR")
    with Spool(folder, CONNECTION, size_bytes=4 << 20) as journal:
        seq = journal.next_seq
        content = codec.encode(batch(TAGS, [1.0], us=us, received_us=us), (text,), seq=seq)
        row = Row(seq, us, 1, TAGS, content)
        journal.append([row])
    worker = await start(folder, database.connect, valkey.url, TAGS)
    await until(lambda: worker.pipeline.status().journal_batches == 0)
    await worker.stop()
    with Spool(folder, CONNECTION, size_bytes=4 << 20) as journal:
        journal.append([row])  # as if the disk had been too full to let go of it
    with sqlite3.connect(folder / "journal.db") as db:
        db.execute("UPDATE meta SET value = 'no uuid' WHERE key = 'journal_id'")
    db.close()
    again = await start(folder, database.connect, valkey.url, TAGS)
    assert again.pipeline._journal.waiting.batches == 1, "saved into a new journal"
    await all_stored(again)
    await again.stop()
    assert await kept_out(database) == [("text_value", "a: ERROR")]


async def test_a_hole_that_its_worker_had_put_on_record_when_it_was_killed_is_there_once(
    tmp_path: Path, database, valkey, feed
):
    folder = tmp_path / "j"
    us = SystemClock().now_us()
    loss = Loss(us - 5_000_000, us - 1_000_000, 3, 17)
    for _ in range(2):  # the second has the file of the first, which was killed too soon
        folder.mkdir(exist_ok=True)
        assert HoleFile(folder).write(loss)
        worker = await start(folder, database.connect, valkey.url, TAGS)
        await all_stored(worker)
        await worker.stop()
    ((reason, raw),) = await kept_out(database)
    assert (reason, msgspec.json.decode(raw)["readings"]) == ("not_stored", 17)
    assert await database.owner.fetchval("SELECT count(*) FROM pumpjack.hole") == 1
