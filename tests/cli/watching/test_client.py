"""The client against a small stand-in gateway: refusals, losses, new wells."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from pumpjack_cli.watching.client import Lost, Rest, follow
from pumpjack_core.errors import AuthError, PumpjackError
from pumpjack_gateway.live.messages import Connected, Subscribed
from tests.cli.watching.test_model import connected

Handler = Callable[[ServerConnection], Awaitable[None]]
GREETING = {
    "type": "connected",
    **dict.fromkeys(("clientId", "tenantId", "subject", "role"), "x"),
    "expiresAt": "2026-01-01T00:00:00Z",
    "serverTime": "2026-01-01T00:00:00Z",
}


async def expect(socket: ServerConnection) -> Any:
    return json.loads(await socket.recv())


async def say(socket: ServerConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps(message))


def snapshot_of(well: str) -> dict[str, Any]:
    return {
        **{"type": "subscribed", "wellId": well, "source": "feed", "resumed": False},
        **{"positions": {}, "latest": []},
    }


class Stand:
    """Serves one handler a connection, in turn."""

    def __init__(self, *handlers: Handler) -> None:
        self._handlers = list(handlers)

    async def __aenter__(self) -> str:
        async def handle(socket: ServerConnection) -> None:
            await self._handlers.pop(0)(socket)

        self._server = await serve(handle, "127.0.0.1", 0)
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()


async def served(socket: ServerConnection) -> None:
    assert await expect(socket) == {"type": "auth", "token": "t"}
    await say(socket, GREETING)
    asked = await expect(socket)
    for well in asked["wellIds"]:
        await say(socket, snapshot_of(well))


async def test_it_signs_in_and_subscribes() -> None:
    async with Stand(served) as url:
        messages = follow(url, lambda: "t", lambda: ["a1", "a2"])
        events = [(await anext(messages))[0] for _ in range(3)]
        await messages.aclose()
    assert isinstance(events[0], Connected)
    assert [event.well_id for event in events[1:] if isinstance(event, Subscribed)] == ["a1", "a2"]


async def test_after_a_loss_it_says_so_and_comes_back() -> None:
    async def cut(socket: ServerConnection) -> None:
        await served(socket)
        socket.transport.abort()

    async with Stand(cut, served) as url:
        messages = follow(url, lambda: "t", lambda: ["a1"])
        events = [(await anext(messages))[0] for _ in range(5)]
        await messages.aclose()
    assert [type(event) for event in events] == [Connected, Subscribed, Lost, Connected, Subscribed]
    assert isinstance(events[2], Lost)
    assert "lost" in events[2].reason


async def test_a_well_that_appears_later_is_subscribed_without_a_new_connection() -> None:
    async def grows(socket: ServerConnection) -> None:
        await served(socket)
        asked = await expect(socket)
        await say(socket, snapshot_of(asked["wellIds"][0]))

    wells = ["a1"]
    async with Stand(grows) as url:
        messages = follow(url, lambda: "t", lambda: wells)
        await anext(messages)
        await anext(messages)
        wells.append("b1")
        event, _ = await anext(messages)
        await messages.aclose()
    assert isinstance(event, Subscribed)
    assert event.well_id == "b1"


async def test_a_refused_token_ends_it_with_the_gateways_sentence() -> None:
    async def refuses(socket: ServerConnection) -> None:
        await expect(socket)
        refusal = {"type": "error", "code": "AUTH_FAILED", "message": "the token is not ours"}
        await say(socket, refusal)
        await socket.close(4001, "AUTH_FAILED")

    async with Stand(refuses) as url:
        with pytest.raises(AuthError, match="the token is not ours"):
            await anext(follow(url, lambda: "t", lambda: []))


async def test_a_message_of_a_newer_gateway_is_passed_over() -> None:
    async def newer(socket: ServerConnection) -> None:
        await expect(socket)
        await say(socket, {"type": "weather", "rain": True})
        await say(socket, GREETING)
        await socket.wait_closed()

    async with Stand(newer) as url:
        messages = follow(url, lambda: "t", lambda: [])
        event, text = await anext(messages)
        await messages.aclose()
    assert isinstance(event, Connected)
    assert json.loads(text) == GREETING


async def test_nobody_there_is_told_with_the_address() -> None:
    event, _ = await anext(follow("ws://127.0.0.1:9", lambda: "t", lambda: []))
    assert isinstance(event, Lost)
    assert event.reason.startswith("no gateway answers at ws://127.0.0.1:9")


async def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(PumpjackError, match="'http:4001' is no WebSocket address"):
        await anext(follow("http:4001", lambda: "t", lambda: []))


async def test_rest_that_is_not_there_says_how_to_start_it() -> None:
    with pytest.raises(PumpjackError, match=r"no gateway answers at http://127.0.0.1:9 .*up"):
        await Rest("http://127.0.0.1:9", lambda: "t").wells()


def test_the_stand_in_greets_as_the_gateway_does() -> None:
    import msgspec

    assert set(msgspec.to_builtins(connected())) == set(GREETING)
