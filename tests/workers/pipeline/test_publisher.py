"""The live feed says what it lost: the heartbeat counts every message, sent or given up."""

from __future__ import annotations

import asyncio
import contextlib
from uuid import UUID

import pytest
import redis.asyncio

from pumpjack_core import wire
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline import publisher as module
from pumpjack_worker.pipeline.feed import Feed
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.publisher import Publisher
from tests.workers.pipeline.examples import StillClock, batch, tag

TAGS = TagTable((tag("pressure", well="a1"), tag("pressure", well="b2")))
NAMES = {"tenant_id": "permian", "connection_id": "ops/plc"}


def made(url: str) -> Publisher:
    return Publisher(
        url,
        Feed(epoch=UUID(int=7), follows=0, protocol="modbus-tcp", **NAMES),
        heartbeat=lambda: wire.Heartbeat(
            *[""] * 4, "", {}, 0, "connected", None, None, 0, 0, 0, 0, ""
        ),
        clock=StillClock(),
        metrics=Metrics(protocol="modbus-tcp", **NAMES),
        **NAMES,
    )


@pytest.fixture
def publisher():
    return made("redis://127.0.0.1:1/0")


async def test_a_message_that_found_no_room_is_counted_in_the_heartbeat(publisher, monkeypatch):
    monkeypatch.setattr(module, "QUEUE_MESSAGES", 2)
    for seq, well in ((1, 0), (2, 1), (3, 1)):
        publisher.publish(seq, batch(TAGS, [1.0], index=[well]), stored=True)
    assert publisher.sent_seq == {"a1": 1}


async def test_a_message_that_a_stop_cut_off_is_counted_in_the_heartbeat(publisher, monkeypatch):
    async def hangs(_pipe) -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(publisher, "_execute", hangs)
    task = asyncio.create_task(publisher.run())
    await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        publisher._order.release()  # the heartbeat hangs too, and holds it
        publisher.publish(9, batch(TAGS, [1.0]), stored=True)
        while publisher._queue:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert publisher.sent_seq == {"a1": 9}


async def test_what_waits_when_a_worker_is_replaced_is_sent_and_nothing_after_it(valkey):
    replaced = made(valkey.url)
    channel = wire.readings_channel(NAMES["tenant_id"])
    async with redis.asyncio.from_url(valkey.url) as server, server.pubsub() as listening:
        await listening.subscribe(channel)
        await listening.get_message(timeout=60)  # subscribed
        replaced.publish(1, batch(TAGS, [1.0]), stored=True)
        replaced.silence()
        replaced.publish(2, batch(TAGS, [2.0]), stored=True)
        sending = asyncio.create_task(replaced.run())
        first = await listening.get_message(timeout=60)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await replaced.close()
        await server.publish(channel, "the end")
        last = await listening.get_message(timeout=60)
    assert wire.decode_message(first["data"]).seq == 1
    assert last["data"] == b"the end"


class Winding:
    """A pipeline that takes long to be wound up, as a real one may, and swallows cancellations."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def execute(self, *, raise_on_error: bool) -> list[object]:
        while not self.over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.over.wait()
        return []


async def test_a_call_that_cannot_be_ended_is_left_to_itself_when_its_time_is_over(
    publisher, monkeypatch
):
    monkeypatch.setattr(module, "CALL_TIMEOUT_S", 0.05)
    pipe = Winding()
    async with asyncio.timeout(60):
        assert await publisher._answers(pipe) is None
    assert publisher._calls, "it still winds up"
    pipe.over.set()
    async with asyncio.timeout(60):
        while publisher._calls:
            await asyncio.sleep(0)


async def test_a_cancellation_is_not_lost_in_a_call_that_cannot_be_ended(publisher):
    pipe = Winding()
    task = asyncio.create_task(publisher._answers(pipe))
    while not publisher._calls:
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(60):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    pipe.over.set()


@pytest.mark.servers
async def test_a_redis_that_stands_still_keeps_no_publisher_from_ending(valkey):
    publisher = made(valkey.url)
    async with redis.asyncio.from_url(valkey.url) as server:
        sending = asyncio.create_task(publisher.run())
        async with asyncio.timeout(60):
            while not await server.hexists(wire.heartbeat_key("permian"), "ops/plc"):
                await asyncio.sleep(0.01)
            await server.execute_command("CLIENT", "PAUSE", "6000", "ALL")
            publisher.publish(2, batch(TAGS, [2.0]), stored=True)
            while not publisher.breaker._failures:
                await asyncio.sleep(0.01)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await publisher.close()
            await server.ping()  # it goes on
    assert publisher.sent_seq == {"a1": 2}
    assert not publisher._calls
