"""Protocols that ask place by place: readings a second, and CPU at 1,000 tags a second.

    python -m tests.bench.polled            # all that there are
    python -m tests.bench.polled s7

The device is a server that others wrote, in a process of its own; the adapter has this process to
itself, without journal and feed. Flat out: every tag is always due.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import S7, ScadaConnectionSpec
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.registry import adapter_class
from tests.peers.python import installed

TAGS = 1_000
PEERS = Path(__file__).parents[1] / "peers"


class Case(Struct, frozen=True):
    """A protocol. command: of its device, which reads stdin and prints its port."""

    command: Sequence[str]
    stdin: bytes
    environment: dict[str, str]
    spec: Callable[[int], ScadaConnectionSpec]
    address: Callable[[int], str]


def s7() -> Case:
    """1,000 float32 in one data block, on the server of snap7 in C."""
    packages = installed("python-snap7==2.1.0")
    return Case(
        (sys.executable, str(PEERS / "s7" / "server.py")),
        f"DB 1 {bytes(4 * TAGS).hex()}\n".encode(),
        {"PYTHONPATH": str(packages)},
        lambda port: ScadaConnectionSpec("s7", s7=S7("127.0.0.1", port)),
        lambda at: f"DB1.DBD{4 * at}",
    )


CASES: dict[str, Callable[[], Case]] = {"s7": s7}


async def measured(case: Case, port: int, interval_s: float, seconds: float) -> tuple[float, float]:
    """Readings and CPU, both a second."""
    tags = TagTable(
        tuple(Tag("w", f"t{at}", case.address(at), "float32", interval_s) for at in range(TAGS))
    )
    spec = case.spec(port)
    connection = Connection("t", "t/c", spec, ("127.0.0.0/8",), tags.hash)
    adapter = adapter_class(spec.protocol)(connection, tags, SystemClock())
    await adapter.connect()
    await adapter.read_batch()
    readings = 0
    began, cpu = time.perf_counter(), time.process_time()
    while (took_s := time.perf_counter() - began) < seconds:
        readings += len((await adapter.read_batch()).batch)
    cpu_s = time.process_time() - cpu
    await adapter.close()
    return readings / took_s, cpu_s / took_s


def measure(name: str, seconds: float) -> dict[str, object]:
    """One protocol, against a device process of its own."""
    case = CASES[name]()
    device = subprocess.Popen(
        case.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | case.environment,
    )
    try:
        assert device.stdin is not None
        assert device.stdout is not None
        device.stdin.write(case.stdin)
        device.stdin.close()
        port = int(device.stdout.readline())
        fast, cpu = asyncio.run(measured(case, port, 0.001, seconds))
        _, calm = asyncio.run(measured(case, port, 1.0, seconds))
    finally:
        device.kill()
        device.wait()
    return {
        "protocol": name,
        "readings_per_s": round(fast),
        "cpu_us_per_reading": round(cpu * 1e6 / fast, 2),
        f"cpu_percent_at_{TAGS}_a_second": round(calm * 100, 1),
    }


def main(argv: Sequence[str]) -> int:
    """Print a line a protocol: those that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocols", nargs="*", metavar="PROTOCOL", help=", ".join(CASES))
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    for name in given.protocols or CASES:
        result = measure(name, given.seconds)
        if given.output == "json":
            print(json.dumps(result))
        else:
            print("  ".join(f"{key} {value}" for key, value in result.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
