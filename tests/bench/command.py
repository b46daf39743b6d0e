"""From a command's request to its verification over Modbus, beside polling.

    python -m tests.bench.command --commands 50

PostgreSQL, Valkey, one worker with its journal and writer, and a simulated PLC whose registers are
polled all the while: all on this machine. The clock starts when the row is approved, and stops when
the gateway could read that the command is verified; the claim's and the device's part are told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from uuid import UUID

import asyncpg
import numpy as np
import redis.asyncio
import uvloop

from pumpjack_cli.stores import embedded_stores
from pumpjack_core import log, wire
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import WorkerConfig, worker_config
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.storage.commands import Orders
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, TagTable, Write
from pumpjack_worker.adapters.modbus_tcp.adapter import ModbusTcpAdapter
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline

TENANT, CONNECTION = "bench", "ops/plc"
LOOK_S = 0.002
LIMIT_S = 20.0


def config(port: int, tags: int, interval_s: float) -> WorkerConfig:
    """Registers that are polled, the first of them writable."""
    table = [Tag("w1", f"r{at}", f"holding:@{at}", "uint16", interval_s) for at in range(1, tags)]
    limits = Write(low=0.0, high=60_000.0)
    table.insert(0, Tag("w1", "speed", "holding:@0", "uint16", interval_s, write=limits))
    target = ModbusTcp(host="127.0.0.1", port=port, unit_id=1)
    return worker_config(
        tenant_id=TENANT,
        connection_id=CONNECTION,
        spec=ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=target),
        allowed_networks=("127.0.0.0/8",),
        tags=TagTable(tuple(table)),
        writes=True,
    )


async def command(database: asyncpg.Connection, value: float, number: int) -> UUID:
    """Ask for a value."""
    row = await database.fetchrow(
        "SELECT * FROM pumpjack.request_command"
        "($1, 'bench', 'operator', 'w1', 'speed', $2, 'bench', $3, 60)",
        TENANT,
        value,
        f"bench-{number}",
    )
    assert row is not None
    assert row["code"] is None, row["problem"]
    return UUID(str(row["command_id"]))


async def verified(database: asyncpg.Connection, command_id: UUID) -> None:
    """Wait for its end. Raises unless it is verified."""
    sql = "SELECT state FROM pumpjack.commands WHERE command_id = $1"
    async with asyncio.timeout(LIMIT_S):
        while (state := await database.fetchval(sql, command_id)) != "verified":
            assert state in ("approved", "sent", "accepted"), state
            await asyncio.sleep(LOOK_S)


async def measure(options: argparse.Namespace, folder: Path) -> None:
    """Commands one after the other, and what each took."""
    device = SimulatedDevice()
    device.memory(1, Area.HOLDING).write(0, bytes(2 * options.tags))
    with embedded_stores(folder / "stores") as (postgres, valkey):
        url = postgres.url()
        await migrate(url)
        database = await asyncpg.connect(url)
        await ensure_tenant(database, TENANT)
        await database.execute("UPDATE pumpjack.settings SET commands_per_minute = 1000000")
        login = url.replace("postgres@", f"{writer_role(TENANT)}@")
        client = redis.asyncio.from_url(valkey.url)
        async with DeviceServer({0: device}) as server:
            told = config(server.ports[0], options.tags, options.interval)
            pipeline = await _pipeline(told, folder / "journal", login, valkey.url)
            running = asyncio.create_task(pipeline.run())
            while pipeline.status().readings < options.tags:
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.0)
            took: list[float] = []
            for number in range(options.commands):
                command_id = await command(database, float(number + 1), number)
                began = time.perf_counter()
                await client.xadd(wire.commands_stream(TENANT, CONNECTION), {"": ""}, maxlen=16)
                await verified(database, command_id)
                took.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(options.pause)
            steps = await database.fetch(
                "SELECT s.state, avg(extract(epoch FROM s.at - c.sent_at)) * 1000 AS ms"
                " FROM pumpjack.command_steps s JOIN pumpjack.commands c USING (command_id)"
                " WHERE s.state IN ('accepted', 'verified') GROUP BY 1 ORDER BY 2"
            )
            rate = pipeline.status().readings_per_second
            pipeline.stop(5.0)
            await running
        await client.aclose()
        await database.close()
    show(took, rate, {step["state"]: float(step["ms"]) for step in steps}, options.output)


def show(took_ms: list[float], readings_per_s: float, steps_ms: dict[str, float], how: str) -> None:
    """Print the figures, for people or as JSON."""
    p50, p95, most = np.percentile(took_ms, (50, 95, 100))
    if how == "json":
        figures = {
            "commands": len(took_ms),
            "readings_per_s": round(readings_per_s),
            "verified_p50_ms": round(p50, 1),
            "verified_p95_ms": round(p95, 1),
            "verified_most_ms": round(most, 1),
            **{f"{state}_ms": round(ms, 1) for state, ms in steps_ms.items()},
        }
        print(json.dumps(figures))
        return
    print(f"{len(took_ms)} commands beside {readings_per_s:,.0f} readings/s")
    print(f"approved to verified: p50 {p50:.0f} ms, p95 {p95:.0f} ms, at most {most:.0f} ms")
    for state, ms in steps_ms.items():
        print(f"sent to {state}, on record: mean {ms:.0f} ms")


async def _pipeline(told: WorkerConfig, folder: Path, login: str, redis_url: str) -> Pipeline:
    async def connect() -> Ingest:
        return await Ingest.connect(login)

    async def connect_orders() -> Orders:
        return await Orders.connect(login)

    pipeline = await Pipeline.open(
        told,
        lambda _memos: ModbusTcpAdapter(told.connection, told.tags, SystemClock()),
        folder,
        connect,
        redis_url=redis_url,
        clock=SystemClock(),
        metrics=Metrics(tenant_id=TENANT, protocol="modbus-tcp", connection_id=CONNECTION),
    )
    pipeline.take_commands(connect_orders, redis_url)
    return pipeline


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=50)
    parser.add_argument("--tags", type=int, default=1_000, help="polled beside the commands")
    parser.add_argument("--interval", type=float, default=1.0, help="of their polling [s]")
    parser.add_argument("--pause", type=float, default=0.05, help="between two commands [s]")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    log.configure(level="WARNING")
    with tempfile.TemporaryDirectory(prefix="pj-bench-") as folder:
        uvloop.run(measure(options, Path(folder)))


if __name__ == "__main__":
    main()
