"""MQTT: messages and readings a second through a real worker to committed rows.

    python -m tests.bench.mqtt_read [--messages 400000] [--runs 5] [--only 10]

The worker subscribes and is stopped; a publisher in a process of its own fills its session at a
mosquitto with QoS 1; the worker starts again and drains it. So it is the worker that is measured,
and not who feeds it. From the moment at which it runs to the last committed row; every message is
counted. In that is the second for which the writer waits for more rows before it commits the last
incomplete batch: a run should take ten times as long.
CPU is that of the worker's process, so without broker, database and Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import Struct, structs

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedPostgres, embedded_stores
from pumpjack_core import config
from pumpjack_core.clock import iso_us
from pumpjack_core.config import worker_config
from pumpjack_core.manifests.types import Mqtt, ScadaConnectionSpec
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.mqtt import packets
from tests.bench.processes import FamilyCpu, cpu_s, rss_mb
from tests.bench.worker_memory import prepare, running
from tests.mosquitto import Mosquitto

TENANT = "bench"
TAGS = 1_000
WINDOW = 500
"""Messages that the publisher has under way."""
POLL_S = 0.02
LIMIT_S = 300.0
BACK_S = 3_600
"""How far in the past the readings are, so that none lies in the future."""
STEP_US = 1_000
NEVER_STALE_S = 0.0
"""Else the tags are marked while the database still takes what the worker has long read."""


class Case(Struct, frozen=True):
    """per_message readings in each message; TAGS // per_message topics; messages of one run."""

    per_message: int
    messages: int

    @property
    def topics(self) -> int:
        """How many topics share the tags."""
        return TAGS // self.per_message


CASES = (Case(1, 400_000), Case(10, 200_000), Case(50, 50_000))


class Figure(Struct, frozen=True):
    """What came out of one run."""

    per_message: int
    messages: int
    readings: int
    seconds: float
    messages_per_s: int
    readings_per_s: int
    worker_us_a_reading: float
    worker_cores: float
    readings_per_core_s: int
    rss_mb: float
    broker_cores: float
    postgres_cores: float


def tags_of(case: Case) -> TagTable:
    """A table of TAGS tags, each a member of its topic's payload."""
    return TagTable(
        tuple(
            Tag(
                f"w{at // 50}",
                f"tag_{at}",
                f"bench/{at // case.per_message};path=$.v{at % case.per_message};time=$.at",
                "float64",
                1.0,
                low=0.0,
                high=5_000.0,
                stale_s=NEVER_STALE_S,
            )
            for at in range(TAGS)
        )
    )


def configure(case: Case, port: int, folder: Path) -> None:
    """Write the worker's configuration."""
    mqtt = Mqtt(host="127.0.0.1", port=port, tls=False)
    found = worker_config(
        tenant_id=TENANT,
        connection_id="bench/broker",
        spec=ScadaConnectionSpec(protocol="mqtt", mqtt=mqtt),
        allowed_networks=("127.0.0.0/8",),
        tags=tags_of(case),
    )
    config.save(found, folder)


def publish(port: int, case: Case, messages: int, first_us: int) -> None:
    """Publish with QoS 1, in a process of its own; returns when the broker has everything."""
    with socket.create_connection(("127.0.0.1", port)) as broker:
        hello = packets.Connect("publisher", packets.V311, clean=True)
        broker.sendall(packets.encode(hello, packets.V311))
        _receive(broker, 4)
        for begin in range(0, messages, WINDOW):
            numbers = range(begin, min(begin + WINDOW, messages))
            broker.sendall(b"".join(_message(case, number, first_us) for number in numbers))
            _receive(broker, 4 * len(numbers))  # a PUBACK of 3.1.1 has four bytes
        broker.sendall(packets.encode(packets.Disconnect(), packets.V311))


def _message(case: Case, number: int, first_us: int) -> bytes:
    step, topic = divmod(number, case.topics)
    document: dict[str, object] = {"at": iso_us(first_us + step * STEP_US)}
    for at in range(case.per_message):
        document[f"v{at}"] = round(100 + (number * 7 + at) % 997 / 10, 2)
    payload = json.dumps(document, separators=(",", ":")).encode()
    packet = packets.Publish(f"bench/{topic}".encode(), payload, 1, number % 65_535 + 1)
    return packets.encode(packet, packets.V311)


def _receive(broker: socket.socket, size: int) -> None:
    while size:
        piece = broker.recv(size)
        if not piece:
            raise EOFError("the broker closed the connection")
        size -= len(piece)


class Bench:
    """One worker's folder, its stores and its broker."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres, redis_url: str) -> None:
        self._folder = folder
        self._postgres = postgres
        self._status = f"127.0.0.1:{free_ports(1)[0]}"
        self._environment = {
            "PUMPJACK_CONFIG_DIR": str(folder / "config"),
            "PUMPJACK_JOURNAL_DIR": str(folder / "journal"),
            "PUMPJACK_DATABASE_URL": postgres.url("postgres", writer_role(TENANT)),
            "PUMPJACK_REDIS_URL": redis_url,
            "PUMPJACK_STATUS_ADDRESS": self._status,
            "PUMPJACK_LOG_LEVEL": "WARNING",
        }
        self._first_us = (time.time_ns() // 1_000) - BACK_S * 1_000_000

    async def run(self, case: Case, port: int, broker_pid: int, messages: int) -> Figure:
        """Fill the session and drain it once."""
        first_us = self._first_us
        self._first_us += (messages // case.topics + 1) * STEP_US
        spawn = multiprocessing.get_context("spawn")
        publisher = spawn.Process(target=publish, args=(port, case, messages, first_us))
        publisher.start()
        await asyncio.to_thread(publisher.join, LIMIT_S)
        if publisher.exitcode != 0:
            raise RuntimeError("the publisher failed")
        before = await self.rows()
        readings = messages * case.per_message
        with self.worker() as pid:
            await self.until("connect")  # connecting, or connected already
            began, cpu_before = time.monotonic(), cpu_s(pid)
            broker_cpu, postgres_cpu = cpu_s(broker_pid), FamilyCpu(self._postgres.pid)
            while (await self.rows_when_idle()) < before + readings:
                if time.monotonic() - began > LIMIT_S:
                    raise TimeoutError(f"only {await self.rows() - before:,} of {readings:,} rows")
                await asyncio.sleep(POLL_S)
            took, used = time.monotonic() - began, cpu_s(pid) - cpu_before
            broker_used, postgres_used = cpu_s(broker_pid) - broker_cpu, postgres_cpu.used_s()
            memory = rss_mb(pid)
        rows = await self.rows() - before
        if rows != readings:
            raise RuntimeError(f"{readings:,} were published and {rows:,} rows came of them")
        return Figure(
            case.per_message,
            messages,
            readings,
            round(took, 2),
            round(messages / took),
            round(readings / took),
            round(used / readings * 1e6, 2),
            round(used / took, 2),
            round(readings / used),
            round(memory, 1),
            round(broker_used / took, 2),
            round(postgres_used / took, 2),
        )

    @contextlib.contextmanager
    def worker(self) -> Iterator[int]:
        """The worker's process."""
        with running("-m", "pumpjack_worker", **self._environment) as process:
            yield process.pid

    async def until(self, state: str) -> None:
        """Wait until the worker's status answers, and says something with this in it."""
        async with asyncio.timeout(LIMIT_S):
            while state not in (await self.status()).get("state", ""):
                await asyncio.sleep(POLL_S)

    async def status(self) -> dict[str, Any]:
        """What the worker says, nothing while it starts."""
        try:
            return await asyncio.to_thread(_get, f"http://{self._status}/status")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return {}

    async def rows(self) -> int:
        """Committed rows."""
        owner = await asyncpg.connect(self._postgres.url())
        try:
            found: int = await owner.fetchval("SELECT count(*) FROM pumpjack.reading")
        finally:
            await owner.close()
        return found

    async def rows_when_idle(self) -> int:
        """Committed rows; counted only when nothing waits, for counting takes CPU too."""
        if (await self.status()).get("journalReadings", 1):
            return 0
        return await self.rows()


def _get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


async def measure(case: Case, messages: int, runs: int) -> list[Figure]:
    """Several runs of one case."""
    with tempfile.TemporaryDirectory(prefix="pj-bench-") as name:
        folder = Path(name)
        with embedded_stores(folder) as (postgres, valkey):
            await prepare(postgres.url(), TENANT)
            async with Mosquitto(max_inflight=0, extra=["set_tcp_nodelay true"]) as broker:
                configure(case, broker.port, folder / "config")
                bench = Bench(folder, postgres, valkey.url)
                with bench.worker():
                    await bench.until("connected")
                return [
                    await bench.run(case, broker.port, broker.pid, messages) for _ in range(runs)
                ]


def show(figures: Sequence[Figure], output: str) -> None:
    """The best and the median of a case's runs."""
    ordered = sorted(figures, key=lambda one: one.readings_per_s)
    best, median = ordered[-1], ordered[(len(ordered) - 1) // 2]
    for name, one in (("best", best), ("median", median)):
        if output == "json":
            print(json.dumps({"of_runs": name, "runs": len(ordered), **structs.asdict(one)}))
            continue
        print(
            f"{one.per_message:>3} a message, {name:<6} of {len(ordered)}:"
            f"{one.messages_per_s:>8,} messages/s {one.readings_per_s:>9,} readings/s"
            f" {one.worker_us_a_reading:>6.2f} µs of worker CPU a reading"
            f" ({one.worker_cores:.2f} cores, broker {one.broker_cores:.2f}, PostgreSQL "
            f"{one.postgres_cores:.2f}; {one.rss_mb:.0f} MB)",
            flush=True,
        )
    spread = statistics.pstdev(one.readings_per_s for one in ordered)
    print(f"    spread {spread:,.0f} readings/s", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each case and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, help="of one run (default: by the case)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", type=int, help="only the case with so many readings a message")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    given = parser.parse_args(argv)
    for case in CASES:
        if given.only in (None, case.per_message):
            messages = given.messages or case.messages
            show(asyncio.run(measure(case, messages, given.runs)), given.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
