"""All wells of a tenant on one screen, or on a hundred: what it costs the gateway.

    python -m tests.bench.overview
    python -m tests.bench.overview --clients 100 --rate 25000

Database, Valkey, gateway and clients are processes of their own, beside one another. Every well has
all of its tags in the latest hash when the first client comes. The longest answer is that of
/healthz, asked for all the time: nothing may hold the gateway's loop up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import asyncpg
import httpx
import redis.asyncio
import uvloop
from websockets.asyncio.client import connect

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core import wire
from pumpjack_core.clock import iso_us
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, WellFacts
from pumpjack_gateway.tokens import mint
from tests.bench.processes import cpu_s, rss_mb

SECRET = "the secret of a benchmark, of 32 bytes"
TENANT = "bench"
WELLS_A_CONNECTION = 50
KEYS = ("tag_00", "tag_01")
WARM_S = 3.0


@dataclass(frozen=True)
class Load:
    """rate: readings a second, in all. batch: readings a message. keys: shown of each well."""

    wells: int
    tags: int
    rate: float
    batch: int
    seconds: float

    @property
    def names(self) -> list[str]:
        return [f"well-{number:04}" for number in range(self.wells)]

    @property
    def tag_names(self) -> list[str]:
        return [f"tag_{number:02}" for number in range(self.tags)]


def connection_of(number: int) -> str:
    """The connection of a well, by its number."""
    return f"ops/c{number // WELLS_A_CONNECTION}"


async def declare(postgres: EmbeddedPostgres, load: Load) -> str:
    """A database that knows the wells; the gateway's URL."""
    await migrate(postgres.url())
    admin = await asyncpg.connect(postgres.url())
    await ensure_tenant(admin, TENANT)
    await admin.close()
    ingest = await Ingest.connect(postgres.url("postgres", writer_role(TENANT)))
    for first in range(0, load.wells, WELLS_A_CONNECTION):
        connection = connection_of(first)
        wells = load.names[first : first + WELLS_A_CONNECTION]
        tags = [Tag(well, tag, "a", "float32", 1.0) for well in wells for tag in load.tag_names]
        facts = [WellFacts(well, f"The well {well}", "esp", key_tags=KEYS) for well in wells]
        fence = await ingest.take_fence(connection, "modbus-tcp")
        await ingest.open_journal(uuid.uuid4(), connection)
        await ingest.register_series(connection, tags)
        await ingest.declare_tags(connection, fence, tags, facts, writes=False)
    await ingest.close()
    return postgres.url("postgres", "pumpjack_gateway")


class Publisher:
    """What the workers of all wells would publish, in an even stream."""

    def __init__(self, url: str, load: Load) -> None:
        self._redis = redis.asyncio.from_url(url)
        self._load = load
        self._seq = 0
        self._last = dict.fromkeys(load.names, 0)
        self._next_tag = {  # so that each second some wells have news of their keys
            well: number * load.batch % load.tags for number, well in enumerate(load.names)
        }

    async def fill(self) -> None:
        """One reading of every tag."""
        for number, well in enumerate(self._load.names):
            await self._publish(number, well, self._load.tags)

    async def run(self, seconds: float) -> None:
        """Publish at the rate, with a heartbeat of each connection every two seconds."""
        pause_s = self._load.batch / self._load.rate
        began = time.monotonic()
        beat_s = began
        count = 0
        while (due := began + count * pause_s) < began + seconds:
            wait_s = due - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if time.monotonic() >= beat_s:
                beat_s += wire.HEARTBEAT_S
                await self._beat()
            number = count % self._load.wells
            await self._publish(number, self._load.names[number], self._load.batch)
            count += 1

    async def close(self) -> None:
        """Say good-bye."""
        await self._redis.aclose()

    async def _publish(self, number: int, well: str, size: int) -> None:
        self._seq += 1
        prev, self._last[well] = self._last[well], self._seq
        first = self._next_tag[well]
        self._next_tag[well] = (first + size) % self._load.tags
        at = iso_us(time.time_ns() // 1000)
        names = [f"tag_{(first + step) % self._load.tags:02}" for step in range(size)]
        readings = tuple(
            wire.Reading(name, self._seq + step / 3, "GOOD", None, at)
            for step, name in enumerate(names)
        )
        connection = connection_of(number)
        message = wire.Readings(
            "e", self._seq, prev, TENANT, well, connection, "modbus-tcp", at, readings
        )
        fields: dict[str | bytes, bytes] = {one.tag_name: wire.encode(one) for one in readings}
        fields[f"@{connection}"] = b'{"epoch":"e","seq":%d}' % self._seq
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.publish(wire.readings_channel(TENANT), wire.encode(message))
            pipe.hset(wire.latest_key(TENANT, well), mapping=fields)
            await pipe.execute()

    async def _beat(self) -> None:
        for first in range(0, self._load.wells, WELLS_A_CONNECTION):
            wells = self._load.names[first : first + WELLS_A_CONNECTION]
            beat = wire.Heartbeat(
                epoch="e",
                tenant_id=TENANT,
                connection_id=connection_of(first),
                source_protocol="modbus-tcp",
                at=iso_us(time.time_ns() // 1000),
                wells={well: self._last[well] for well in wells},
                stored_seq=self._seq,
                state="connected",
                reason=None,
                message=None,
                journal_batches=0,
                journal_bytes=0,
                journal_oldest_s=0.0,
                rejected_tags=0,
                config_hash="",
            )
            await self._redis.publish(wire.readings_channel(TENANT), wire.encode(beat))


def _token() -> str:
    return mint(
        SECRET,
        tenant_id=TENANT,
        role="viewer",
        subject="bench",
        issuer="pumpjack-demo",
        audience="pumpjack",
        lifetime_s=3600,
    )


async def _clients(port: int, number: int, orders: Connection) -> None:
    """Look at all wells; say how long the first took, then how much came until told to stop."""
    sizes: list[int] = []
    first_ms: list[float] = []
    ready = asyncio.Semaphore(0)

    async def look() -> None:
        headers = {"Authorization": f"Bearer {_token()}"}
        async with connect(
            f"ws://127.0.0.1:{port}/", additional_headers=headers, compression=None, max_size=None
        ) as client:
            await client.recv(decode=False)
            began = time.monotonic()
            await client.send('{"type":"subscribe-overview"}')
            await client.recv(decode=False)
            first_ms.append(1000 * (time.monotonic() - began))
            ready.release()
            async for frame in client:
                sizes.append(len(frame))

    tasks = [asyncio.create_task(look())]
    await ready.acquire()  # the first one alone: it has everything read
    tasks += [asyncio.create_task(look()) for _ in range(number - 1)]
    for _ in range(number - 1):
        await ready.acquire()
    orders.send(first_ms[0])
    await asyncio.to_thread(orders.recv)
    sizes.clear()
    await asyncio.to_thread(orders.recv)
    orders.send(list(sizes))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _clients_process(port: int, number: int, orders: Connection) -> None:
    uvloop.run(_clients(port, number, orders))


async def _longest_answer_ms(port: int, stop: asyncio.Event) -> float:
    """Of /healthz, while not stopped."""
    longest = 0.0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        await client.get("/healthz")
        while not stop.is_set():
            began = time.monotonic()
            await client.get("/healthz")
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.005)
    return 1000 * longest


def _start(redis_url: str, database_url: str) -> tuple[subprocess.Popen[bytes], int, int]:
    """A gateway, and its ports: REST, WebSocket."""
    rest, live = free_ports(2)
    environment = os.environ | {
        "PUMPJACK_DATABASE_URL": database_url,
        "PUMPJACK_REDIS_URL": redis_url,
        "PUMPJACK_REST_ADDRESS": f"127.0.0.1:{rest}",
        "PUMPJACK_WS_ADDRESS": f"127.0.0.1:{live}",
        "PUMPJACK_JWT_SECRET": SECRET,
        "PUMPJACK_WS_RATE_USER_BURST": "100000",
        "PUMPJACK_WS_RATE_USER_PER_S": "100000",
        "PUMPJACK_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen([sys.executable, "-m", "pumpjack_gateway"], env=environment)
    return process, rest, live


async def _until_ready(rest: int) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{rest}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def measure(load: Load, clients: int, stores: tuple[str, str]) -> dict[str, float]:
    """Figures with so many clients."""
    publisher = Publisher(stores[0], load)
    await publisher.fill()
    gateway, rest, live = _start(*stores)
    await _until_ready(rest)
    here, there = multiprocessing.Pipe()
    looking = multiprocessing.get_context("spawn").Process(
        target=_clients_process, args=(live, clients, there), daemon=True
    )
    stop = asyncio.Event()
    probe = asyncio.create_task(_longest_answer_ms(rest, stop))
    figures: dict[str, float] = {"clients": clients}
    sizes: list[int] = []
    try:
        if clients:
            looking.start()
            ready = asyncio.create_task(asyncio.to_thread(here.recv))
            while not ready.done():
                await publisher.run(0.5)
            figures["first_look_ms"] = round(ready.result(), 1)
        await publisher.run(WARM_S)
        stop.set()
        figures["longest_answer_first_ms"] = round(await probe, 1)
        cpu, wall_s = await _count(publisher, load, gateway.pid, here if clients else None)
        figures["readings_per_s"] = round(load.rate * load.seconds / wall_s)  # as it was
        figures["gateway_cpu_percent"] = round(100 * cpu / wall_s, 1)
        if clients:
            here.send("stop")
            sizes = await asyncio.to_thread(here.recv)
        stop.clear()
        probe = asyncio.create_task(_longest_answer_ms(rest, stop))
        await publisher.run(WARM_S)
        stop.set()
        figures["longest_answer_ms"] = round(await probe, 1)
        figures["gateway_rss_mb"] = round(rss_mb(gateway.pid), 1)
    finally:
        if looking.is_alive():
            looking.terminate()
        gateway.terminate()
        gateway.wait(20)
        await publisher.close()
    if sizes:
        figures["frames_per_client_per_s"] = round(len(sizes) / clients / wall_s, 2)
        figures["frame_kb"] = round(sum(sizes) / len(sizes) / 1000, 1)
    return figures


async def _count(
    publisher: Publisher, load: Load, pid: int, clients: Connection | None
) -> tuple[float, float]:
    """CPU seconds of the gateway and how long it was."""
    if clients is not None:
        clients.send("warm")
    cpu, began = cpu_s(pid), time.monotonic()
    await publisher.run(load.seconds)
    return cpu_s(pid) - cpu, time.monotonic() - began


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[0, 1, 100])
    parser.add_argument("--wells", type=int, default=500)
    parser.add_argument("--tags", type=int, default=50, help="of each well")
    parser.add_argument("--rate", type=float, default=1667, help="readings a second")
    parser.add_argument("--batch", type=int, default=10, help="readings a message")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    load = Load(given.wells, given.tags, given.rate, given.batch, given.seconds)
    with tempfile.TemporaryDirectory(prefix="pj-overview-") as folder:
        place = Path(folder)
        with EmbeddedValkey(place / "redis") as valkey, EmbeddedPostgres(place / "pg") as postgres:
            database_url = asyncio.run(declare(postgres, load))
            for clients in given.clients:
                figures = uvloop.run(measure(load, clients, (valkey.url, database_url)))
                if given.output == "json":
                    print(json.dumps(figures))
                else:
                    print("\n".join(f"{name:<26}{value:>12}" for name, value in figures.items()))
                    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
