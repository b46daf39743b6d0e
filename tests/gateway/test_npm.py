"""The npm package ws, which others wrote, as a client of the gateway."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core import wire
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import running
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import token
from tests.peers.node import installed, node

pytestmark = [pytest.mark.servers, pytest.mark.peers]
PEER = Path(__file__).parent / "npm"
WELL = "pad7-3"


class NodeClient:
    def __init__(self, process: Process) -> None:
        self._process = process

    async def say(self, **message: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def hang_up(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            while line := await self._process.stdout.readline():
                event: dict[str, Any] = json.loads(line)
                if event["event"] == kind:
                    return event
        raise AssertionError(f"no {kind} before the end")

    async def message(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        while True:
            event = await self.event("message")
            assert event["isBinary"] is False
            message: dict[str, Any] = json.loads(event["text"])
            if message["type"] == kind:
                return message


@asynccontextmanager
async def client(gateway: Gateway, bearer: str = "") -> AsyncIterator[NodeClient]:
    process = await asyncio.create_subprocess_exec(
        node(),
        "client.js",
        f"ws://127.0.0.1:{gateway.ws_port}/ws",
        bearer,
        stdin=PIPE,
        stdout=PIPE,
        cwd=installed(PEER),
        limit=1 << 22,
    )
    try:
        yield NodeClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_signs_in_subscribes_and_gets_what_is_published(
    gateway: Gateway, worker: FakeWorker
) -> None:
    await worker.publish(WELL, {"temperature °C": 21.5})
    async with client(gateway) as peer:
        assert (await peer.event("open"))["extensions"] == ""
        await peer.say(type="auth", token=token(worker.tenant))
        await peer.message("connected")
        await peer.say(type="subscribe-well", wellId=WELL)
        assert (await peer.message("subscribed"))["latest"][0]["tagName"] == "temperature °C"
        sent = await worker.publish(WELL, {"temperature °C": 22.0})
        assert await peer.message("readings") == json.loads(wire.encode(sent))
        await peer.hang_up()
        assert (await peer.event("close"))["code"] == 1000


async def test_frames_of_every_length_arrive_whole(gateway: Gateway, worker: FakeWorker) -> None:
    await worker.publish(WELL, {"flow": 0.0})
    async with client(gateway, token(worker.tenant)) as peer:
        await peer.message("connected")
        await peer.say(type="subscribe-well", wellId=WELL)
        await peer.message("subscribed")
        for count in (1, 5, 700, 2000):
            sent = await worker.publish(WELL, {f"tag_{number}": 1.0 for number in range(count)})
            assert await peer.message("readings") == json.loads(wire.encode(sent))


async def test_it_answers_pings_and_is_kept(valkey: EmbeddedValkey) -> None:
    async with running(valkey.url, ws_ping_s=0.05, ws_ping_limit_s=5.0) as gateway:
        async with client(gateway, token()) as peer:
            for _ in range(3):
                await peer.event("ping")
            await peer.say(type="getStats")
            await peer.message("stats")


async def test_it_sees_why_it_was_refused(gateway: Gateway) -> None:
    async with client(gateway, "x.y.z") as peer:
        assert (await peer.event("refused"))["status"] == 401
    async with client(gateway) as peer:
        await peer.say(type="auth", token="x.y.z")
        assert (await peer.message("error"))["code"] == "AUTH_FAILED"
        assert (await peer.event("close"))["code"] == 4001
