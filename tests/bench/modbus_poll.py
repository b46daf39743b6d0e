"""Modbus: readings a second and CPU a reading through the real adapter, polled flat out.

The device is a process of its own (our simulated device, which answers a block in some 10 µs);
the adapter has this process to itself, without journal and feed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.modbus_tcp.adapter import ModbusTcpAdapter
from pumpjack_worker.adapters.modbus_tcp.address import REGISTERS_OF, Area
from tests.bench.processes import cpu_s, rss_mb

CASES = (("int16", 1_000), ("float32", 1_000), ("float32", 10_000))


def serve(registers: int) -> None:
    """The device: prints its port and answers until it is killed."""
    from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice

    async def forever() -> None:
        device = SimulatedDevice()
        device.memory(1, Area.HOLDING).write(0, b"\x41\x20\x00\x00" * (registers // 2))
        async with DeviceServer({0: device}) as server:
            print(server.ports[0], flush=True)
            await asyncio.Event().wait()

    _run(forever())


def table(data_type: str, count: int) -> TagTable:
    """Tags without gaps, always due."""
    size = REGISTERS_OF[data_type]
    return TagTable(
        tuple(
            Tag("w1", f"tag_{at}", f"holding:@{at * size}", data_type, 0.001, scale=0.5)
            for at in range(count)
        )
    )


async def poll(port: int, tags: TagTable, seconds: float) -> dict[str, float]:
    """Read as fast as the device answers."""
    spec = ScadaConnectionSpec(
        protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="127.0.0.1", port=port)
    )
    connection = Connection("t", "t/c", spec, ("127.0.0.0/8",), tags.hash)
    adapter = ModbusTcpAdapter(connection, tags, SystemClock())
    await adapter.connect()
    await adapter.read_batch()
    readings = batches = 0
    began, cpu_began = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        readings += len((await adapter.read_batch()).batch)
        batches += 1
    took_s, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    await adapter.close()
    return {
        "readings_per_s": round(readings / took_s),
        "cpu_us_per_reading": round(cpu / readings * 1e6, 2),
        "cpu_share": round(cpu / took_s, 2),
        "readings_per_cpu_s": round(readings / cpu),
        "batch": round(readings / batches),
    }


def measure(data_type: str, count: int, seconds: float) -> dict[str, object]:
    """One case, against a device process of its own."""
    registers = min(count * REGISTERS_OF[data_type], 65_536)
    call = f"from tests.bench.modbus_poll import serve; serve({registers})"
    with subprocess.Popen([sys.executable, "-c", call], stdout=subprocess.PIPE) as device:
        try:
            assert device.stdout is not None
            port = int(device.stdout.readline())
            result = _run(poll(port, table(data_type, count), seconds))
            return {
                "type": data_type,
                "tags": count,
                **result,
                "device_cpu_s": round(cpu_s(device.pid), 2),
                "rss_mb": round(rss_mb(_own_pid())),
            }
        finally:
            device.kill()


def _own_pid() -> int:
    import os

    return os.getpid()


def _run(coroutine):  # type: ignore[no-untyped-def]
    """As the worker runs: on uvloop where it is there."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    return uvloop.run(coroutine)


def main(argv: Sequence[str]) -> int:
    """Print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--output", choices=["text", "json"], default="text")
    given = parser.parse_args(argv)
    for data_type, count in CASES:
        result = measure(data_type, count, given.seconds)
        if given.output == "json":
            print(json.dumps(result))
        else:
            print("  ".join(f"{key} {value}" for key, value in result.items()), flush=True)
    return 0
