"""Bytes a reading on disk, hot and compressed, and what a year of a large field takes.

    pumpjack bench storage_size -- [--hours 24] [--interval 15]

One well of 50 tags is written through write_batch, every tag at each instant, and measured: at the
level plain in the embedded PostgreSQL, at the level community in TimescaleDB's WebAssembly build,
there also after compression. From that a year of 500 such wells is computed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import numpy as np
from msgspec import Struct, structs

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.readings import Floats
from pumpjack_core.storage.migrate import migrate
from tests.core.storage.database import DAY_US, Database, now_us
from tests.timescaledb.wasm import timescaledb

TAGS = 50
WELLS = 500
CALL_ROWS = 1_000
COMPRESS_AFTER_DAYS = 7
RAW_DAYS = 90
HOT = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('pumpjack.reading')
"""


class Size(Struct, frozen=True):
    """Bytes of one tag and day, by what is kept, and of one reading."""

    level: str
    values: str
    readings: int
    hot: float
    compressed: float | None = None
    aggregates: float | None = None
    aggregates_compressed: float | None = None


def values_of(kind: str, instants: int) -> Floats:
    """float64[instants, TAGS]: as a device of 32-bit floats gives them, and less kind ones.

    measured  a random walk with two decimals; a fifth of the tags stand still
    noise     every bit of a double is new: nothing compresses worse
    """
    random = np.random.default_rng(7)
    if kind == "noise":
        return random.normal(1_000.0, 100.0, (instants, TAGS))
    walk = 1_000.0 + np.cumsum(random.normal(0.0, 0.5, (instants, TAGS)), axis=0)
    walk[:, : TAGS // 5] = 1.0
    rounded: Floats = np.round(walk, 2).astype(np.float32).astype(np.float64)
    return rounded


async def measure(url: str, level: str, kind: str, hours: int, interval_s: int) -> Size:
    """Write hours of one well into a database of this level, and look."""
    if level == "community":
        admin = await asyncpg.connect(url, statement_cache_size=0)
        await admin.execute("CREATE EXTENSION timescaledb")
        await admin.close()
    report = await migrate(url)
    assert report.level == level
    async with Database.open(url, report.level) as database:
        worker = await database.worker(tags=TAGS)
        instants = hours * 3_600 // interval_s
        values = values_of(kind, instants)
        # One whole day that compression has come to.
        begins = (now_us() // DAY_US - COMPRESS_AFTER_DAYS - 3) * DAY_US
        step = CALL_ROWS // TAGS
        for first in range(0, instants, step):
            written = await worker.write(
                (begins + instant * interval_s * 1_000_000, tag, float(values[instant, tag]))
                for instant in range(first, min(first + step, instants))
                for tag in range(TAGS)
            )
            assert written.duplicates == written.quarantined == 0
        rows = instants * TAGS
        await database.refresh()
        if level == "plain":
            return Size(level, kind, rows, await database.admin.fetchval(HOT) / rows)
        return await _compressed(database.admin, kind, rows)


async def _compressed(admin: asyncpg.Connection, kind: str, rows: int) -> Size:
    raw_hot, raw = await _compress(admin, "pumpjack.reading")
    tables = await admin.fetch(
        "SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)"
        " FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'pumpjack'"
    )
    rollups = [await _compress(admin, table[0]) for table in tables]
    hot, compressed = sum(pair[0] for pair in rollups), sum(pair[1] for pair in rollups)
    return Size(
        *("community", kind, rows),
        *(raw_hot / rows, raw / rows, hot / rows, compressed / rows),
    )


async def _compress(admin: asyncpg.Connection, hypertable: str) -> tuple[int, int]:
    """Compress every chunk of a hypertable; returns bytes before and after."""
    for chunk in await admin.fetch("SELECT show_chunks($1::text::regclass)::text", hypertable):
        await admin.execute(f"SELECT compress_chunk('{chunk[0]}')")
    row = await admin.fetchrow(
        "SELECT sum(before_compression_total_bytes)::bigint,"
        " sum(after_compression_total_bytes)::bigint"
        " FROM chunk_compression_stats($1::text::regclass)",
        hypertable,
    )
    assert row is not None
    return int(row[0]), int(row[1])


def year_gb(size: Size, interval_s: int) -> tuple[float, float]:
    """A year of 500 wells [GB]: its readings, if all are kept, and its aggregates.

    Readings are compressed after a week, aggregates once their readings go, after 90 days.
    """
    assert size.compressed and size.aggregates and size.aggregates_compressed
    a_day = WELLS * TAGS * 86_400 / interval_s / 1e9
    hot, rolled_up = COMPRESS_AFTER_DAYS, RAW_DAYS
    return (
        a_day * (hot * size.hot + (365 - hot) * size.compressed),
        a_day * (rolled_up * size.aggregates + (365 - rolled_up) * size.aggregates_compressed),
    )


def show(size: Size, interval_s: int, output: str) -> None:
    """One line a database."""
    if output == "json":
        print(json.dumps(structs.asdict(size)), flush=True)
        return
    line = f"{size.level:<10}{size.values:<10}{size.readings:>9,} readings  {size.hot:6.1f} B hot"
    if size.compressed is not None:
        readings, aggregates = year_gb(size, interval_s)
        line += (
            f"  {size.compressed:5.2f} B compressed; aggregates {size.aggregates:.1f} B,"
            f" {size.aggregates_compressed:.2f} B compressed; {WELLS} wells x {TAGS} tags x 1 year"
            f" at {interval_s} s: {readings:,.0f} GB, aggregates {aggregates:,.0f} GB"
        )
    print(line, flush=True)


def main(argv: Sequence[str]) -> int:
    """Parse the command line and run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="storage_size", description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=24, help="of one day (at most 24)")
    parser.add_argument("--interval", type=int, default=15, help="between readings of a tag [s]")
    parser.add_argument("--only", choices=("plain", "community"), help="one level")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(argv)

    def once(url: str, level: str, kind: str) -> None:
        size = asyncio.run(measure(url, level, kind, options.hours, options.interval))
        show(size, options.interval, options.output)

    if options.only != "community":
        with tempfile.TemporaryDirectory(prefix="pumpjack-bench-") as folder:
            with EmbeddedPostgres(Path(folder) / "postgres") as server:
                once(server.url(), "plain", "measured")
    for kind in ("measured", "noise") if options.only != "plain" else ():
        with timescaledb() as url:
            once(url, "community", kind)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
