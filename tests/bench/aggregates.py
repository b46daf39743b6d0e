"""How current the aggregates are while a large field is stored, with `maintain` beside it.

    pumpjack bench aggregates -- [--seconds 240] [--rate 16670] [--backfill 10] [--apache]

At the level plain, or apache. Readings come at their time over eight connections. Twice a second
a client asks for a tag's newest minutes. A bucket counts once it holds every reading of its minute;
its age is the time since that minute ended, 0 to 60 s for buckets that are there at once. Before
that, the minutes of --backfill are stored an hour back, which `maintain` rolls up meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import numpy as np
from msgspec import Struct, structs

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.maintain import Upkeep, maintain
from pumpjack_core.storage.migrate import migrate
from tests.core.storage.database import HOUR_US, MINUTE_US, Database, Worker, now_us
from tests.timescaledb.debian import timescaledb_apache

CONNECTIONS = 8
WELL_TAGS = 50
INTERVAL_S = 1.5
"""Between two readings of a tag: 40 a minute."""
MAINTAIN_S = 60.0
ASK_S = 0.5
SHORTEST_S = 150
LATEST = """
    SELECT extract(epoch FROM bucket)::bigint, reading_count FROM pumpjack.scada_readings_1min
    WHERE well_id = $1 AND tag_name = $2 AND bucket >= now() - interval '5 minutes'
    ORDER BY bucket DESC
"""


class Figure(Struct, frozen=True):
    """Ages and query times in seconds; readings a second as stored."""

    level: str
    readings_per_s: int
    lag_s: float
    age_p50_s: float
    age_max_s: float
    query_p50_s: float
    query_max_s: float
    rolled_up_hours: int
    pass_max_s: float


class Field:
    """Every tag once an interval, spread evenly over the interval by connection."""

    def __init__(self, workers: Sequence[Worker], tags: int) -> None:
        self.workers, self.tags = workers, tags
        self.stored = 0
        self.lag_s = 0.0

    async def backfill(self, minutes: int) -> None:
        start = (now_us() // HOUR_US - 1) * HOUR_US
        for worker in self.workers:
            for minute in range(minutes):
                for at in range(0, 60_000, round(INTERVAL_S * 1_000)):
                    await self._write(worker, start + minute * MINUTE_US + at * 1_000)

    async def run(self, worker: Worker, number: int, begins_us: int, until_us: int) -> None:
        step = round(INTERVAL_S * 1_000_000)
        at = begins_us + step * number // len(self.workers)
        while at < until_us:
            await asyncio.sleep(max(0.0, at / 1e6 - time.time()))
            await self._write(worker, at)
            self.stored += self.tags
            self.lag_s = max(self.lag_s, time.time() - at / 1e6)
            at += step

    async def _write(self, worker: Worker, us: int) -> None:
        written = await worker.ingest.write_batch(
            worker.journal,
            worker.seq,
            worker.seq + 1,
            np.full(self.tags, us, np.int64),
            np.array(worker.tags, np.int32),
            np.zeros(self.tags, np.int16),
            np.random.default_rng(us).random(self.tags),
        )
        assert written.applied
        worker.seq += 1


async def ask(
    url: str, field: Field, begins_us: int, until_us: int
) -> tuple[list[float], list[float]]:
    """Ages of the newest whole bucket, and the times that the answers took [s]."""
    ages, times = [], []
    connection = await asyncpg.connect(url)
    a_minute = round(60 / INTERVAL_S)
    first = -(-begins_us // MINUTE_US) * 60
    while now_us() < until_us:
        await asyncio.sleep(ASK_S)
        number, tag = random.randrange(CONNECTIONS), random.randrange(field.tags)
        began = time.monotonic()
        rows = await connection.fetch(LATEST, f"well-{number}", f"tag-{tag}")
        times.append(time.monotonic() - began)
        whole = [row[0] for row in rows if row[1] == a_minute]
        if whole:
            ages.append(time.time() - max(whole) - 60)
        elif time.time() > first + 60:
            ages.append(time.time() - first - 60)
    await connection.close()
    return ages, times


async def keep_up(url: str, passes: list[tuple[float, Upkeep]]) -> None:
    """`maintain`, as its own login, every minute; notes how long each pass took."""
    while True:
        began = time.monotonic()
        done = await maintain(url, once=True)
        passes.append((time.monotonic() - began, done))
        await asyncio.sleep(MAINTAIN_S)


async def run(url: str, seconds: int, rate: int, backfill: int) -> Figure:
    """Store at the rate for so long, and look."""
    report = await migrate(url)
    tags = round(rate * INTERVAL_S / CONNECTIONS)
    passes: list[tuple[float, Upkeep]] = []
    async with Database.open(url, report.level) as database:
        workers = [
            await database.worker(name=f"ops/{n}", well=f"well-{n}", tags=tags)
            for n in range(CONNECTIONS)
        ]
        field = Field(workers, tags)
        await field.backfill(backfill)
        begins = now_us() + 1_000_000
        until = begins + seconds * 1_000_000
        upkeep = asyncio.create_task(keep_up(url, passes))
        asked = asyncio.create_task(ask(url, field, begins, until))
        try:
            async with asyncio.TaskGroup() as tasks:
                for number, worker in enumerate(workers):
                    tasks.create_task(field.run(worker, number, begins, until))
            ages, times = await asked
        finally:
            for task in (upkeep, asked):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
    ages.sort()
    times.sort()
    return Figure(
        report.level,
        round(field.stored / seconds),
        round(field.lag_s, 2),
        *(round(ages[len(ages) // 2], 1), round(ages[-1], 1)),
        *(round(times[len(times) // 2], 4), round(times[-1], 3)),
        sum(done.hours for _, done in passes),
        round(max(took for took, _ in passes), 1),
    )


def show(figure: Figure, output: str) -> None:
    """A few words a figure."""
    if output == "json":
        print(json.dumps(structs.asdict(figure)), flush=True)
        return
    for name, value in structs.asdict(figure).items():
        print(f"{name:<18}{value}", flush=True)


def main(argv: Sequence[str]) -> int:
    """Parse the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="aggregates", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=240, help="150 at least")
    parser.add_argument("--rate", type=int, default=16_670, help="readings a second")
    parser.add_argument("--backfill", type=int, default=10, help="minutes of the hour before")
    parser.add_argument("--apache", action="store_true", help="TimescaleDB, Apache edition")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(argv)
    if options.seconds < SHORTEST_S:
        parser.error(f"no minute would be whole before {SHORTEST_S} seconds")
    with contextlib.ExitStack() as stack:
        if options.apache:
            url = stack.enter_context(timescaledb_apache(durable=True))
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pumpjack-bench-"))
            url = stack.enter_context(EmbeddedPostgres(Path(folder) / "postgres")).url()
        if options.apache:
            asyncio.run(_extend(url))
        figure = asyncio.run(run(url, options.seconds, options.rate, options.backfill))
        show(figure, options.output)
    return 0


async def _extend(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE EXTENSION timescaledb")
    await connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
