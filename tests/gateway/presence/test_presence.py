"""People at a well see one another, through real gateways and Redis."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from websockets.asyncio.client import connect

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.main import Gateway
from pumpjack_gateway.presence.messages import presence_channel
from pumpjack_gateway.presence.register import GONE_S
from tests.gateway.clocks import ShiftedClock
from tests.gateway.conftest import FeedServer, running
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import Screen, screen, token
from tests.gateway.test_program import program, said

pytestmark = pytest.mark.servers
WELL, OTHER = "pad7-3", "pad7-4"


@pytest.fixture
async def gateway(valkey: EmbeddedValkey, live_database: str) -> AsyncIterator[Gateway]:
    """A gateway with a database, that knows which wells there are."""
    async with running(valkey.url, live_database) as gateway:
        yield gateway


@pytest.fixture
async def tenant(worker: FakeWorker) -> str:
    """A tenant with two wells."""
    await worker.publish(WELL, {"flow": 1.0})
    await worker.publish(OTHER, {"flow": 1.0})
    return worker.tenant


def someone(gateway: Gateway, tenant: str, subject: str, role: str = "operator") -> Any:
    return screen(gateway, tenant, sign_in=token(tenant, subject=subject, role=role))


async def at(client: Screen, well: str | None) -> None:
    await client.say(type="presence", wellId=well)


async def sees(client: Screen, *subjects: str, well: str = WELL) -> dict[str, Any]:
    """Read until these people are at the well, in this order."""
    while True:
        told = await client.until("presence", wellId=well)
        if [one["subject"] for one in told["people"]] == list(subjects):
            return told


async def test_the_first_answer_is_oneself_and_then_others_who_come_and_go(
    gateway: Gateway, tenant: str
) -> None:
    async with someone(gateway, tenant, "ann") as ann:
        await at(ann, WELL)
        told = await sees(ann, "ann")
        assert told["people"][0]["clientId"] == ann.seen[0]["clientId"]
        async with someone(gateway, tenant, "joe", role="viewer") as joe:
            await at(joe, WELL)
            await sees(joe, "ann", "joe")
            told = await sees(ann, "ann", "joe")
            assert told["people"][1]["role"] == "viewer"
            assert re.fullmatch(r"\d{4}-.+Z", told["people"][1]["since"])
            await at(joe, None)
            await sees(ann, "ann")
            await at(joe, WELL)
            await sees(ann, "ann", "joe")
        await sees(ann, "ann")  # joe's connection ended


async def test_whoever_goes_to_another_well_is_there_and_here_no_more(
    gateway: Gateway, tenant: str
) -> None:
    async with someone(gateway, tenant, "ann") as ann, someone(gateway, tenant, "joe") as joe:
        await at(ann, WELL)
        await sees(ann, "ann")
        await at(joe, WELL)
        await sees(ann, "ann", "joe")
        await at(joe, OTHER)
        await sees(joe, "joe", well=OTHER)
        await sees(ann, "ann")
        await ann.nothing_but()  # of the other well nothing is told


async def test_saying_it_again_is_answered_and_changes_nothing(
    gateway: Gateway, tenant: str
) -> None:
    async with someone(gateway, tenant, "ann") as ann:
        await at(ann, WELL)
        first = await sees(ann, "ann")
        await at(ann, WELL)
        assert await sees(ann, "ann") == first


async def test_a_well_of_another_tenant_is_refused_as_if_it_did_not_exist(
    gateway: Gateway, tenant: str
) -> None:
    async with someone(gateway, tenant, "ann") as ann, someone(gateway, "bakken", "eve") as eve:
        await at(ann, WELL)
        await sees(ann, "ann")
        await at(eve, WELL)
        foreign = await eve.until("error")
        await at(eve, "there-is-no-such-well")
        missing = await eve.until("error")
        assert foreign["code"] == missing["code"] == "FORBIDDEN_WELL"
        assert foreign["message"] == missing["message"]
        await ann.nothing_but()


async def test_two_tenants_with_a_well_of_the_same_name_see_their_own_people(
    gateway: Gateway, tenant: str, valkey: EmbeddedValkey
) -> None:
    theirs = FakeWorker(valkey.url, f"{tenant}-2")
    await theirs.publish(WELL, {"flow": 1.0})
    async with someone(gateway, tenant, "ann") as ann:
        async with someone(gateway, theirs.tenant, "eve") as eve:
            await at(ann, WELL)
            await sees(ann, "ann")
            await at(eve, WELL)
            await sees(eve, "eve")
            await ann.nothing_but()
    await theirs.close()


async def test_whoever_leaves_a_well_for_one_that_is_refused_is_nowhere(
    gateway: Gateway, tenant: str
) -> None:
    async with someone(gateway, tenant, "ann") as ann, someone(gateway, tenant, "joe") as joe:
        await at(ann, WELL)
        await sees(ann, "ann")
        await at(joe, WELL)
        await sees(ann, "ann", "joe")
        await at(joe, "there-is-no-such-well")
        await sees(ann, "ann")


@pytest.mark.parametrize("text", ['{"type":"presence"}', '{"type":"presence","wellId":""}'])
async def test_a_presence_without_a_well_is_no_message(gateway: Gateway, text: str) -> None:
    async with screen(gateway) as client:
        await client.socket.send(text)
        assert (await client.until("error"))["code"] == "BAD_MESSAGE"


# Through two gateways


async def test_people_see_one_another_through_two_gateways(
    gateway: Gateway, tenant: str, valkey: EmbeddedValkey
) -> None:
    listening = redis.asyncio.from_url(valkey.url).pubsub()
    await listening.subscribe(presence_channel(tenant))
    async with running(valkey.url) as second:
        async with someone(gateway, tenant, "ann") as ann:
            await at(ann, WELL)
            await sees(ann, "ann")
            async with asyncio.timeout(60):
                async for word in listening.listen():
                    if "roster-beat" in str(word["data"]):
                        break  # all that it had to say was said, and nobody heard it
            async with someone(second, tenant, "joe") as joe:
                await at(joe, WELL)
                await sees(joe, "ann", "joe")  # who was there before it is asked for
                await sees(ann, "ann", "joe")
                await at(joe, OTHER)
                await sees(ann, "ann")
                await at(joe, WELL)
                await sees(ann, "ann", "joe")
            await sees(ann, "ann")
    await listening.aclose()


async def test_people_of_a_gateway_that_was_killed_are_gone_soon(
    valkey: EmbeddedValkey, tenant: str
) -> None:
    clock = ShiftedClock()
    port = free_ports(1)[0]
    address = {"PUMPJACK_WS_ADDRESS": f"127.0.0.1:{port}"}
    async with running(valkey.url, clock=clock) as gateway, program(valkey, **address) as process:
        await said(process, "connected to Redis")
        headers = {"Authorization": f"Bearer {token(tenant, subject='joe')}"}
        async with someone(gateway, tenant, "ann") as ann:
            await at(ann, WELL)
            async with connect(
                f"ws://127.0.0.1:{port}/", additional_headers=headers, close_timeout=0.1
            ) as joe:
                await joe.send(json.dumps({"type": "presence", "wellId": WELL}))
                await sees(ann, "ann", "joe")
                process.kill()
                await process.wait()
            await ann.nothing_but("presence")
            clock.forward(GONE_S)
            await sees(ann, "ann")


async def test_without_redis_those_of_one_gateway_still_see_one_another(
    feed_server: FeedServer,
) -> None:
    worker = FakeWorker(feed_server.url)
    await worker.publish(WELL, {"flow": 1.0})
    async with running(feed_server.url) as gateway, running(feed_server.url) as second:
        async with (
            someone(gateway, worker.tenant, "ann") as ann,
            someone(gateway, worker.tenant, "joe") as joe,
            someone(second, worker.tenant, "eve") as eve,
        ):
            for client in (ann, joe, eve):
                await at(client, WELL)
                await sees(client, *["ann", "joe", "eve"][: [ann, joe, eve].index(client) + 1])
            await sees(ann, "ann", "joe", "eve")
            feed_server.stop()
            await at(joe, None)
            await sees(ann, "ann", "eve")
            feed_server.start()
            await sees(eve, "ann", "eve")  # what was missed meanwhile is asked for
    await worker.close()
