"""What a screen sees of a well, through a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from pumpjack_core import wire
from pumpjack_gateway.main import Gateway
from tests.gateway.clocks import ShiftedClock
from tests.gateway.conftest import FeedServer, running
from tests.gateway.fake_worker import FakeWorker, reading
from tests.gateway.screens import Screen, screen

pytestmark = pytest.mark.servers
WELL = "pad7-3"


def values(message: dict[str, object]) -> dict[str, float | None]:
    """Tag to value of a message's readings."""
    listed = message.get("readings") or message.get("latest") or []
    assert isinstance(listed, list)
    return {one["tagName"]: one["value"] for one in listed}


async def test_a_screen_gets_a_snapshot_and_then_what_is_published(
    gateway: Gateway, worker: FakeWorker
) -> None:
    first = await worker.publish(WELL, {"casing_pressure": 812.5, "flow": None})
    async with screen(gateway, worker.tenant) as client:
        snapshot = await client.subscribe(WELL)
        assert (snapshot["source"], snapshot["resumed"]) == ("feed", False)
        assert values(snapshot) == {"casing_pressure": 812.5, "flow": None}
        assert snapshot["positions"] == {
            worker.connection: {"epoch": worker.epoch, "seq": first.seq}
        }
        sent = await worker.publish(WELL, {"casing_pressure": 813.0})
        assert await client.until("readings") == json.loads(wire.encode(sent))


async def test_the_bytes_of_the_worker_are_forwarded_unchanged(
    gateway: Gateway, worker: FakeWorker
) -> None:
    """Also members that this version does not know, and spaces."""
    await worker.publish(WELL, {"flow": 1.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await client.until("status")
        text = wire.encode(worker.message(WELL, [reading("flow", 2.0)])).replace(
            b'"stored":true', b'"later" : {"\xc3\xa9": [1]},  "stored":true'
        )
        await worker.send(text)
        assert await client.socket.recv(decode=False) == text


async def test_every_screen_of_a_well_gets_it_and_others_do_not(
    gateway: Gateway, worker: FakeWorker
) -> None:
    for well in ("a", "b"):
        await worker.publish(well, {"flow": 0.0})
    async with (
        screen(gateway, worker.tenant) as one,
        screen(gateway, worker.tenant) as two,
        screen(gateway, worker.tenant) as other,
    ):
        await one.subscribe("a")
        await two.subscribe("a", "b")
        await other.subscribe("b")
        await worker.publish("a", {"flow": 1.0})
        assert values(await one.until("readings")) == {"flow": 1.0}
        assert values(await two.until("readings")) == {"flow": 1.0}
        await other.nothing_but("status")


async def test_an_unsubscribed_well_is_quiet(gateway: Gateway, worker: FakeWorker) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await client.say(type="unsubscribe-well", wellId=WELL)
        await client.until("unsubscribed", wellId=WELL)
        await worker.publish(WELL, {"flow": 1.0})
        await client.nothing_but()
        again = await client.subscribe(WELL)
        assert values(again) == {"flow": 1.0}


async def test_a_second_subscription_is_a_fresh_snapshot_and_nothing_comes_twice(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await worker.publish(WELL, {"flow": 1.0})
        assert values(await client.subscribe(WELL)) == {"flow": 1.0}
        await worker.publish(WELL, {"flow": 2.0})
        assert values(await client.until("readings")) == {"flow": 2.0}
        await client.nothing_but("status")


async def test_nothing_is_lost_or_repeated_between_snapshot_and_feed(
    gateway: Gateway, worker: FakeWorker
) -> None:
    """Screens arrive while the worker publishes without pause."""
    import asyncio

    await worker.publish(WELL, {"flow": 0.0})
    done = False

    async def publish() -> None:
        number = 0
        while not done:
            number += 1
            await worker.publish(WELL, {"flow": float(number)})

    publishing = asyncio.create_task(publish())
    try:
        for _ in range(30):
            async with screen(gateway, worker.tenant) as client:
                snapshot = await client.subscribe(WELL)
                position = snapshot["positions"][worker.connection]["seq"]
                for _ in range(5):
                    message = await client.until("readings")
                    assert message["prev"] == position
                    position = message["seq"]
                assert not [one for one in client.seen if one["type"] == "gap"]
    finally:
        done = True
        await publishing


# Loss


async def test_a_lost_message_is_a_gap_until_the_database_has_it(
    gateway: Gateway, worker: FakeWorker
) -> None:
    first = await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        lost = worker.lose(WELL, {"flow": 1.0})
        after = await worker.publish(WELL, {"flow": 2.0})
        gap = {
            "type": "gap",
            "wellId": WELL,
            "connectionId": worker.connection,
            "epoch": worker.epoch,
            "from": first.seq,
            "to": lost.seq,
        }
        assert await client.until("gap") == gap | {"healed": False}
        assert (await client.next())["seq"] == after.seq
        await worker.beat(stored=first.seq)
        await client.nothing_but("status")
        await worker.beat(stored=after.seq)
        assert await client.until("gap") == gap | {"healed": True}


async def test_a_loss_at_the_end_is_seen_by_the_heartbeat(
    gateway: Gateway, worker: FakeWorker
) -> None:
    first = await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        lost = worker.lose(WELL, {"flow": 1.0})
        await worker.beat()
        gap = await client.until("gap")
        assert (gap["from"], gap["to"], gap["healed"]) == (first.seq, lost.seq, False)
        await worker.publish(WELL, {"flow": 2.0})
        assert (await client.next())["type"] == "status"
        assert values(await client.next()) == {"flow": 2.0}  # and no second gap before it


async def test_who_comes_while_a_gap_is_open_is_told_of_it(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as first:
        await first.subscribe(WELL)
        worker.lose(WELL, {"flow": 1.0})
        await worker.publish(WELL, {"flow": 2.0})
        await first.until("gap")
        async with screen(gateway, worker.tenant) as second:
            assert values(await second.subscribe(WELL)) == {"flow": 2.0}
            assert (await second.until("gap"))["healed"] is False


async def test_a_repeated_or_older_message_is_dropped(gateway: Gateway, worker: FakeWorker) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        one = await worker.publish(WELL, {"flow": 1.0})
        await client.until("readings")
        await worker.send(wire.encode(one))
        await client.nothing_but("status")


async def test_a_new_journal_is_a_gap_from_the_beginning(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        worker.epoch, worker.seq, worker.last = "another", 0, {}
        await worker.publish(WELL, {"flow": 1.0})
        gap = await client.until("gap")
        assert (gap["epoch"], gap["from"], gap["to"]) == ("another", 0, 0)
        await worker.beat(stored=0)
        assert (await client.until("gap"))["healed"] is True


# Staleness


@pytest.fixture
async def watched(worker: FakeWorker, valkey: object) -> AsyncIterator[tuple[Screen, ShiftedClock]]:
    """A screen on a well whose worker is alive, and the gateway's clock."""
    clock = ShiftedClock()
    await worker.publish(WELL, {"flow": 0.0})
    await worker.beat()
    async with running(valkey.url, clock=clock) as gateway:  # type: ignore[attr-defined]
        async with screen(gateway, worker.tenant) as client:
            await client.subscribe(WELL)
            status = await client.until("status")
            assert (status["state"], status["stale"]) == ("connected", False)
            yield client, clock


async def test_three_missed_heartbeats_are_stale_and_the_next_one_is_not(
    watched: tuple[Screen, ShiftedClock], worker: FakeWorker
) -> None:
    client, clock = watched
    clock.forward(wire.STALE_AFTER_S)
    status = await client.until("status")
    assert (status["stale"], status["reason"]) == (True, "HeartbeatLost")
    assert "last known" in status["message"]
    await worker.beat()
    assert (await client.until("status"))["stale"] is False


async def test_a_device_that_is_away_is_told_with_its_reason(
    watched: tuple[Screen, ShiftedClock], worker: FakeWorker
) -> None:
    client, _ = watched
    await worker.beat(state="disconnected", reason="Timeout", message="no answer from 10.1.7.20")
    status = await client.until("status")
    assert (status["state"], status["stale"]) == ("disconnected", False)
    assert (status["reason"], status["message"]) == ("Timeout", "no answer from 10.1.7.20")


async def test_a_journal_that_grows_is_told_as_it_doubles(
    watched: tuple[Screen, ShiftedClock], worker: FakeWorker
) -> None:
    client, _ = watched
    for age_s in (1.0, 2.0, 4.0):
        await worker.beat(journal_batches=9, journal_oldest_s=age_s)
    await client.nothing_but()
    await worker.beat(journal_batches=9, journal_oldest_s=6.0)
    assert (await client.until("status"))["journalBatches"] == 9


async def test_an_unchanged_status_is_told_again_now_and_then(
    watched: tuple[Screen, ShiftedClock],
) -> None:
    client, clock = watched
    clock.forward(5.9)
    await client.nothing_but()
    clock.forward(30)
    await client.until("status")


async def test_a_worker_that_is_long_gone_is_stale_from_the_start(
    worker: FakeWorker, gateway: Gateway
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    await worker.beat(at="2020-01-01T00:00:00.000000Z")
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        status = await client.until("status")
        assert (status["stale"], status["reason"]) == (True, "HeartbeatLost")
        assert status["lastHeartbeat"] == "2020-01-01T00:00:00.000000Z"


async def test_a_worker_that_was_never_heard_is_stale(worker: FakeWorker, gateway: Gateway) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        status = await client.until("status")
        assert (status["state"], status["reason"]) == ("unknown", "NeverHeard")


# The server of the feed


async def test_when_the_feed_is_lost_all_is_stale_and_it_comes_back_with_a_snapshot(
    feed_server: FeedServer,
) -> None:
    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    await worker.beat()
    async with running(feed_server.url) as gateway, screen(gateway) as client:
        await client.subscribe(WELL)
        await client.until("status", stale=False)
        feed_server.stop()
        status = await client.until("status")
        assert (status["stale"], status["reason"]) == (True, "FeedLost")
        feed_server.start()
        snapshot = await client.until("subscribed")
        assert (snapshot["resumed"], values(snapshot)) == (True, {"flow": 1.0})
        await worker.beat()
        await client.until("status", stale=False)
        await worker.publish(WELL, {"flow": 2.0})
        assert values(await client.until("readings")) == {"flow": 2.0}
        assert not [one for one in client.seen if one["type"] == "gap"]
    await worker.close()


@pytest.mark.parametrize("forgets", [False, True], ids=["keeps its data", "loses its data"])
async def test_what_was_lost_while_the_feed_was_away_is_a_gap(
    feed_server: FeedServer, forgets: bool
) -> None:
    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    async with running(feed_server.url) as gateway, screen(gateway) as client:
        await client.subscribe(WELL)
        feed_server.stop()
        await client.until("status", reason="FeedLost")
        if forgets:
            feed_server.forget()
        lost = worker.lose(WELL, {"flow": 2.0})
        feed_server.start()
        await worker.publish(WELL, {"flow": 3.0})
        await worker.beat()
        gap = await client.until("gap")
        assert gap["from"] == 1
        assert gap["to"] >= lost.seq
        await worker.beat(stored=worker.seq)
        await client.until("gap", healed=True)
    await worker.close()


async def test_who_comes_while_the_feed_is_lost_is_told_and_served_later(
    feed_server: FeedServer,
) -> None:
    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    async with running(feed_server.url) as gateway, screen(gateway) as client:
        feed_server.stop()
        await client.say(type="subscribe-well", wellId=WELL)
        assert (await client.until("error"))["code"] == "UNAVAILABLE"
        await worker.close()
        feed_server.start()
        await worker.publish(WELL, {"flow": 2.0})
        while True:
            await client.say(type="subscribe-well", wellId=WELL)
            if (await client.next())["type"] == "subscribed":
                break
            await asyncio.sleep(0.1)  # a screen's messages are limited
    await worker.close()


@pytest.mark.usefixtures("feed_server")
async def test_the_same_feed_works_on_valkey_and_redis(feed_server: FeedServer) -> None:
    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    async with running(feed_server.url) as gateway, screen(gateway) as client:
        assert values(await client.subscribe(WELL)) == {"flow": 1.0}
        await worker.publish(WELL, {"flow": 2.0})
        assert values(await client.until("readings")) == {"flow": 2.0}
    await worker.close()


async def test_a_channel_that_redis_refuses_is_told_and_tried_again(
    feed_server: FeedServer,
) -> None:
    import redis.asyncio

    admin = redis.asyncio.from_url(feed_server.url)
    await admin.execute_command("ACL", "SETUSER", "narrow", "on", ">pw", "+@all", "~*", "&none")
    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    await worker.beat()
    url = feed_server.url.replace("unix://", "unix://narrow:pw@")
    async with running(url) as gateway, screen(gateway) as client:
        await client.subscribe(WELL)
        status = await client.until("status")
        assert (status["stale"], status["reason"]) == (True, "FeedLost")
        await admin.execute_command("ACL", "SETUSER", "narrow", "&*")
        await client.until("subscribed", resumed=True)
        await worker.publish(WELL, {"flow": 2.0})
        assert values(await client.until("readings")) == {"flow": 2.0}
    await admin.aclose()
    await worker.close()


# What does not belong on a channel


async def test_a_message_of_another_tenant_than_its_channel_is_refused_and_counted(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        forged = wire.encode(worker.message(WELL, [reading("flow", 666.0)])).replace(
            worker.tenant.encode(), b"someone-else"
        )
        await worker.send(forged)
        await client.nothing_but("status")
    assert 'scada_feed_refused_total{reason="tenant"} 1.0' in gateway.metrics.text().decode()


BROKEN = {
    "no JSON": b"hello",
    "half a message": b'{"type":"readings","epoch":"e","tenantId":',
    "no object": b"[]",
    "a number without end": b'{"type":"readings","seq":1e999}',
    "nothing": b"",
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN)
async def test_a_broken_message_is_counted_and_the_next_one_is_served(
    gateway: Gateway, worker: FakeWorker, payload: bytes
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await worker.send(payload)
        await worker.publish(WELL, {"flow": 1.0})
        assert values(await client.until("readings")) == {"flow": 1.0}
    assert 'scada_feed_refused_total{reason="malformed"} 1.0' in gateway.metrics.text().decode()


async def test_text_that_is_not_utf_8_never_reaches_a_screen(
    gateway: Gateway, worker: FakeWorker
) -> None:
    """A browser would have to close the connection (RFC 6455, 8.1)."""
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        text = wire.encode(worker.message(WELL, [reading("flow", 1.0)]))
        await worker.send(text.replace(b"flow", b"fl\xffw"))
        await worker.publish(WELL, {"flow": 2.0})
        assert values(await client.until("readings")) == {"flow": 2.0}
    assert 'scada_feed_refused_total{reason="malformed"} 1.0' in gateway.metrics.text().decode()


async def test_a_kind_of_message_that_is_not_known_yet_is_left_alone(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await worker.send(
            b'{"type":"alarm","epoch":"e","tenantId":"%b","connectionId":"c"}'
            % worker.tenant.encode()
        )
        await worker.publish(WELL, {"flow": 1.0})
        assert values(await client.until("readings")) == {"flow": 1.0}
    assert "scada_feed_refused_total{" not in gateway.metrics.text().decode()


async def test_a_gateway_subscribes_only_to_tenants_that_its_screens_need(
    feed_server: FeedServer,
) -> None:
    import redis.asyncio

    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    server = redis.asyncio.from_url(feed_server.url)
    async with running(feed_server.url) as gateway:
        async with screen(gateway) as client:
            assert await server.pubsub_channels() == []
            await client.subscribe(WELL)
            assert await server.pubsub_channels() == [b"scada:readings:permian"]
        while await server.pubsub_channels():
            pass
    await server.aclose()
    await worker.close()
