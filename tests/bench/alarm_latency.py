"""From a value that crosses its limit to the alarm at a WebSocket client, through every part.

    python -m tests.bench.alarm_latency --rate 16670
    python -m tests.bench.alarm_latency --rate 1667 --seconds 60

500 wells of 50 tags, read by --workers workers with validation, journal and writer on, and beside
them one worker of 50 tags, of which one crosses its limit every --every seconds, to and fro.
PostgreSQL, Valkey, one gateway and the clients: all on this machine. The latency is from the
source time of the crossing value to the client that reads the alarm: once unconfirmed, as the
worker tells it, and once confirmed, as the database has it.
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
from typing import Any

import msgspec
import numpy as np
import uvloop
from websockets.asyncio.client import connect

from pumpjack_cli.stores import embedded_stores
from pumpjack_core import log
from pumpjack_core.clock import SystemClock
from pumpjack_core.readings import Batch
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Alarm, Tag, TagTable
from pumpjack_gateway.tokens import mint
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline
from tests.bench import fanout, fleet
from tests.bench.processes import cpu_s
from tests.bench.synthetic import Synthetic

WELLS, TAGS, HOSTS = 500, 50, 3
LIMIT = 2_000.0
ALARMS = (
    Alarm("hihi", 4_000.0, priority=1),
    Alarm("hi", LIMIT, priority=2),
    Alarm("lo", -2_000.0, priority=2),
    Alarm("lolo", -4_000.0, priority=1),
)


class Crossing(Synthetic):
    """A batch every `period_s`; the first tag is above its limit in every other one."""

    above = False

    async def read_batch(self) -> Delivery:
        delivery = await super().read_batch()
        self.above = not self.above
        batch = delivery.batch
        value = batch.value.copy()
        value[0] = LIMIT + 100.0 if self.above else 0.0
        crossed = Batch(
            batch.tags, batch.tag_index, batch.source_us, value, batch.quality, batch.received_us
        )
        return Delivery(crossed)


async def _probe(every_s: float, urls: tuple[str, str], folder: Path, orders: Pipe) -> None:
    """The worker whose value crosses its limit."""
    table = TagTable(
        tuple(
            Tag("probe", f"tag_{at}", "holding:40001", "float32", every_s, alarms=ALARMS)
            for at in range(TAGS)
        )
    )
    load = fleet.Load(1, TAGS, 1, 1, every_s, 0.0, anomaly=False)
    config = msgspec.structs.replace(fleet.config(9_999, load), tags=table)
    clock = SystemClock()
    adapter = Crossing(config.connection, table, clock, period_s=every_s)

    async def database() -> Ingest:
        return await Ingest.connect(urls[0])

    names = {"tenant_id": fleet.TENANT, "connection_id": config.connection.connection_id}
    pipeline = await Pipeline.open(
        config,
        lambda _memos: adapter,
        folder,
        database,
        redis_url=urls[1],
        clock=clock,
        metrics=Metrics(protocol="modbus-tcp", **names),
    )
    running = asyncio.create_task(pipeline.run())
    orders.send("running")
    await asyncio.get_running_loop().run_in_executor(None, orders.recv)
    pipeline.stop(10.0)
    await running


def _probe_process(every_s: float, urls: tuple[str, str], folder: Path, orders: Pipe) -> None:
    log.configure(level="WARNING")
    uvloop.run(_probe(every_s, urls, folder, orders))


async def _watch(port: int, seconds: float) -> dict[bool, list[float]]:
    """Latencies in milliseconds, by whether the database had the alarm."""
    token = mint(
        fanout.SECRET,
        tenant_id=fleet.TENANT,
        role="viewer",
        subject="bench",
        issuer="pumpjack-demo",
        audience="pumpjack",
        lifetime_s=3600,
    )
    found: dict[bool, list[float]] = {True: [], False: []}
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(f"ws://127.0.0.1:{port}/", additional_headers=headers) as socket:
        await socket.send('{"type":"subscribe-alarms"}')
        begin = time.monotonic() + 3.0  # what comes first is not measured
        while (left := begin + seconds - time.monotonic()) > 0:
            try:
                text = await asyncio.wait_for(socket.recv(), left)
            except TimeoutError:
                break
            came_ms = time.time_ns() / 1e6
            message: dict[str, Any] = msgspec.json.decode(text)
            if message["type"] != "alarm" or time.monotonic() < begin:
                continue
            event = message["event"]
            if message["condition"] == "hi" and (message["wellId"], message["tagName"]) == (
                "probe",
                "tag_0",
            ):
                at = event["at"] if event is not None else message["since"]
                found[event is not None].append(
                    came_ms - datetime.fromisoformat(at).timestamp() * 1e3
                )
    return found


def measure(rate: float, seconds: float, workers: int, every_s: float) -> dict[str, object]:
    """Run one load and return its figures; latencies in milliseconds."""
    wells = WELLS // workers
    load = fleet.Load(
        workers, wells * TAGS, wells, 1, WELLS * TAGS / rate, seconds, anomaly=True, hosts=HOSTS
    )
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="pj-alarms-") as name:
        folder = Path(name)
        with embedded_stores(folder) as (postgres, valkey):
            writer = asyncio.run(fleet.prepare(postgres))
            gateway, port = fanout.start_gateway(
                valkey.url, postgres.url("bench", "pumpjack_gateway")
            )
            hosts = fleet.Hosts(load, (writer, valkey.url), folder / "j")
            orders, theirs = multiprocessing.Pipe()
            probe = spawn.Process(
                target=_probe_process,
                args=(every_s, (writer, valkey.url), folder / "probe", theirs),
            )
            try:
                hosts.settle()
                probe.start()
                orders.recv()
                at_first, began = hosts.report(), time.monotonic()
                used = cpu_s(gateway.pid)
                found = asyncio.run(_watch(port, seconds))
                elapsed = time.monotonic() - began
                gateway_percent = 100 * (cpu_s(gateway.pid) - used) / elapsed
                at_last = hosts.report()
                orders.send("stop")
                probe.join(30)
            finally:
                probe.kill()
                gateway.terminate()
                gateway.wait(20)
                hosts.stop()
    return {
        "readings_per_s": round((at_last["sent"] - at_first["sent"]) / elapsed),
        "workers": workers,
        "told": _percentiles(found[False]),
        "stored": _percentiles(found[True]),
        "gateway_cpu_percent": round(gateway_percent, 1),
        "problems": at_last["problems"],
    }


def _percentiles(latencies_ms: list[float]) -> dict[str, float]:
    if not latencies_ms:
        return {"alarms": 0}
    p50, p95, p99 = np.percentile(latencies_ms, [50, 95, 99])
    return {
        "alarms": len(latencies_ms),
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "p99_ms": round(float(p99), 2),
        "max_ms": round(max(latencies_ms), 2),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=16_670.0, help="readings a second")
    parser.add_argument("--workers", type=int, default=50, choices=(500, 250, 100, 50, 10))
    parser.add_argument("--every", type=float, default=0.1, help="between two crossings [s]")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    arguments = parser.parse_args(argv)
    figures = measure(arguments.rate, arguments.seconds, arguments.workers, arguments.every)
    print(json.dumps(figures, indent=None if arguments.output == "json" else 2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
