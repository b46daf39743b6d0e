"""OPC UA: readings a second through a real worker to committed rows, none lost and none doubled.

    python -m tests.bench.opcua_read [--seconds 20] [--nodes 1000] [--changes 10] [--only paced]

paced     every node changes so many times a second; each change has its row at the end
flat out  ten times as many changes as in the paced case, as fast as the worker asks for them

The server is a process of its own (see opcua_server); the worker is `python -m pumpjack_worker`.
After each case the rows of every tag are counted and summed up, and compared with what the server
sent. CPU is that of the worker's process, without server, database and Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import asyncpg
from msgspec import Struct, structs

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedPostgres, embedded_stores
from pumpjack_core import config
from pumpjack_core.config import worker_config
from pumpjack_core.manifests.types import Opcua, ScadaConnectionSpec
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Tag, TagTable
from tests.bench.opcua_server import Order, Served, address, serve
from tests.bench.processes import FamilyCpu, cpu_s, rss_mb
from tests.bench.worker_memory import prepare, running

TENANT = "bench"
CHANGES_PER_S = 10
FLAT_OUT_TIMES = 10
PUBLISHING_INTERVAL = "100ms"
TAGS_A_WELL = 50
POLL_S = 0.05
IDLE_S = 15.0
"""When no row has come for so long, none will."""
BACK_US = 3_600_000_000
"""How far in the past the readings of the flat-out case are, so that none lies in the future."""


class Case(Struct, frozen=True):
    """period_s between two changes of a node, 0: as fast as it goes; rounds: changes of each."""

    name: str
    period_s: float
    rounds: int


def cases_of(seconds: float, changes_per_s: float) -> list[Case]:
    """What is measured."""
    rounds = round(seconds * changes_per_s)
    return [
        Case("paced", 1 / changes_per_s, rounds),
        Case("flat out", 0.0, FLAT_OUT_TIMES * rounds),
    ]


class Figure(Struct, frozen=True):
    """What came out of one case. lost: rows that are missing; dropped by the server: its queue."""

    name: str
    nodes: int
    readings: int
    lost: int
    dropped_by_server: int
    seconds: float
    readings_per_s: int
    worker_us_a_reading: float
    worker_cores: float
    rss_mb: float
    server_cores: float
    postgres_cores: float
    readings_a_message: int


def tags_of(nodes: int) -> TagTable:
    """A tag for each node."""
    interval_s = 1 / CHANGES_PER_S
    return TagTable(
        tuple(
            Tag(
                f"w{at // TAGS_A_WELL}",
                f"tag_{at}",
                address(at),
                "float64",
                interval_s,
                stale_s=0.0,
            )
            for at in range(nodes)
        )
    )


class Bench:
    """One worker, its stores and its server."""

    def __init__(
        self, nodes: int, postgres: EmbeddedPostgres, server: Pipe, pids: tuple[int, int]
    ) -> None:
        self._nodes = nodes
        self._postgres = postgres
        self._server = server
        self._worker_pid, self._server_pid = pids
        self._rounds = 0
        self._sum = 0.0

    async def run(self, case: Case, status: str) -> Figure:
        """Have the server change its nodes, and wait until everything is committed."""
        now_us = time.time_ns() // 1_000
        order = Order(case.rounds, case.period_s, now_us if case.period_s else now_us - BACK_US)
        used, server_used = cpu_s(self._worker_pid), cpu_s(self._server_pid)
        postgres_cpu, began = FamilyCpu(self._postgres.pid), time.monotonic()
        self._server.send(order)
        served: Served = await asyncio.to_thread(self._server.recv)
        expected = (1 + self._rounds + served.sent) * self._nodes
        await self.until_committed(expected, status)
        took = time.monotonic() - began
        used, server_used = cpu_s(self._worker_pid) - used, cpu_s(self._server_pid) - server_used
        readings = served.sent * self._nodes
        return Figure(
            name=case.name,
            nodes=self._nodes,
            readings=readings,
            lost=await self.lost(served, case.rounds),
            dropped_by_server=served.dropped * self._nodes,
            seconds=round(took, 2),
            readings_per_s=round(readings / took),
            worker_us_a_reading=round(used / readings * 1e6, 2),
            worker_cores=round(used / took, 2),
            rss_mb=round(rss_mb(self._worker_pid), 1),
            server_cores=round(server_used / took, 2),
            postgres_cores=round(postgres_cpu.used_s() / took, 2),
            readings_a_message=round(readings / served.messages),
        )

    async def until_committed(self, expected: int, status: str) -> None:
        """Wait for so many rows, or until none has come for long and none waits.

        Asks the worker first, for counting takes CPU too.
        """
        rows, grew_at = -1, time.monotonic()
        while rows < expected and time.monotonic() - grew_at < IDLE_S:
            if not (await told(status)).get("journalReadings", 1):
                before, rows = rows, await self.rows()
                if rows != before:
                    grew_at = time.monotonic()
            await asyncio.sleep(POLL_S)

    async def rows(self) -> int:
        """Committed rows."""
        (found,) = await self._ask("SELECT count(*) FROM pumpjack.reading")
        return int(found[0])

    async def lost(self, served: Served, rounds: int) -> int:
        """Rows that are missing. Raises RuntimeError when there are too many, or other ones."""
        self._rounds += served.sent
        if not served.dropped:
            self._sum += rounds * (rounds + 1) / 2
        each = await self._ask("SELECT count(*), sum(value) FROM pumpjack.reading GROUP BY tag_id")
        missing = (1 + self._rounds) * self._nodes - sum(count for count, _ in each)
        wrong = [row for row in each if not served.dropped and row[1] != self._sum]
        if missing < 0 or (wrong and not missing):
            raise RuntimeError(f"rows were doubled or changed: {wrong[:3]}")
        return int(missing)

    async def _ask(self, query: str) -> list[Any]:
        owner = await asyncpg.connect(self._postgres.url())
        try:
            return list(await owner.fetch(query))
        finally:
            await owner.close()


async def told(status: str) -> dict[str, Any]:
    """What the worker says, nothing while it starts."""

    def get() -> dict[str, Any]:
        with urllib.request.urlopen(f"http://{status}/status", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    try:
        return await asyncio.to_thread(get)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return {}


async def measure(cases: Sequence[Case], nodes: int) -> list[Figure]:
    """All cases with one worker."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(nodes, theirs), daemon=True)
    server.start()
    port = await asyncio.to_thread(ours.recv)
    with tempfile.TemporaryDirectory(prefix="pj-bench-") as name:
        folder = Path(name)
        with embedded_stores(folder) as (postgres, valkey):
            await prepare(postgres.url(), TENANT)
            endpoint = Opcua(
                endpoint=f"opc.tcp://127.0.0.1:{port}",
                security="None",
                publishing_interval=PUBLISHING_INTERVAL,
            )
            found = worker_config(
                tenant_id=TENANT,
                connection_id="bench/server",
                spec=ScadaConnectionSpec(protocol="opcua", opcua=endpoint),
                allowed_networks=("127.0.0.0/8",),
                tags=tags_of(nodes),
            )
            config.save(found, folder / "config")
            status = f"127.0.0.1:{free_ports(1)[0]}"
            environment = {
                "PUMPJACK_CONFIG_DIR": str(folder / "config"),
                "PUMPJACK_JOURNAL_DIR": str(folder / "journal"),
                "PUMPJACK_DATABASE_URL": postgres.url("postgres", writer_role(TENANT)),
                "PUMPJACK_REDIS_URL": valkey.url,
                "PUMPJACK_STATUS_ADDRESS": status,
                "PUMPJACK_LOG_LEVEL": "WARNING",
            }
            with running("-m", "pumpjack_worker", **environment) as worker:
                assert server.pid is not None
                bench = Bench(nodes, postgres, ours, (worker.pid, server.pid))
                await bench.until_committed(nodes, status)
                if await bench.rows() != nodes:
                    raise TimeoutError("the worker did not read the first value of every node")
                figures = [await bench.run(case, status) for case in cases]
    ours.send(None)
    server.join(10)
    return figures


def show(figure: Figure, output: str) -> None:
    """One line a case."""
    if output == "json":
        print(json.dumps(structs.asdict(figure)), flush=True)
        return
    print(
        f"{figure.name:<9}{figure.readings:>10,} readings, {figure.lost} lost,"
        f" {figure.dropped_by_server} dropped by the server;{figure.readings_per_s:>8,} readings/s"
        f" to committed rows, {figure.worker_us_a_reading:.2f} µs of worker CPU a reading"
        f" ({figure.worker_cores:.2f} cores, server {figure.server_cores:.2f}, PostgreSQL"
        f" {figure.postgres_cores:.2f}; {figure.rss_mb:.0f} MB,"
        f" {figure.readings_a_message:,} a message)",
        flush=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each case and print it; fails when a reading was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the paced case")
    parser.add_argument(
        "--changes", type=float, default=CHANGES_PER_S, help="of each node in a second, paced"
    )
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    given = parser.parse_args(argv)
    cases = [one for one in cases_of(given.seconds, given.changes) if given.only in one.name]
    figures = asyncio.run(measure(cases, given.nodes))
    for figure in figures:
        show(figure, given.output)
    return 1 if any(figure.lost or figure.dropped_by_server for figure in figures) else 0


if __name__ == "__main__":
    raise SystemExit(main())
