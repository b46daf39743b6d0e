"""From a reading in the worker's hands to a WebSocket client, through every part.

    python -m tests.bench.latency --rate 1667 --clients 1000
    python -m tests.bench.latency --rate 16670 --clients 1000

500 wells of 50 tags, read by --workers workers with validation, journal and writer on; PostgreSQL,
Valkey, one gateway and the clients: all on this machine. The latency is from receivedAt, when the
device's answer was there, to the client that reads the frame: the poll interval is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from array import array
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import numpy as np
import uvloop

from pumpjack_cli.stores import embedded_stores
from pumpjack_gateway.tokens import mint
from tests.bench import fanout, fleet
from tests.bench.processes import FamilyCpu, cpu_s, rss_mb

WELLS = 500
TAGS = 50
HOSTS = 3
CONNECT_AT_ONCE = 100
_RECEIVED = b'"receivedAt":"'
_DIGITS = len("2026-01-31T06:30:00.000000")


class ReceiptClient(fanout.LeanClient):
    """Notes when each message came, and when its readings were received by the worker."""

    came_ns: array[int]
    received: list[bytes]

    def _frame(self, head: int, data: bytes, start: int, length: int) -> None:
        at = data.find(_RECEIVED, start, start + min(length, 600))
        if at < 0:
            super()._frame(head, data, start, length)
            return
        at += len(_RECEIVED)
        self.came_ns.append(time.time_ns())
        self.received.append(data[at : at + _DIGITS])


def _well(number: int, workers: int) -> str:
    """One of the wells, as fleet.config() names them."""
    return f"w{number % workers}-{number % WELLS // workers}"


async def _clients(port: int, count: int, workers: int, orders: Pipe) -> None:
    loop = asyncio.get_running_loop()
    token = mint(
        fanout.SECRET,
        tenant_id=fleet.TENANT,
        role="viewer",
        subject="bench",
        issuer="pumpjack-demo",
        audience="pumpjack",
        lifetime_s=3600,
    )
    ReceiptClient.came_ns, ReceiptClient.received = array("q"), []
    for at in range(0, count, CONNECT_AT_ONCE):
        some = [
            ReceiptClient(_well(number, workers), token, array("q"))
            for number in range(at, min(count, at + CONNECT_AT_ONCE))
        ]
        await asyncio.gather(
            *(loop.create_connection(lambda one=one: one, "127.0.0.1", port) for one in some)
        )
        await asyncio.gather(*(one.ready for one in some))
    orders.send("ready")
    await loop.run_in_executor(None, orders.recv)
    warm = len(ReceiptClient.came_ns)
    await loop.run_in_executor(None, orders.recv)
    came = ReceiptClient.came_ns[warm:]
    received = ReceiptClient.received[warm : warm + len(came)]
    orders.send(
        [
            at_ns / 1e6 - datetime.fromisoformat(text.decode() + "+00:00").timestamp() * 1e3
            for at_ns, text in zip(came, received, strict=True)
        ]
    )


def _clients_process(port: int, count: int, workers: int, orders: Pipe) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(_clients(port, count, workers, orders))


def measure(rate: float, clients: int, seconds: float, workers: int) -> dict[str, object]:
    """Run one load and return its figures; latencies in milliseconds."""
    wells = WELLS // workers
    load = fleet.Load(
        workers, wells * TAGS, wells, 1, WELLS * TAGS / rate, seconds, anomaly=True, hosts=HOSTS
    )
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="pj-latency-") as name:
        with embedded_stores(Path(name)) as (postgres, valkey):
            writer = asyncio.run(fleet.prepare(postgres))
            hosts = fleet.Hosts(load, (writer, valkey.url), Path(name) / "j")
            hosts.settle()
            gateway, port = fanout.start_gateway(
                valkey.url, postgres.url("bench", "pumpjack_gateway")
            )
            time.sleep(load.period_s + 1.0)  # every well has published once
            screens, screens_end = multiprocessing.Pipe()
            crowd = spawn.Process(
                target=_clients_process, args=(port, clients, workers, screens_end)
            )
            crowd.start()
            try:
                screens.recv()
                time.sleep(3.0)
                database = FamilyCpu(postgres.pid)
                used, began = cpu_s(gateway.pid), time.monotonic()
                at_first = hosts.report()
                screens.send("warm")
                time.sleep(seconds)
                screens.send("stop")
                elapsed = time.monotonic() - began
                at_last = hosts.report()
                gateway_percent = 100 * (cpu_s(gateway.pid) - used) / elapsed
                gateway_mb = rss_mb(gateway.pid)
                database_percent = 100 * database.used_s() / elapsed
                latencies = np.array(screens.recv())
            finally:
                crowd.terminate()
                gateway.terminate()
                gateway.wait(20)
                hosts.stop()
    p50, p95, p99 = (round(float(ms), 2) for ms in np.percentile(latencies, [50, 95, 99]))
    return {
        "readings_per_s": round((at_last["sent"] - at_first["sent"]) / elapsed),
        "workers": workers,
        "clients": clients,
        "frames": len(latencies),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "max_ms": round(float(latencies.max()), 2),
        "gateway_cpu_percent": round(gateway_percent, 1),
        "gateway_rss_mb": round(gateway_mb, 1),
        "workers_cpu_percent": round(100 * (at_last["cpu_s"] - at_first["cpu_s"]) / elapsed, 1),
        "postgres_cpu_percent": round(database_percent, 1),
        "waiting_readings": at_last["waiting"],
        "feed_messages_dropped": at_last["feed_dropped"] - at_first["feed_dropped"],
        "problems": at_last["problems"],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=1667.0, help="readings a second")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=500, choices=(500, 250, 100, 50, 10))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    arguments = parser.parse_args(argv)
    figures = measure(arguments.rate, arguments.clients, arguments.seconds, arguments.workers)
    print(json.dumps(figures, indent=None if arguments.output == "json" else 2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
