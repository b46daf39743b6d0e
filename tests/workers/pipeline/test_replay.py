"""After an outage of the database: oldest first, and the live feed does not wait for it."""

from __future__ import annotations

import asyncio

import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_worker.pipeline import codec, writer
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.workers.pipeline.examples import batch, table
from tests.workers.pipeline.scripted import CONNECTION, listen, next_readings, start, until

pytestmark = pytest.mark.servers

TAGS = table("pressure", "flow")
BATCHES = 60
READINGS = 100


def left_behind(folder) -> None:
    """What a worker read in an hour without a database: batches of one tag, a second apart."""
    first_us = SystemClock().now_us() - 3_600_000_000
    with Spool(folder, CONNECTION, size_bytes=64 << 20) as journal:
        rows = []
        for number in range(BATCHES):
            seq, us = journal.next_seq + number, first_us + number * READINGS * 10_000
            times = [us + at * 10_000 for at in range(READINGS)]
            values = [float(number * READINGS + at) for at in range(READINGS)]
            content = batch(TAGS, values, index=[0] * READINGS, us=times, received_us=us)
            rows.append(Row(seq, us, READINGS, TAGS, codec.encode(content, seq=seq)))
        journal.append(rows)


async def test_the_replay_goes_oldest_first_and_the_live_feed_and_the_acks_go_on_beside_it(
    tmp_path, database, valkey, feed, monkeypatch
):
    monkeypatch.setattr(writer, "MOST_READINGS", 1_000)
    left_behind(tmp_path / "j")
    written: list[list[float]] = []
    third_begins, goes_on = asyncio.Event(), asyncio.Event()

    async def connect():
        session = await database.connect()
        original = session.write_batch

        async def write_batch(*args, **more):
            if len(written) == 2:
                third_begins.set()
                await goes_on.wait()
            answer = await original(*args, **more)
            written.append(args[6].tolist())
            return answer

        session.write_batch = write_batch
        return session

    listener = await listen(feed)
    worker = await start(tmp_path / "j", connect, valkey.url, TAGS)
    async with asyncio.timeout(60):
        await third_begins.wait()
    assert worker.pipeline.status().journal_oldest_s > 3_000

    # The database takes nothing, with most of the replay before it.
    worker.adapter.read(-1.0, -2.0)
    shown: list[float] = []
    while len(shown) < 2:
        shown += [one.value for one in (await next_readings(listener)).readings]
    assert shown == [-1.0, -2.0]
    await until(lambda: worker.adapter.acknowledged == [-1.0, -2.0])
    assert len(written) == 2, "none of it was behind the database"

    goes_on.set()
    expected = [float(at) for at in range(BATCHES * READINGS)]
    await until(lambda: sum(map(len, written)) == len(expected) + 2)
    assert [value for part in written for value in part] == [*expected, -1.0, -2.0]
    assert await database.values() == [*expected, -1.0, -2.0]
    assert await worker.stop()
