"""What REST and the WebSocket tell of connections, by a real gateway, database and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.clock import SystemClock, iso_us
from pumpjack_gateway.main import Gateway
from tests.gateway.clocks import ShiftedClock
from tests.gateway.conftest import NO_REDIS, running
from tests.gateway.connections.site import CONNECTION, WELL, Site
from tests.gateway.databases import Database
from tests.gateway.screens import Screen, screen

pytestmark = pytest.mark.servers


def minutes_ago(text: str) -> float:
    now = datetime.fromisoformat(iso_us(SystemClock().now_us()))
    return (now - datetime.fromisoformat(text)) / timedelta(minutes=1)


def condition(connection: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = (one for one in connection["conditions"] if one["type"] == kind)
    return dict(found)


async def test_a_device_that_is_away_is_told_with_since_and_reason(
    gateway: Gateway, site: Site
) -> None:
    why = {"reason": "Refused", "message": "10.1.7.20:502 refuses the connection"}
    await site.tell(("connected", 600), ("disconnected", 30), **why)
    await site.worker.beat(state="disconnected", read_at="2026-01-31T06:30:00.000000Z", **why)
    (found,) = await site.ask(gateway)
    assert found["connectionId"] == CONNECTION
    assert found["protocol"] == "modbus-tcp"
    assert found["endpoint"] == "10.1.7.20:502"
    assert (found["state"], found["stale"], found["reason"]) == ("disconnected", False, "Refused")
    assert 29 < minutes_ago(found["since"]) < 35
    assert found["lastReadingAt"] == "2026-01-31T06:30:00.000000Z"
    assert found["wells"] == [WELL]
    assert found["journal"] == {"batches": 0, "bytes": 0, "oldestS": 0.0, "sizeBytes": 1 << 30}
    assert condition(found, "Connected")["status"] == "False"
    assert condition(found, "DataFlowing")["message"] == why["message"]
    assert condition(found, "MappingsAccepted")["reason"] == "AllTagsRead"


async def test_the_last_day_is_told_in_quarter_hours(gateway: Gateway, site: Site) -> None:
    await site.tell(("connected", 600), ("disconnected", 300), ("connected", 180))
    await site.worker.beat()
    (found,) = await site.ask(gateway)
    states = found["strip"]["states"]
    assert found["strip"]["columnS"] == 900
    assert len(states) == 96
    assert states[0] == "none", "nobody knows what was before"
    assert 8 <= states.count("down") <= 9, "two hours"
    assert states[-1] == "connected"
    assert 31 <= states.count("connected") <= 33
    end = datetime.fromisoformat(found["strip"]["start"]) + timedelta(seconds=900 * 96)
    assert 0 <= -minutes_ago(end.isoformat()) <= 15


async def test_the_time_without_a_worker_is_empty(gateway: Gateway, site: Site) -> None:
    await site.tell(("connected", 600))
    old = iso_us(SystemClock().now_us() - 3600 * 1_000_000)
    await site.worker.beat(at=old)
    (found,) = await site.ask(gateway)
    assert (found["stale"], found["reason"]) == (True, "HeartbeatLost")
    assert found["since"] == old
    assert condition(found, "Ready")["status"] == "False"
    assert condition(found, "Connected")["status"] == "Unknown"


async def test_a_connection_whose_worker_was_never_heard_is_told_as_that(
    gateway: Gateway, site: Site
) -> None:
    (found,) = await site.ask(gateway)
    assert (found["state"], found["stale"], found["reason"]) == ("unknown", True, "NeverHeard")
    assert found["since"] is None
    assert condition(found, "MappingsAccepted")["status"] == "Unknown"
    assert set(found["strip"]["states"]) == {"none"}


async def test_a_worker_whose_database_is_away_is_told_by_its_heartbeat(
    gateway: Gateway, site: Site
) -> None:
    site.worker.connection = "permian-ops/new"
    site.worker.last = {"pad9-1": 5}
    await site.worker.beat(journal_batches=3, journal_bytes=900, journal_oldest_s=70.5)
    found = {one["connectionId"]: one for one in await site.ask(gateway)}["permian-ops/new"]
    assert (found["state"], found["stale"]) == ("connected", False)
    assert found["wells"] == ["pad9-1"]
    assert found["journal"]["oldestS"] == 70.5


async def test_rejected_tags_are_told_with_their_reasons(gateway: Gateway, site: Site) -> None:
    rejected = [{"tag": "oil", "mapping": "permian-ops/std", "reason": "no register 40061"}]
    await site.tell(("connected", 1), rejected=2, inPart=1, rejectedTags=rejected)
    await site.worker.beat()
    (found,) = await site.ask(gateway)
    assert (found["mappedTags"], found["rejectedTags"]) == (36, 2)
    assert found["rejected"] == rejected
    accepted = condition(found, "MappingsAccepted")
    assert accepted["reason"] == "TagsRejected"
    assert accepted["message"].startswith("1 of 37 tags are not read, and 1 alarms")
    assert accepted["message"].endswith("the first: oil: no register 40061")


async def test_a_device_that_is_silent_though_connected_is_told(
    gateway: Gateway, site: Site
) -> None:
    await site.tell(("connected", 60))
    await site.worker.beat(read_at="2026-01-31T06:30:00.000000Z")
    (found,) = await site.ask(gateway)
    assert condition(found, "DataFlowing")["reason"] == "NoReadings"
    await site.worker.beat(read_at=iso_us(SystemClock().now_us()))
    (found,) = await site.ask(gateway)
    assert condition(found, "DataFlowing")["reason"] == "ReadingsStored"


async def test_another_tenant_sees_none_of_it(gateway: Gateway, site: Site) -> None:
    await site.tell(("connected", 1))
    await site.worker.beat()
    other = Site(site.database, NO_REDIS)
    await other.open()
    (found,) = await site.ask(gateway, other.tenant)
    assert (found["connectionId"], found["state"]) == (CONNECTION, "unknown")
    async with screen(gateway, other.tenant) as client:
        await client.say(type="subscribe-connections")
        shown = await client.until("connections")
        assert [one["state"] for one in shown["connections"]] == ["unknown"]
        await site.worker.beat(state="disconnected")
        await client.nothing_but("connections", "connection-beats")


async def test_without_redis_the_last_known_is_told_as_that(
    connections_database: Database, site: Site
) -> None:
    await site.tell(("connected", 60))
    async with running(NO_REDIS, connections_database.gateway_url) as gateway:
        (found,) = await site.ask(gateway)
        assert (found["state"], found["stale"], found["reason"]) == ("connected", True, "FeedLost")
        assert condition(found, "Ready")["status"] == "Unknown"
        assert found["strip"]["states"][-1] == "connected", "the worker told a moment ago"
        async with screen(gateway, site.tenant) as client:
            await client.say(type="subscribe-connections")
            shown = await client.until("connections")
            assert shown["connections"][0]["reason"] == "FeedLost"


@asynccontextmanager
async def watching(gateway: Gateway, site: Site) -> AsyncIterator[tuple[Screen, dict[str, Any]]]:
    async with screen(gateway, site.tenant) as client:
        await client.say(type="subscribe-connections")
        shown = await client.until("connections")
        yield client, shown["connections"][0]


async def until_it_is(client: Screen, **wanted: object) -> dict[str, Any]:
    """The first message of the connection that has these values."""
    return await client.until("connection", connectionId=CONNECTION, **wanted)


async def test_a_screen_is_told_when_a_device_goes_and_when_it_comes_back(
    gateway: Gateway, site: Site
) -> None:
    await site.tell(("connected", 60))
    await site.worker.beat()
    async with watching(gateway, site) as (client, first):
        assert (first["state"], first["stale"]) == ("connected", False)
        assert "strip" not in first
        await site.worker.beat(state="disconnected", reason="Refused", message="it refuses")
        gone = await until_it_is(client, state="disconnected", stale=False)
        assert gone["message"] == "it refuses"
        assert gone["since"] is None or minutes_ago(gone["since"]) < 5, "not since an hour"
        await site.tell(("disconnected", 0.1))
        beating = asyncio.create_task(site.keep_beating(state="disconnected"))
        told = await until_it_is(client, state="disconnected", stale=False, reason=None)
        assert minutes_ago(told["since"]) < 5
        beating.cancel()
        await site.worker.beat()
        await until_it_is(client, state="connected", stale=False)


async def test_numbers_that_always_change_come_together(gateway: Gateway, site: Site) -> None:
    await site.tell(("connected", 60))
    await site.worker.beat()
    async with watching(gateway, site) as (client, _):
        await site.worker.beat(journal_batches=5, journal_bytes=77, journal_oldest_s=1.5)
        while (await client.until("connection-beats"))["beats"][0][3:] != [5, 77, 1.5]:
            pass
        assert not [one for one in client.seen if one["type"] == "connection"]


async def test_a_worker_that_falls_silent_is_told_by_the_gateway(
    connections_database: Database, valkey: EmbeddedValkey, site: Site
) -> None:
    await site.tell(("connected", 60))
    beat = await site.worker.beat()
    clock = ShiftedClock()
    async with (
        running(valkey.url, connections_database.gateway_url, clock=clock) as gateway,
        watching(gateway, site) as (client, first),
    ):
        assert first["stale"] is False
        clock.forward(3600)
        lost = await until_it_is(client, stale=True, reason="HeartbeatLost")
        assert lost["since"].rstrip("Z") == beat.at.rstrip("Z")


async def test_who_wants_no_more_gets_no_more(gateway: Gateway, site: Site) -> None:
    await site.worker.beat()
    async with watching(gateway, site) as (client, _):
        await client.say(type="unsubscribe-connections")
        await client.until("connections-unsubscribed")
        await site.worker.beat(state="disconnected")
        async with watching(gateway, site) as (other, first):
            assert first["state"] == "disconnected" or await until_it_is(
                other, state="disconnected"
            )
        await client.nothing_but()
