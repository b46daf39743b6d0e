"""Memory and CPU of one real worker process with 1,000 tags at 1 s.

    python -m tests.bench.worker_memory [--protocol modbus-tcp] [--wells 72]

The simulated devices, PostgreSQL and Valkey run beside it; only the worker is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.local.plan import make_plan
from pumpjack_cli.stores import embedded_stores
from pumpjack_core import config
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from tests.bench.processes import cpu_s, rss_mb

SETTLE_S = 10.0
PROTOCOLS = ("modbus-tcp", "mqtt", "opcua")


@contextlib.contextmanager
def running(
    *arguments: str, python: str = sys.executable, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that is stopped at the end."""
    process = subprocess.Popen([python, *arguments], env={**os.environ, **more})
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


async def prepare(url: str, tenant: str) -> None:
    """Make the schema and the tenant."""
    import asyncpg

    await migrate(url)
    owner = await asyncpg.connect(url)
    await ensure_tenant(owner, tenant)
    await owner.close()


def simulated(protocol: str) -> tuple[str, Callable[[int, int], str]]:
    """The module that simulates devices, and what writes the manifests of its own wells."""
    package = f"pumpjack_worker.adapters.{protocol.replace('-', '_')}"
    return f"{package}.simulator", import_module(f"{package}.simulated_wells").manifests


def measure(protocol: str, wells: int, seconds: float, python: str) -> dict[str, object]:
    """Run it and return the figures."""
    simulator_module, simulated_manifests = simulated(protocol)
    with tempfile.TemporaryDirectory(prefix="pj-bench-") as name:
        folder = Path(name)
        manifests = folder / "wells.yaml"
        port = free_ports(1)[0]
        manifests.write_text(simulated_manifests(wells, port))
        simulator = ("-m", simulator_module, "-f", str(manifests))
        with embedded_stores(folder) as (postgres, valkey), running(*simulator):
            time.sleep(2.0)
            (found,) = make_plan([manifests], ["127.0.0.0/8"]).configs.values()
            config.save(found, folder / "config")
            tenant = found.connection.tenant_id
            asyncio.run(prepare(postgres.url(), tenant))
            status = f"127.0.0.1:{free_ports(1)[0]}"
            environment = {
                "PUMPJACK_CONFIG_DIR": str(folder / "config"),
                "PUMPJACK_JOURNAL_DIR": str(folder / "journal"),
                "PUMPJACK_DATABASE_URL": postgres.url("postgres", writer_role(tenant)),
                "PUMPJACK_REDIS_URL": valkey.url,
                "PUMPJACK_STATUS_ADDRESS": status,
            }
            with running("-m", "pumpjack_worker", python=python, **environment) as worker:
                time.sleep(SETTLE_S)
                before = cpu_s(worker.pid)
                time.sleep(seconds)
                used = cpu_s(worker.pid) - before
                with urllib.request.urlopen(f"http://{status}/status", timeout=5) as answer:
                    said = json.load(answer)
                return {
                    "protocol": protocol,
                    "tags": len(found.tags),
                    "rejected": len(said["rejected"]),
                    "readings_per_s": said["readingsPerSecond"],
                    "waiting_readings": said["journalReadings"],
                    "rss_mb": round(rss_mb(worker.pid), 1),
                    "cpu_percent": round(used / seconds * 100, 1),
                }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--protocol", choices=PROTOCOLS, default="modbus-tcp")
    parser.add_argument("--wells", type=int, default=72, help="wells of 14 tags each")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="interpreter of another environment, for example one with pumpjack[worker] only",
    )
    parser.add_argument("--output", choices=("text", "json"), default="text")
    arguments = parser.parse_args(argv)
    figures = measure(arguments.protocol, arguments.wells, arguments.seconds, arguments.python)
    print(json.dumps(figures, indent=None if arguments.output == "json" else 2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
