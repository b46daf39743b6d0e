"""A client of the gateway's WebSocket, as a test drives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pumpjack_gateway.main import Gateway
from pumpjack_gateway.tokens import mint

SECRET = "the secret of the tests, 32 bytes and more"
WAIT_S = 60.0


def token(
    tenant: str = "permian", *, role: str = "viewer", subject: str = "ann", lifetime_s: float = 600
) -> str:
    return mint(
        SECRET,
        tenant_id=tenant,
        role=role,
        subject=subject,
        issuer="pumpjack-demo",
        audience="pumpjack",
        lifetime_s=lifetime_s,
    )


class Screen:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def say(self, **message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        async with asyncio.timeout(WAIT_S):
            text = await self.socket.recv()
        message: dict[str, Any] = json.loads(text)
        self.seen.append(message)
        return message

    async def until(self, kind: str, **fields: object) -> dict[str, Any]:
        """The next message of a kind that has these values; others are passed over."""
        try:
            while True:
                message = await self.next()
                wanted = {name.rstrip("_"): value for name, value in fields.items()}
                if message["type"] == kind and all(
                    message.get(name) == value for name, value in wanted.items()
                ):
                    return message
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields} came, but {self.seen}") from None

    async def subscribe(self, *wells: str) -> dict[str, Any]:
        """Subscribe; the last snapshot."""
        await self.say(type="subscribe-well", wellIds=list(wells))
        message: dict[str, Any] = {}
        for well in wells:
            message = await self.until("subscribed", wellId=well)
        return message

    async def closed(self) -> tuple[int, str]:
        """Read to the end; the close code and reason."""
        try:
            while True:
                await self.next()
        except ConnectionClosed as error:
            assert error.rcvd is not None, f"cut off after {self.seen}"
            return error.rcvd.code, error.rcvd.reason

    async def nothing_but(self, *kinds: str) -> None:
        """Everything up to now is of these kinds: ask for something and look what came before."""
        await self.say(type="getStats")
        while (message := await self.next())["type"] != "stats":
            assert message["type"] in kinds, message


@asynccontextmanager
async def screen(
    gateway: Gateway, tenant: str = "permian", *, sign_in: str | None = None, **options: Any
) -> AsyncIterator[Screen]:
    """A client that has signed in through the header."""
    headers = {"Authorization": f"Bearer {sign_in or token(tenant)}"}
    options = {"close_timeout": 0.1} | options  # what a test did not read must not hold it up
    async with connect(
        f"ws://127.0.0.1:{gateway.ws_port}/", additional_headers=headers, **options
    ) as socket:
        client = Screen(socket)
        await client.until("connected")
        yield client


@asynccontextmanager
async def stranger(gateway: Gateway, path: str = "/", **options: Any) -> AsyncIterator[Screen]:
    """A client that has not signed in."""
    async with connect(f"ws://127.0.0.1:{gateway.ws_port}{path}", **options) as socket:
        yield Screen(socket)
