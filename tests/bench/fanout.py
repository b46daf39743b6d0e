"""From PUBLISH to thousands of WebSocket clients through one gateway.

    python -m tests.bench.fanout --clients 1000 --rate 1667
    python -m tests.bench.fanout --clients 10000 --wells 500 --rate 1667

The gateway runs as it does for real, in a process of its own; so do Valkey, the publisher, and
the clients (raw sockets that only split frames). Each message says when it was published; the
latency is from there to the client that reads it. Needs an open-file limit above the clients.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import redis.asyncio
import uvloop

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core import wire
from pumpjack_core.clock import iso_us
from pumpjack_gateway.tokens import mint
from tests.bench.processes import cpu_s, rss_mb

SECRET = "the secret of a benchmark, of 32 bytes"
TENANT = "bench"
CONNECT_AT_ONCE = 100
_SENT = b'{"sentNs":'
_DIGITS = 19


@dataclass(frozen=True)
class Load:
    """What goes through the gateway.

    rate    readings a second, in all
    batch   readings a message
    """

    clients: int
    wells: int
    rate: float
    batch: int
    seconds: float


class LeanClient(asyncio.Protocol):
    """Splits frames and notes how old each message is; nothing else, to be no part of the cost."""

    def __init__(self, well: str, token: str, latencies: array[int]) -> None:
        self._well = well
        self._token = token
        self._latencies = latencies
        self._rest = b""
        self.ready = asyncio.get_running_loop().create_future()
        self.frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = (
            "GET / HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {self._token}\r\n\r\n"
        )
        text = f'{{"type":"subscribe-well","wellId":"{self._well}"}}'.encode()
        frame = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
        self._transport.write(request.encode() + frame)
        self._in_handshake = True

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        if self._in_handshake:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            self._in_handshake = False
            data = data[end + 4 :]
        at, size = 0, len(data)
        while size - at >= 2:
            head, length, start = data[at], data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if start + length > size:
                break
            at = start + length
            self._frame(head, data, start, length)
        self._rest = data[at:]

    def _frame(self, head: int, data: bytes, start: int, length: int) -> None:
        if head == 0x89:  # a ping
            self._transport.write(
                bytes([0x8A, 0x80 | length, 0, 0, 0, 0]) + data[start : start + length]
            )
        elif data.startswith(_SENT, start):
            sent = int(data[start + len(_SENT) : start + len(_SENT) + _DIGITS])
            self._latencies.append(time.time_ns() - sent)
            self.frames += 1
        elif not self.ready.done() and data.startswith(b'{"type":"subscribed"', start):
            self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"the gateway hung up: {exc}"))


async def _clients(
    port: int, wells: list[str], orders: multiprocessing.connection.Connection
) -> None:
    """Connect, say so, collect until told to stop, hand over what was collected."""
    loop = asyncio.get_running_loop()
    latencies: array[int] = array("q")
    token = mint(
        SECRET,
        tenant_id=TENANT,
        role="viewer",
        subject="bench",
        issuer="pumpjack-demo",
        audience="pumpjack",
        lifetime_s=3600,
    )
    made: list[LeanClient] = []
    for at in range(0, len(wells), CONNECT_AT_ONCE):
        some = [LeanClient(well, token, latencies) for well in wells[at : at + CONNECT_AT_ONCE]]
        await asyncio.gather(
            *(loop.create_connection(lambda one=one: one, "127.0.0.1", port) for one in some)
        )
        await asyncio.gather(*(one.ready for one in some))
        made += some
    orders.send("ready")
    await loop.run_in_executor(None, orders.recv)
    warm = len(latencies)
    await loop.run_in_executor(None, orders.recv)
    orders.send(latencies[warm:].tobytes())


def _clients_process(
    port: int, wells: list[str], orders: multiprocessing.connection.Connection
) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(_clients(port, wells, orders))


class Publisher:
    """What the workers of all wells would publish, in an even stream."""

    def __init__(self, url: str, load: Load) -> None:
        self._redis = redis.asyncio.from_url(url)
        self._load = load
        self._wells = [f"well-{number:04}" for number in range(load.wells)]
        self._seq = dict.fromkeys(self._wells, 0)
        self._body = b""

    async def prepare(self) -> None:
        """The latest hash of each well, so that it exists."""
        self._body = self._readings()
        for well in self._wells:
            await self._redis.hset(wire.latest_key(TENANT, well), mapping=self._position(well, 0))

    async def run(self, seconds: float) -> int:
        """Publish at the rate; how many messages."""
        pause_s = self._load.batch / self._load.rate
        began = time.monotonic()
        count = 0
        while (due := began + count * pause_s) < began + seconds:
            wait_s = due - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            await self._publish(self._wells[count % len(self._wells)])
            count += 1
        return count

    async def close(self) -> None:
        await self._redis.aclose()

    async def _publish(self, well: str) -> None:
        prev = self._seq[well]
        self._seq[well] = prev + 1
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(wire.latest_key(TENANT, well), mapping=self._position(well, prev + 1))
            now_ns = time.time_ns()
            pipe.publish(
                wire.readings_channel(TENANT),
                b'{"sentNs":%d,"type":"readings","epoch":"e","tenantId":"%b","connectionId":"c/%b",'
                b'"sourceProtocol":"modbus-tcp","wellId":"%b","seq":%d,"prev":%d,"receivedAt":"%b",'
                b'"stored":true,"readings":%b}'
                % (
                    now_ns,
                    TENANT.encode(),
                    well.encode(),
                    well.encode(),
                    prev + 1,
                    prev,
                    iso_us(now_ns // 1000).encode(),
                    self._body,
                ),
            )
            await pipe.execute()

    def _position(self, well: str, seq: int) -> dict[str | bytes, bytes]:
        return {f"@c/{well}": b'{"epoch":"e","seq":%d}' % seq}

    def _readings(self) -> bytes:
        at = iso_us(time.time_ns() // 1000)
        return wire.encode(
            [
                wire.Reading(f"tag_{number:02}", 800.0 + number / 3, "GOOD", None, at)
                for number in range(self._load.batch)
            ]
        )


def start_gateway(
    redis_url: str, database_url: str = "postgresql://pumpjack_gateway@127.0.0.1:9/none"
) -> tuple[subprocess.Popen[bytes], int]:
    """A gateway and the port of its WebSocket."""
    port = free_ports(1)[0]
    environment = os.environ | {
        "PUMPJACK_DATABASE_URL": database_url,
        "PUMPJACK_REDIS_URL": redis_url,
        "PUMPJACK_REST_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
        "PUMPJACK_WS_ADDRESS": f"127.0.0.1:{port}",
        "PUMPJACK_JWT_SECRET": SECRET,
        "PUMPJACK_WS_RATE_USER_PER_S": "1000000",
        "PUMPJACK_WS_RATE_USER_BURST": "1000000",
        "PUMPJACK_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen([sys.executable, "-m", "pumpjack_gateway"], env=environment)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    process.kill()
    raise TimeoutError("the gateway did not start")


async def measure(load: Load, redis_url: str) -> dict[str, float]:
    """Run one load; its figures."""
    publisher = Publisher(redis_url, load)
    await publisher.prepare()
    gateway, port = start_gateway(redis_url)
    idle_mb = rss_mb(gateway.pid)
    wells = [f"well-{number % load.wells:04}" for number in range(load.clients)]
    here, there = multiprocessing.Pipe()
    clients = multiprocessing.get_context("spawn").Process(
        target=_clients_process, args=(port, wells, there), daemon=True
    )
    clients.start()
    try:
        began = time.monotonic()
        await asyncio.to_thread(here.recv)
        connected_s = time.monotonic() - began
        await publisher.run(1.0)
        here.send("warm")
        cpu, wall = cpu_s(gateway.pid), time.monotonic()
        messages = await publisher.run(load.seconds)
        cpu, wall = cpu_s(gateway.pid) - cpu, time.monotonic() - wall
        await asyncio.sleep(0.5)
        memory_mb = rss_mb(gateway.pid)
        here.send("stop")
        raw = await asyncio.to_thread(here.recv)
    finally:
        clients.terminate()
        clients.join(5)
        gateway.terminate()
        gateway.wait(20)
        await publisher.close()
    return _figures(load, messages, np.frombuffer(raw, np.int64) / 1e6) | {
        "connect_s": round(connected_s, 1),
        "gateway_cpu_percent": round(100 * cpu / wall, 1),
        "gateway_rss_mb": round(memory_mb, 1),
        "kb_per_client": round(1024 * (memory_mb - idle_mb) / load.clients, 1),
    }


def _figures(load: Load, messages: int, latency_ms: np.ndarray) -> dict[str, float]:
    p50, p95, p99 = (round(float(value), 2) for value in np.percentile(latency_ms, [50, 95, 99]))
    return {
        "clients": load.clients,
        "wells": load.wells,
        "readings_per_s": load.rate,
        "messages": messages,
        "frames": len(latency_ms),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "max_ms": round(float(latency_ms.max()), 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--wells", type=int, default=500)
    parser.add_argument("--rate", type=float, default=1667, help="readings a second")
    parser.add_argument("--batch", type=int, default=50, help="readings a message")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    load = Load(given.clients, given.wells, given.rate, given.batch, given.seconds)
    with tempfile.TemporaryDirectory(prefix="pj-fanout-") as folder:
        with EmbeddedValkey(Path(folder)) as valkey:
            figures = uvloop.run(measure(load, valkey.url))
    if given.output == "json":
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:<22}{value:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
