"""How fast write_batch stores, everything on: cursor, tenant check, duplicates, marks, fsync.

    pumpjack bench write_path -- [--url POSTGRES_URL] [--seconds 5] [--only 'small batches']
    pumpjack bench write_path -- --apache

Without a URL it starts an embedded PostgreSQL in a temporary folder, or with --apache Debian's
PostgreSQL 17 with TimescaleDB, Apache edition (needs root): readings go to a hypertable. CPU is
that of the database's backends only, from /proc (so of a server on this machine only), by row:
1 µs is a full core at a million readings a second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import asyncpg
import numpy as np
from msgspec import Struct, structs

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag
from tests.bench.processes import cpu_s
from tests.timescaledb.debian import timescaledb_apache

TENANT = "bench"


class Load(Struct, frozen=True):
    """connections at once, each writing batches of rows readings over tags tags."""

    name: str
    connections: int
    rows: int
    tags: int
    repeats: bool = False  # the first tenth of each batch repeats the end of the one before


class Figure(Struct, frozen=True):
    """What came out of one load."""

    name: str
    readings_per_s: int
    tx_per_s: int
    backend_us_per_row: float
    client_us_per_row: float
    duplicates: int


LOADS = (
    Load("large batches, 1 connection", 1, 20_000, 50),
    Load("large batches, 1 connection, 1,000 tags", 1, 20_000, 1_000),
    Load("large batches, a tenth of them repeated", 1, 20_000, 50, repeats=True),
    Load("small batches, 1 connection", 1, 50, 50),
    Load("small batches, 8 connections", 8, 50, 50),
)


class Writer:
    """One worker's stream: every tag once a millisecond, so that no time comes twice."""

    def __init__(self, ingest: Ingest, backend: int, load: Load, name: str) -> None:
        self.ingest, self.backend, self.load, self.name = ingest, backend, load, name
        self.journal, self.seq = uuid4(), 0
        self.rows = self.duplicates = 0

    async def prepare(self) -> None:
        await self.ingest.take_fence(self.name, "modbus-tcp")
        await self.ingest.open_journal(self.journal, self.name)
        tags = [
            Tag(f"{self.name}-well", f"tag{number}", "holding:1", "float32", 1.0)
            for number in range(self.load.tags)
        ]
        self._ids = np.array(await self.ingest.register_series(self.name, tags), np.int32)
        per_tag = self.load.rows // self.load.tags
        self._step = per_tag * 1_000
        self._tag = np.tile(self._ids, per_tag)
        self._offset = np.repeat(np.arange(per_tag, dtype=np.int64) * 1_000, self.load.tags)
        self._quality = np.zeros(self.load.rows, np.int16)
        self._value = np.random.default_rng(1).random(self.load.rows)
        # Far enough back that a fast bench does not reach the bound of the future.
        self._us = (time.time_ns() // 1_000) - 6 * 3_600_000_000

    async def once(self) -> None:
        us = self._offset + self._us
        if self.load.repeats:
            us[: self.load.rows // 10] -= self._step
        written = await self.ingest.write_batch(
            self.journal, self.seq, self.seq + 1, us, self._tag, self._quality, self._value
        )
        assert written.applied
        self.seq += 1
        self._us += self._step
        self.rows += len(us)
        self.duplicates += written.duplicates

    async def until(self, end: float) -> None:
        while time.monotonic() < end:
            await self.once()


async def measure(url: str, load: Load, seconds: float) -> Figure:
    """Run one load on a database that was migrated."""
    login = url.replace("//postgres@", f"//{writer_role(TENANT)}@")
    writers = []
    for number in range(load.connections):
        ingest = await Ingest.connect(login, timeout_s=60)
        backend = await ingest._connection.fetchval("SELECT pg_backend_pid()")
        writers.append(Writer(ingest, backend, load, f"bench/{uuid4().hex[:8]}-{number}"))
    for writer in writers:
        await writer.prepare()
        await writer.once()
        writer.rows = writer.duplicates = 0
    began, before = time.monotonic(), sum(cpu_s(writer.backend) for writer in writers)
    own = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(writer.until(began + seconds))
    took, own = time.monotonic() - began, time.process_time() - own
    used = sum(cpu_s(writer.backend) for writer in writers) - before
    rows = sum(writer.rows for writer in writers)
    for writer in writers:
        await writer.ingest.close()
    return Figure(
        load.name,
        round(rows / took),
        round(rows / load.rows / took),
        round(used / rows * 1e6, 2),
        round(own / rows * 1e6, 2),
        sum(writer.duplicates for writer in writers),
    )


async def run(
    url: str,
    seconds: float,
    loads: Sequence[Load],
    report: Callable[[Figure], None],
    *,
    apache: bool = False,
) -> None:
    """All loads, each on its own connections, in one database."""
    admin = await asyncpg.connect(url)
    if apache:
        await admin.execute("CREATE EXTENSION timescaledb")
    await migrate(url)
    await ensure_tenant(admin, TENANT)
    for load in loads:
        await admin.execute("CHECKPOINT")
        report(await measure(url, load, seconds))
    await admin.close()


def show(figure: Figure, output: str) -> None:
    """One line a load."""
    if output == "json":
        print(json.dumps(structs.asdict(figure)), flush=True)
        return
    print(
        f"{figure.name:<42}{figure.readings_per_s:>9,} readings/s {figure.tx_per_s:>6,} tx/s"
        f" {figure.backend_us_per_row:>6.2f} µs backend {figure.client_us_per_row:>5.2f} µs client"
        " a reading",
        flush=True,
    )


def main(argv: Sequence[str]) -> int:
    """Parse the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="write_path", description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="a superuser's URL of an empty database on this machine")
    parser.add_argument("--apache", action="store_true", help="a hypertable, Apache edition")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load runs")
    parser.add_argument("--only", default="", help="loads whose name contains this")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(argv)
    loads = [load for load in LOADS if options.only in load.name]
    with contextlib.ExitStack() as stack:
        url = options.url
        if options.apache:
            url = stack.enter_context(timescaledb_apache(durable=True))
        elif url is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pumpjack-bench-"))
            url = stack.enter_context(EmbeddedPostgres(Path(folder) / "postgres")).url()
        asyncio.run(
            run(
                url,
                options.seconds,
                loads,
                lambda one: show(one, options.output),
                apache=options.apache,
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
