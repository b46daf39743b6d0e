"""A screen that does not read, on a real socket, and its neighbour that does."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.conftest import running
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import Screen, screen, token

pytestmark = pytest.mark.servers
WELL = "pad7-3"
TAGS = [f"tag_{number:03}" for number in range(300)]
SMALL = {"ws_write_high_bytes": 65_536, "ws_write_low_bytes": 16_384}


class Sleeper:
    """A client with a small receive buffer that reads only when told to."""

    def __init__(self, gateway: Gateway, tenant: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", gateway.ws_port))
        self._socket.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Authorization: Bearer " + token(tenant).encode() + b"\r\n\r\n"
        )

    def subscribe(self, well: str) -> None:
        self.send(f'{{"type":"subscribe-well","wellId":"{well}"}}'.encode())

    def send(self, text: bytes) -> None:
        """A message of at most 125 bytes."""
        self._socket.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)

    def read_until(self, words: bytes) -> bytes:
        """Everything up to these words."""
        found = b""
        while words not in found and (piece := self._socket.recv(1 << 16)):
            found += piece
        return found

    def close(self) -> None:
        self._socket.close()


async def flood(worker: FakeWorker, client: Screen, until: str, gateway: Gateway) -> int:
    """Publish, each message seen by the neighbour at once, until the metrics have a line."""
    for number in range(2000):
        await worker.publish(WELL, {tag: float(number) for tag in TAGS})
        await client.until("readings", seq=worker.seq)
        if until in gateway.metrics.text().decode():
            return number
    raise AssertionError(f"{until} did not come")


async def asleep(gateway: Gateway, worker: FakeWorker) -> Sleeper:
    sleeper = await asyncio.to_thread(Sleeper, gateway, worker.tenant)
    await asyncio.to_thread(sleeper.read_until, b'"connected"')
    await asyncio.to_thread(sleeper.subscribe, WELL)
    await asyncio.to_thread(sleeper.read_until, b'"subscribed"')
    return sleeper


async def test_a_slow_screen_is_conflated_and_its_neighbour_gets_everything(
    valkey: EmbeddedValkey, worker: FakeWorker
) -> None:
    await worker.publish(WELL, dict.fromkeys(TAGS, 0.0))
    async with running(valkey.url, **SMALL) as gateway:
        async with screen(gateway, worker.tenant) as neighbour:
            await neighbour.subscribe(WELL)
            sleeper = await asleep(gateway, worker)
            await flood(worker, neighbour, "conflated_messages_total 5.0", gateway)
            told = await asyncio.to_thread(sleeper.read_until, b'"conflated"')
            assert b'"conflated"' in told
            assert not [one for one in neighbour.seen if one["type"] in ("conflated", "gap")]
            sleeper.close()


async def test_a_screen_that_stays_asleep_is_closed_and_its_neighbour_is_not(
    valkey: EmbeddedValkey, worker: FakeWorker
) -> None:
    await worker.publish(WELL, dict.fromkeys(TAGS, 0.0))
    async with running(valkey.url, ws_slow_limit_s=0.3, **SMALL) as gateway:
        async with screen(gateway, worker.tenant) as neighbour:
            await neighbour.subscribe(WELL)
            sleeper = await asleep(gateway, worker)
            await flood(worker, neighbour, 'scada_websocket_closed_total{code="4008"} 1.0', gateway)
            sleeper.close()
            await neighbour.nothing_but("status")
