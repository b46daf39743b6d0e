"""Workers from the adapter's output to committed rows, with the live feed on.

    python -m tests.bench.fleet flat-out        one worker, 1,000 tags, as fast as it goes
    python -m tests.bench.fleet small-batches   500 workers of 50 tags at 1 reading/s a tag

Everything is on this machine: the workers in a process of their own, PostgreSQL and Valkey
embedded. Prints readings/s that were committed, the CPU of each part, and what was left waiting.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from pumpjack_cli.stores import EmbeddedPostgres, embedded_stores
from pumpjack_core import log
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import WorkerConfig, worker_config
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline
from tests.bench.processes import FamilyCpu, rss_mb
from tests.bench.synthetic import Synthetic

TENANT = "bench"
SETTLE_LIMIT_S = 180.0
CAUGHT_UP_S = 4.0


@dataclass(frozen=True)
class Load:
    """What the workers are given.

    rounds    readings of each tag in a batch
    period_s  time between two batches, 0 for as fast as they are taken [s]
    hosts     processes that host the workers; in a cluster each would have one of its own
    """

    workers: int
    tags: int
    wells: int
    rounds: int
    period_s: float
    seconds: float
    anomaly: bool
    hosts: int = 1


LOADS = {
    "flat-out": Load(1, 1_000, 20, 10, 0.0, 15.0, False),
    "small-batches": Load(500, 50, 1, 1, 1.0, 30.0, False, 10),
}


def config(number: int, load: Load) -> WorkerConfig:
    """The configuration of one simulated worker."""
    z_score = 6.0 if load.anomaly else None
    tags = TagTable(
        tuple(
            Tag(
                well_id=f"w{number}-{at % load.wells}",
                name=f"tag_{at}",
                address="holding:40001",
                data_type="float32",
                interval_s=1.0,
                unit="psi",
                low=0.0,
                high=5_000.0,
                z_score=z_score,
            )
            for at in range(load.tags)
        )
    )
    spec = ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="127.0.0.1"))
    return worker_config(
        tenant_id=TENANT,
        connection_id=f"bench/w{number}",
        spec=spec,
        allowed_networks=("127.0.0.0/8",),
        tags=tags,
    )


async def run_workers(
    load: Load, numbers: range, urls: tuple[str, str], folder: Path, pipe: Pipe
) -> None:
    """Host the pipelines, tell the parent when they run, and stop when it says so."""
    clock = SystemClock()
    pipelines: list[Pipeline] = []
    adapters: list[Synthetic] = []
    all_metrics: list[Metrics] = []

    async def connect() -> Ingest:
        return await Ingest.connect(urls[0])

    for number in numbers:
        cfg = config(number, load)
        names = {"tenant_id": TENANT, "connection_id": cfg.connection.connection_id}
        adapter = Synthetic(
            cfg.connection,
            cfg.tags,
            clock,
            rounds=load.rounds,
            period_s=load.period_s,
            phase_s=number / load.workers * load.period_s,
        )
        all_metrics.append(Metrics(protocol="modbus-tcp", **names))
        pipeline = await Pipeline.open(
            cfg,
            lambda _memos, adapter=adapter: adapter,
            folder / str(number),
            connect,
            redis_url=urls[1],
            clock=clock,
            metrics=all_metrics[-1],
        )
        if not load.period_s:
            adapter.hold = lambda p=pipeline: p.status().journal_readings > 60_000
        pipelines.append(pipeline)
        adapters.append(adapter)
    running = [asyncio.create_task(pipeline.run()) for pipeline in pipelines]
    loop = asyncio.get_running_loop()
    pipe.send("running")
    while await loop.run_in_executor(None, pipe.recv) == "report":
        for task in running:
            if task.done():
                task.result()  # a worker that ended is no figure, it is a fault
        usage = resource.getrusage(resource.RUSAGE_SELF)
        states = [pipeline.status() for pipeline in pipelines]
        pipe.send(
            {
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "rss_mb": rss_mb(os.getpid()),
                "sent": sum(adapter.sent for adapter in adapters),
                "waiting": sum(state.journal_readings for state in states),
                "oldest_s": max(state.journal_oldest_s for state in states),
                "feed_dropped": sum(
                    metrics.registry.get_sample_value(
                        "scada_feed_dropped_messages_total",
                        {"tenant_id": TENANT, "connection_id": state.connection_id},
                    )
                    for metrics, state in zip(all_metrics, states, strict=True)
                ),
                "problems": sorted({text for state in states for text in state.problems}),
            }
        )
    for pipeline in pipelines:
        pipeline.stop(20.0)
    await asyncio.gather(*running)


def worker_process(
    load: Load, numbers: range, urls: tuple[str, str], folder: Path, pipe: Pipe
) -> None:
    """Entry of the process that hosts the workers."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    log.configure(level="WARNING")
    uvloop.run(run_workers(load, numbers, urls, folder, pipe))


async def prepare(postgres: EmbeddedPostgres) -> str:
    """Make the database and the tenant; returns the writer's URL."""
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("CREATE DATABASE bench")
    await admin.close()
    await migrate(postgres.url("bench"))
    owner = await asyncpg.connect(postgres.url("bench"))
    await ensure_tenant(owner, TENANT)
    await owner.close()
    return postgres.url("bench", writer_role(TENANT))


async def stored(postgres: EmbeddedPostgres) -> tuple[int, int]:
    """Rows in the database, and transactions committed so far."""
    owner = await asyncpg.connect(postgres.url("bench"))
    rows = await owner.fetchval("SELECT count(*) FROM pumpjack.reading")
    commits = await owner.fetchval(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = 'bench'"
    )
    await owner.close()
    return rows, commits


class Hosts:
    """The processes that host the workers."""

    def __init__(self, load: Load, urls: tuple[str, str], folder: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipes: list[Pipe] = []
        self._processes = []
        for host in range(load.hosts):
            ours, theirs = multiprocessing.Pipe()
            numbers = range(host, load.workers, load.hosts)
            process = spawn.Process(
                target=worker_process, args=(load, numbers, urls, folder, theirs)
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def report(self) -> dict[str, Any]:
        """Ask all hosts how they do, and add it up."""
        for pipe in self._pipes:
            pipe.send("report")
        found = [pipe.recv() for pipe in self._pipes]
        added = ("cpu_s", "rss_mb", "sent", "waiting", "feed_dropped")
        return {
            **{name: sum(one[name] for one in found) for name in added},
            "oldest_s": max(one["oldest_s"] for one in found),
            "problems": sorted({text for one in found for text in one["problems"]}),
        }

    def settle(self) -> None:
        """Wait until every worker has its session, series and plans, which are made once.

        Raises TimeoutError when they do not catch up.
        """
        time.sleep(3.0)
        limit = time.monotonic() + SETTLE_LIMIT_S
        while self.report()["oldest_s"] > CAUGHT_UP_S:
            if time.monotonic() > limit:
                raise TimeoutError(f"the workers did not catch up within {SETTLE_LIMIT_S:.0f} s")
            time.sleep(1.0)

    def stop(self) -> None:
        """Stop the workers; each stores what it has."""
        for pipe in self._pipes:
            pipe.send("stop")
        for process in self._processes:
            process.join(60)
            process.kill()


def measure(load: Load) -> dict[str, object]:
    """Run one load and return its figures."""
    with tempfile.TemporaryDirectory(prefix="pj-bench-") as name:
        folder = Path(name)
        with embedded_stores(folder) as (postgres, valkey):
            writer = asyncio.run(prepare(postgres))
            hosts = Hosts(load, (writer, valkey.url), folder / "j")
            try:
                hosts.settle()
                postgres_cpu, valkey_cpu = FamilyCpu(postgres.pid), FamilyCpu(valkey.pid)
                rows, commits = asyncio.run(stored(postgres))
                before = hosts.report()
                started = time.monotonic()
                while (elapsed := time.monotonic() - started) < load.seconds:
                    time.sleep(min(1.0, load.seconds - elapsed))
                    postgres_used = postgres_cpu.used_s()
                after = hosts.report()
                elapsed = time.monotonic() - started
                rows_after, commits_after = asyncio.run(stored(postgres))
            finally:
                hosts.stop()
            readings = rows_after - rows
            worker_cpu = after["cpu_s"] - before["cpu_s"]
            return {
                "workers": load.workers,
                "sent_readings_per_s": round((after["sent"] - before["sent"]) / elapsed),
                "stored_readings_per_s": round(readings / elapsed),
                "transactions_per_s": round((commits_after - commits) / elapsed, 1),
                "worker_us_a_reading": round(worker_cpu / readings * 1e6, 2),
                "postgres_us_a_reading": round(postgres_used / readings * 1e6, 2),
                "valkey_us_a_reading": round(valkey_cpu.used_s() / readings * 1e6, 2),
                "worker_cores": round(worker_cpu / elapsed, 2),
                "postgres_cores": round(postgres_used / elapsed, 2),
                "waiting_readings": after["waiting"],
                "oldest_waiting_s": after["oldest_s"],
                "feed_messages_dropped": after["feed_dropped"] - before["feed_dropped"],
                "problems": after["problems"],
            }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the loads that were named, or both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("load", nargs="*", help=f"of {', '.join(LOADS)}; all when none is named")
    parser.add_argument("--seconds", type=float, help="how long each is measured [s]")
    parser.add_argument("--anomaly", action="store_true", help="a z-score on every tag")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    arguments = parser.parse_args(argv)
    for name in arguments.load or LOADS:
        load = LOADS[name]
        load = Load(
            **{
                **load.__dict__,
                "anomaly": arguments.anomaly,
                "seconds": arguments.seconds or load.seconds,
            }
        )
        figures = measure(load)
        if arguments.output == "json":
            print(json.dumps({"load": name, **figures}), flush=True)
        else:
            print(name, json.dumps(figures, indent=2), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
