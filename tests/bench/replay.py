"""How fast a journal is emptied after an outage of the database, and the live feed beside it.

    pumpjack bench replay -- [--readings 10000000] [--live 500]

Fills a journal, runs its worker for some seconds without a database, then with one, until nothing
waits. All on this machine. The latency is from the receipt of a live reading to a subscriber of
Redis, in the first part and in the second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import asyncpg
import numpy as np
import redis.asyncio
import uvloop

from pumpjack_cli.stores import embedded_stores
from pumpjack_core import log, wire
from pumpjack_core.clock import SystemClock
from pumpjack_core.readings import Batch
from pumpjack_core.storage.ingest import Ingest
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.bench import fleet
from tests.bench.synthetic import Synthetic

TAGS = 100
ROUNDS = 10
"""Readings of each tag in a batch."""
BATCHES_A_COMMIT = 50
LIVE_PERIOD_S = 0.1
QUIET_S = 5.0
LIMIT_S = 3_600.0
LEFT_READINGS = 2_000
"""What is live waits a moment for more: with so little left, the replay is over."""
_LOAD = fleet.Load(1, TAGS, 4, 1, LIVE_PERIOD_S, 0.0, anomaly=False)


def fill(folder: Path, readings: int) -> dict[str, float]:
    """A journal that holds so many readings of the hours before now; what that took."""
    config = fleet.config(0, _LOAD)
    n = TAGS * ROUNDS
    batches = max(1, readings // n)
    index = np.tile(np.arange(TAGS, dtype=np.int32), ROUNDS)
    offset_us = np.repeat(np.arange(ROUNDS, dtype=np.int64) * 1_000, TAGS)
    first_us = time.time_ns() // 1_000 - 60_000_000 - batches * ROUNDS * 1_000
    value = np.round(100 + np.random.default_rng(1).standard_normal(n), 3)
    quality = np.zeros(n, np.int16)
    began = time.monotonic()
    with Spool(folder, config.connection.connection_id, size_bytes=1 << 40) as spool:
        seq = spool.next_seq
        for start in range(0, batches, BATCHES_A_COMMIT):
            rows = []
            for number in range(start, min(batches, start + BATCHES_A_COMMIT)):
                us = first_us + number * ROUNDS * 1_000
                batch = Batch(config.tags, index, us + offset_us, value, quality, us)
                payload = codec.encode(batch, seq=seq)
                rows.append(Row(seq, us, n, config.tags, payload))
                seq += 1
            spool.append(rows)
    took_s = time.monotonic() - began
    size = sum(path.stat().st_size for path in folder.glob("journal.db*"))
    return {"readings": batches * n, "fill_s": took_s, "bytes_a_reading": size / (batches * n)}


async def _work(urls: tuple[str, str], folder: Path, live: int, pipe: Pipe) -> None:
    """The worker: without a database until it is told, then until it is told to stop."""
    config = fleet.config(0, _LOAD)
    clock = SystemClock()
    names = {"tenant_id": fleet.TENANT, "connection_id": config.connection.connection_id}
    allowed = asyncio.Event()

    async def connect() -> Ingest:
        await allowed.wait()
        return await Ingest.connect(urls[0])

    period_s = TAGS / live
    pipeline = await Pipeline.open(
        config,
        lambda _memos: Synthetic(config.connection, config.tags, clock, period_s=period_s),
        folder,
        connect,
        redis_url=urls[1],
        clock=clock,
        metrics=Metrics(protocol="modbus-tcp", **names),
    )
    running = asyncio.create_task(pipeline.run())
    loop = asyncio.get_running_loop()
    pipe.send("ready")
    await loop.run_in_executor(None, pipe.recv)
    allowed.set()
    before, began = pipeline.status().journal_readings, time.monotonic()
    while (left := pipeline.status().journal_readings) > LEFT_READINGS:
        await asyncio.sleep(0.05)
        if time.monotonic() - began > LIMIT_S:
            break
    pipe.send((before - left, time.monotonic() - began))
    pipeline.stop(30.0)
    pipe.send(await running)


def _work_process(urls: tuple[str, str], folder: Path, live: int, pipe: Pipe) -> None:
    log.configure(level="ERROR")
    uvloop.run(_work(urls, folder, live, pipe))


async def _listen(url: str, found: list[tuple[float, float]]) -> None:
    """(when it came [s, monotonic], latency [ms]) of each message of the live feed."""
    client = redis.asyncio.from_url(url)
    listener = client.pubsub()
    await listener.subscribe(wire.readings_channel(fleet.TENANT))
    async for message in listener.listen():
        if message["type"] != "message":
            continue
        now = time.time()
        one = wire.decode_message(message["data"])
        if isinstance(one, wire.Readings):
            received = datetime.fromisoformat(one.received_at.replace("Z", "+00:00"))
            found.append((time.monotonic(), (now - received.timestamp()) * 1e3))


async def measure(postgres_url: str, writer: str, valkey: str, folder: Path, live: int) -> dict:
    """Run the worker over the journal; its figures."""
    spawn = multiprocessing.get_context("spawn")
    pipe, end = multiprocessing.Pipe()
    worker = spawn.Process(target=_work_process, args=((writer, valkey), folder, live, end))
    worker.start()
    end.close()  # so that a worker that ends is noticed
    loop = asyncio.get_running_loop()
    heard: list[tuple[float, float]] = []
    listening = asyncio.create_task(_listen(valkey, heard))
    try:
        await loop.run_in_executor(None, pipe.recv)
        await asyncio.sleep(QUIET_S)
        pipe.send("go")
        began = time.monotonic()
        readings, took_s = await loop.run_in_executor(None, pipe.recv)
        ended = time.monotonic()
        drained = await loop.run_in_executor(None, pipe.recv)
    finally:
        listening.cancel()
        worker.join(60)
        worker.kill()
    admin = await asyncpg.connect(postgres_url)
    stored, in_order = await admin.fetchrow(
        "SELECT count(*), count(DISTINCT (tag_id, ts)) FROM pumpjack.reading"
    )
    await admin.close()
    quiet = [ms for at, ms in heard if began - QUIET_S <= at < began]
    beside = [ms for at, ms in heard if began <= at < ended]
    return {
        "readings_per_s": round(readings / took_s),
        "replay_s": round(took_s, 1),
        "live_p99_ms_before": _p99(quiet),
        "live_p99_ms_beside": _p99(beside),
        "live_messages": len(beside),
        "stored": stored,
        "twice": stored - in_order,
        "drained": drained,
    }


def _p99(values: list[float]) -> float | None:
    return round(float(np.percentile(values, 99)), 2) if values else None


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="replay", description=__doc__.partition("\n")[0])
    parser.add_argument("--readings", type=int, default=500_000, help="in the journal")
    parser.add_argument("--live", type=int, default=500, help="live readings a second beside it")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="pj-replay-") as name:
        folder = Path(name) / "journal"
        filled = fill(folder, options.readings)
        with embedded_stores(Path(name)) as (postgres, valkey):
            writer = asyncio.run(fleet.prepare(postgres))
            figures = asyncio.run(
                measure(postgres.url("bench"), writer, valkey.url, folder, options.live)
            )
    figures["journal_bytes_a_reading"] = round(filled["bytes_a_reading"], 2)
    print(json.dumps(figures, indent=None if options.output == "json" else 2))
    return 0


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
