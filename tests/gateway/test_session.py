"""Who is let in, for how long, and what is refused; through a real WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.live.messages import Close
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import NO_REDIS, running
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import Screen, screen, stranger, token

pytestmark = pytest.mark.servers
WELL = "pad7-3"


async def refused(gateway: Gateway, path: str = "/", **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and problem document of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://127.0.0.1:{gateway.ws_port}{path}", **options):
            pass
    answer = caught.value.response
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body or b"")


# Signing in


async def test_the_token_may_come_in_the_header(gateway: Gateway) -> None:
    async with screen(gateway, "permian", sign_in=token("permian", role="operator")) as client:
        connected = client.seen[0]
        assert (connected["tenantId"], connected["subject"], connected["role"]) == (
            "permian",
            "ann",
            "operator",
        )


async def test_the_token_may_come_as_the_first_message(gateway: Gateway) -> None:
    async with stranger(gateway, "/ws") as client:
        await client.say(type="auth", token=token())
        assert (await client.next())["type"] == "connected"


@pytest.mark.parametrize("header", ["Bearer x.y.z", "Bearer ", "Basic dTpw", "Bearer"])
async def test_a_bad_token_in_the_header_is_refused_with_the_handshake(
    gateway: Gateway, header: str
) -> None:
    status, problem = await refused(gateway, additional_headers={"Authorization": header})
    assert (status, problem["code"]) == (401, "AUTH_FAILED")


async def test_an_expired_token_is_said_to_be_expired(gateway: Gateway) -> None:
    bearer = {"Authorization": f"Bearer {token(lifetime_s=-60)}"}
    status, problem = await refused(gateway, additional_headers=bearer)
    assert (status, problem["code"]) == (401, "TOKEN_EXPIRED")


FIRST_MESSAGES = {
    "a bad token": ({"type": "auth", "token": "x.y.z"}, "AUTH_FAILED"),
    "an expired token": ({"type": "auth", "token": token(lifetime_s=-60)}, "TOKEN_EXPIRED"),
    "anything else first": ({"type": "getStats"}, "AUTH_REQUIRED"),
    "an unknown message": ({"type": "hello"}, "AUTH_REQUIRED"),
    "no token in it": ({"type": "auth"}, "AUTH_REQUIRED"),
}


@pytest.mark.parametrize(("message", "code"), FIRST_MESSAGES.values(), ids=FIRST_MESSAGES)
async def test_a_first_message_that_is_no_sign_in_ends_it(
    gateway: Gateway, message: dict[str, Any], code: str
) -> None:
    async with stranger(gateway) as client:
        await client.say(**message)
        error = await client.until("error")
        assert error["code"] == code
        assert await client.closed() == (Close.AUTH_FAILED, error["message"][:120])


async def test_who_does_not_sign_in_soon_is_closed(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url, ws_auth_limit_s=0.05) as gateway, stranger(gateway) as client:
        assert (await client.until("error"))["code"] == "AUTH_REQUIRED"
        assert (await client.closed())[0] == Close.AUTH_TIMEOUT


async def test_a_token_in_the_url_is_refused_unless_switched_on(valkey: EmbeddedValkey) -> None:
    path = f"/?token={token()}"
    async with running(valkey.url) as gateway:
        status, problem = await refused(gateway, path)
        assert (status, problem["code"]) == (401, "AUTH_FAILED")
        assert "first message" in problem["detail"]
    async with running(valkey.url, token_in_url=True) as gateway:
        async with stranger(gateway, path) as client:
            assert (await client.next())["type"] == "connected"


async def test_another_path_is_not_found(gateway: Gateway) -> None:
    assert (await refused(gateway, "/elsewhere"))[0] == 404


async def test_pages_of_other_origins_are_refused(valkey: EmbeddedValkey) -> None:
    origin = "https://screens.example.com"
    async with running(valkey.url, origins=(origin,)) as gateway:
        status, problem = await refused(gateway, origin="https://evil.example")
        assert (status, problem["code"]) == (403, "FORBIDDEN_ORIGIN")
        async with screen(gateway, origin=origin):
            pass


async def test_no_pages_at_all_unless_they_are_listed(gateway: Gateway) -> None:
    assert (await refused(gateway, origin="http://127.0.0.1:4000"))[0] == 403


# The token's end


async def test_the_connection_ends_with_the_token(gateway: Gateway) -> None:
    async with screen(gateway, sign_in=token(lifetime_s=-5)) as client:  # and 10 s of leeway
        assert (await client.until("error"))["code"] == "TOKEN_EXPIRED"
        assert (await client.closed())[0] == Close.TOKEN_EXPIRED


async def test_a_new_token_in_time_prolongs_it(gateway: Gateway) -> None:
    async with screen(gateway, sign_in=token(lifetime_s=-5)) as client:
        await client.say(type="auth", token=token(role="engineer"))
        connected = await client.until("connected")
        assert connected["role"] == "engineer"
        await asyncio.sleep(5.1)  # past the end of the first
        await client.nothing_but()


OTHERS: dict[str, Callable[[], str]] = {
    "another person": lambda: token(subject="joe"),
    "another tenant": lambda: token("bakken"),
    "nobody": lambda: "x.y.z",
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
async def test_the_token_of_another_is_refused_and_the_first_stays(
    gateway: Gateway, other: Callable[[], str]
) -> None:
    async with screen(gateway) as client:
        await client.say(type="auth", token=other())
        assert (await client.until("error"))["code"] == "AUTH_FAILED"
        await client.nothing_but()


# Wells


async def test_a_well_of_another_tenant_is_refused_as_one_that_does_not_exist(
    valkey: EmbeddedValkey, worker: FakeWorker, live_database: str
) -> None:
    await worker.publish("theirs", {"flow": 1.0})
    async with running(valkey.url, live_database) as gateway:
        async with screen(gateway, "someone-else") as client:
            errors = []
            for well in ("theirs", "of-nobody"):
                await client.say(type="subscribe-well", wellId=well)
                error = await client.until("error")
                assert error.pop("wellId") == well
                errors.append(error)
            assert errors[0] == errors[1]
            assert errors[0]["code"] == "FORBIDDEN_WELL"
            await worker.publish("theirs", {"flow": 2.0})
            await client.nothing_but()


async def test_without_the_database_a_well_that_publishes_is_known(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"flow": 1.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await client.say(type="subscribe-well", wellId="silent")
        assert (await client.until("error"))["code"] == "UNAVAILABLE"


async def test_without_the_feed_a_screen_gets_what_is_stored_and_is_told(
    live_database: str,
) -> None:
    async with running(NO_REDIS, live_database) as gateway, screen(gateway) as client:
        snapshot = await client.subscribe(WELL)
        assert snapshot["source"] == "database"
        assert {one["tagName"] for one in snapshot["latest"]} == {"casing_pressure", "flow"}
        status = await client.until("status")
        assert (status["stale"], status["reason"]) == (True, "FeedLost")


async def test_more_wells_than_a_client_may_have_are_refused_one_by_one(
    valkey: EmbeddedValkey, worker: FakeWorker
) -> None:
    for well in ("a", "b", "c"):
        await worker.publish(well, {"flow": 1.0})
    async with running(valkey.url, ws_wells_per_client_max=2) as gateway:
        async with screen(gateway, worker.tenant) as client:
            await client.say(type="subscribe-well", wellIds=["a", "b", "c"])
            error = await client.until("error")
            assert (error["code"], error["wellId"]) == ("TOO_MANY_SUBSCRIPTIONS", "c")
            await client.say(type="unsubscribe-well", wellId="a")
            await client.subscribe("c")


# Messages that are none

BAD = {
    "no JSON": "hello",
    "no type": "{}",
    "an unknown type": '{"type":"shout"}',
    "a member that is misspelt": '{"type":"subscribe-well","wellid":"a"}',
    "a well that is a number": '{"type":"subscribe-well","wellId":7}',
    "no well": '{"type":"subscribe-well"}',
    "an empty well": '{"type":"subscribe-well","wellId":""}',
    "a well without end": json.dumps({"type": "subscribe-well", "wellId": "a" * 300}),
    "bytes": b"\x00\x01",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
async def test_a_message_that_is_none_is_refused_and_the_next_one_served(
    gateway: Gateway, text: str | bytes
) -> None:
    async with screen(gateway) as client:
        await client.socket.send(text)
        error = await client.until("error")
        assert error["code"] == "BAD_MESSAGE"
        assert "docs/wire.md" in error["message"]
        await client.nothing_but()


async def test_a_message_that_is_too_long_ends_it(gateway: Gateway) -> None:
    async with screen(gateway) as client:
        await client.socket.send("x" * 70_000)
        assert (await client.closed())[0] == 1009


# How often, how many


async def test_too_many_messages_are_refused_and_then_asked_to_come_back(
    valkey: EmbeddedValkey,
) -> None:
    limits = {"ws_rate_user_burst": 3.0, "ws_rate_user_per_s": 0.001}
    async with running(valkey.url, **limits) as gateway, screen(gateway) as client:
        for _ in range(30):
            await client.say(type="getStats")
        error = await client.until("error")
        assert error["code"] == "RATE_LIMITED"
        assert error["retryAfterS"] > 0
        assert (await client.closed())[0] == Close.TRY_AGAIN_LATER
        assert sum(one["type"] == "stats" for one in client.seen) == 2


async def test_one_persons_rate_is_not_anothers(valkey: EmbeddedValkey) -> None:
    limits = {"ws_rate_user_burst": 2.0, "ws_rate_user_per_s": 0.001}
    async with running(valkey.url, **limits) as gateway, screen(gateway) as one:
        await one.say(type="getStats")
        await one.until("stats")
        async with screen(gateway, sign_in=token(subject="joe")) as other:
            await other.nothing_but()


async def test_a_tenant_has_so_many_connections_and_no_more(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url, ws_clients_per_tenant_max=1) as gateway:
        async with screen(gateway):
            async with stranger(gateway) as client:
                await client.say(type="auth", token=token(subject="joe"))
                assert (await client.until("error"))["code"] == "TOO_MANY_CLIENTS"
                assert (await client.closed())[0] == Close.TRY_AGAIN_LATER
            async with screen(gateway, "bakken"):
                pass
        async with screen(gateway):
            pass


async def test_a_gateway_that_is_full_says_so(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url, ws_clients_max=1) as gateway, screen(gateway):
        status, problem = await refused(gateway)
        assert (status, problem["code"]) == (503, "TOO_MANY_CLIENTS")


# The rest


async def test_stats_say_how_a_client_is_served(gateway: Gateway, worker: FakeWorker) -> None:
    await worker.publish(WELL, {"flow": 1.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await client.say(type="getStats")
        stats = await client.until("stats")
        assert (stats["wells"], stats["feedConnected"], stats["tenantClients"]) == ([WELL], True, 1)
        assert stats["clientId"] == client.seen[0]["clientId"]


async def test_the_clients_are_told_when_the_gateway_stops(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url) as gateway:
        context = screen(gateway)
        client: Screen = await context.__aenter__()
        closing = asyncio.create_task(client.closed())
        await asyncio.sleep(0)
    assert await closing == (1001, "the gateway stops; connect again")
    with pytest.raises(ConnectionClosed):
        await client.say(type="getStats")
    await context.__aexit__(None, None, None)


async def test_who_is_connected_is_counted_by_tenant(gateway: Gateway) -> None:
    async with screen(gateway, "permian"), screen(gateway, "permian"), screen(gateway, "bakken"):
        text = gateway.metrics.text().decode()
        assert 'scada_websocket_clients{tenant_id="permian"} 2.0' in text
        assert 'scada_websocket_clients{tenant_id="bakken"} 1.0' in text


async def test_latency_and_closing_are_measured(gateway: Gateway, worker: FakeWorker) -> None:
    await worker.publish(WELL, {"flow": 1.0})
    async with screen(gateway, worker.tenant) as client:
        await client.subscribe(WELL)
        await worker.publish(WELL, {"flow": 2.0})
        await client.until("readings")
    while 'scada_websocket_closed_total{code="1000"} 1.0' not in gateway.metrics.text().decode():
        await asyncio.sleep(0.01)
    text = gateway.metrics.text().decode()
    assert f'scada_end_to_end_latency_seconds_count{{tenant_id="{worker.tenant}"}} 1.0' in text


async def test_a_client_that_vanishes_is_noticed(valkey: EmbeddedValkey) -> None:
    """It answers no ping: its socket is open, and nobody is there."""
    async with running(valkey.url, ws_ping_s=0.05, ws_ping_limit_s=0.05) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.ws_port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Authorization: Bearer " + token().encode() + b"\r\n\r\n"
        )
        async with asyncio.timeout(60):
            everything = await reader.read()
        assert everything.endswith(b"ping timeout")
        writer.close()
