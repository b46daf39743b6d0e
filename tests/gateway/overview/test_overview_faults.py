"""The overview while Redis or the database is away, and for a screen that does not keep up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.tags import Tag
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import NO_DATABASE, NO_REDIS, FeedServer, running
from tests.gateway.databases import Database
from tests.gateway.overview.oilfield import CONNECTION, OTHER, WELL, Oilfield
from tests.gateway.overview.viewer import viewer
from tests.gateway.test_slow import Sleeper

pytestmark = pytest.mark.servers


@pytest.fixture
async def flowing(overview_database: Database, feed_server: FeedServer) -> AsyncIterator[Oilfield]:
    """An oilfield on a Redis of the test's own, which has one reading."""
    oilfield = Oilfield(overview_database, feed_server.url)
    await oilfield.open()
    await oilfield.worker.publish(WELL, {"flow": 1.0})
    yield oilfield
    await oilfield.close()


async def test_while_redis_is_away_values_stay_and_are_marked_and_then_go_on(
    flowing: Oilfield, feed_server: FeedServer
) -> None:
    worker = flowing.worker
    await worker.beat()
    async with running(feed_server.url, flowing.database.gateway_url) as gateway:
        async with viewer(gateway, flowing.tenant) as shown:
            assert shown.states(WELL) == {CONNECTION: ("connected", None)}
            feed_server.stop()
            lost = {CONNECTION: ("connected", "FeedLost")}
            await shown.until(lambda _: shown.states(WELL) == lost == shown.states(OTHER))
            assert shown.values(WELL) == [1.0, None]
            async with viewer(gateway, flowing.tenant) as late:
                assert late.states(WELL) == lost
                assert late.values(WELL) == [1.0, None]
            feed_server.start()
            await worker.publish(WELL, {"casing_pressure": 5.0})
            await worker.beat()
            await shown.until(lambda _: shown.values(WELL) == [1.0, 5.0])
            await shown.until(lambda _: shown.states(WELL) == {CONNECTION: ("connected", None)})


async def test_what_was_published_while_redis_could_not_be_reached_is_shown_afterwards(
    flowing: Oilfield, feed_server: FeedServer
) -> None:
    async with running(feed_server.url, flowing.database.gateway_url) as gateway:
        async with viewer(gateway, flowing.tenant) as shown:
            killer = redis.asyncio.from_url(feed_server.url)
            assert await killer.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1
            await killer.aclose()
            await flowing.worker.publish(WELL, {"flow": 2.0})
            await shown.until(lambda _: shown.values(WELL)[0] == 2.0)


async def test_redis_that_lost_everything_takes_no_value_from_the_screen(
    flowing: Oilfield, feed_server: FeedServer
) -> None:
    async with running(feed_server.url, flowing.database.gateway_url) as gateway:
        async with viewer(gateway, flowing.tenant) as shown:
            feed_server.stop()
            await shown.until(lambda _: shown.states(WELL)[CONNECTION][1] == "FeedLost")
            feed_server.forget()
            feed_server.start()
            await flowing.worker.beat()
            await shown.until(lambda _: shown.states(WELL) == {CONNECTION: ("connected", None)})
            assert shown.values(WELL) == [1.0, None]


async def test_without_redis_from_the_start_the_wells_are_there_without_values(
    overview_database: Database, oilfield: Oilfield
) -> None:
    async with running(NO_REDIS, overview_database.gateway_url) as gateway:
        async with viewer(gateway, oilfield.tenant) as shown:
            assert shown.values(WELL) == [None, None]
            assert shown.states(WELL) == {CONNECTION: ("unknown", "FeedLost")}


async def test_while_the_database_is_away_the_overview_goes_on_with_what_is_known(
    overview_database: Database, oilfield: Oilfield, valkey: EmbeddedValkey
) -> None:
    worker = oilfield.worker
    await worker.publish(WELL, {"flow": 1.0})
    async with overview_database.breakable() as (url, proxy):
        async with running(valkey.url, url, facts_fresh_s=0.1) as gateway:
            async with viewer(gateway, oilfield.tenant) as shown:
                await proxy.refuse()
                await worker.publish(WELL, {"flow": 2.0})
                await shown.until(lambda _: shown.values(WELL)[0] == 2.0)
                async with viewer(gateway, oilfield.tenant) as late:
                    assert late.values(WELL)[0] == 2.0
                await oilfield.declare(
                    (Tag("new-well", "flow", "a", "float32", 1.0),), (), "permian-ops/new"
                )
                await proxy.accept()
                await shown.until(lambda wells: "new-well" in wells)
                assert shown.values(WELL)[0] == 2.0


async def test_without_the_database_wells_are_known_from_heartbeats(
    valkey: EmbeddedValkey, oilfield: Oilfield
) -> None:
    await oilfield.worker.publish(WELL, {"flow": None})
    await oilfield.worker.beat()
    async with running(valkey.url, NO_DATABASE) as gateway:
        async with viewer(gateway, oilfield.tenant) as shown:
            await shown.until(lambda wells: WELL in wells)
            await shown.until(lambda wells: wells[WELL]["counts"]["bad"] == 1)
            assert shown.states(WELL) == {CONNECTION: ("connected", None)}


# A screen that does not keep up

BIG = "with-many-tags"
NAMES = [f"tag_{number:03}" for number in range(300)]
SMALL = {"ws_write_high_bytes": 65_536, "ws_write_low_bytes": 16_384}


async def asleep(gateway: Gateway, oilfield: Oilfield) -> Sleeper:
    """A client that looks at everything and does not read, until that shows."""
    sleeper = await asyncio.to_thread(Sleeper, gateway, oilfield.tenant)
    await asyncio.to_thread(sleeper.read_until, b'"connected"')
    await asyncio.to_thread(sleeper.send, b'{"type":"subscribe-overview"}')
    await asyncio.to_thread(sleeper.read_until, b'"overview"')
    await asyncio.to_thread(sleeper.subscribe, BIG)
    await asyncio.to_thread(sleeper.read_until, b'"subscribed"')
    for number in range(2000):
        await oilfield.worker.publish(BIG, dict.fromkeys(NAMES, float(number)))
        if "scada_websocket_slow_clients 1.0" in gateway.metrics.text().decode():
            return sleeper
    raise AssertionError("it never was slow")


def told(frames: bytes) -> list[float | None]:
    """What a piece of the stream says of the well's flow, in changes or anew as a whole."""
    text, found = frames.decode(errors="replace"), []
    at = text.find('{"type":"overview')
    while at >= 0:
        message, at = json.JSONDecoder().raw_decode(text, at)
        for well in message["wells"]:
            values = well.get("values")
            if well["wellId"] == WELL and values:
                flow = values["0"] if isinstance(values, dict) else values[0]
                found.append(None if flow is None else flow[0])
        at = text.find('{"type":"overview', at)
    return found


async def test_a_slow_screen_gets_what_it_missed_merged_and_its_neighbour_gets_everything(
    overview_database: Database, valkey: EmbeddedValkey
) -> None:
    oilfield = Oilfield(overview_database, valkey.url)
    await oilfield.open()
    await oilfield.worker.publish(BIG, dict.fromkeys(NAMES, 0.0))
    async with running(valkey.url, overview_database.gateway_url, **SMALL) as gateway:
        async with viewer(gateway, oilfield.tenant) as neighbour:
            sleeper = await asleep(gateway, oilfield)
            for value in (1.0, 2.0, 3.0):
                await oilfield.worker.publish(WELL, {"flow": value})
                await oilfield.worker.publish(OTHER, {"level": value})
                both = [value, value]
                await neighbour.until(
                    lambda _, both=both: (
                        neighbour.values(WELL)[:1] + neighbour.values(OTHER) == both
                    )
                )
            await oilfield.worker.publish(WELL, {"casing_pressure": None})
            await neighbour.until(lambda wells: wells[WELL]["counts"]["bad"] == 1)
            stream = await asyncio.to_thread(sleeper.read_until, b'"bad":1}')
            await asyncio.to_thread(sleeper.send, b'{"type":"getStats"}')
            stream += await asyncio.to_thread(sleeper.read_until, b'"stats"')
            sleeper.close()
            assert told(stream) == [3.0]
    await oilfield.close()
