"""A connection whose tags can be written: real database and Redis, a device, and requests."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import redis.asyncio

from pumpjack_core import wire
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import WorkerConfig, worker_config
from pumpjack_core.errors import StorageUnavailable
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.storage.commands import Orders
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Tag, TagTable, Write
from pumpjack_worker.adapters.modbus_tcp.adapter import ModbusTcpAdapter
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline
from tests.workers.pipeline.scripted import Worker, until

TENANT, CONNECTION = "permian", "ops/plc"
ENDS = ("verified", "mismatch", "timeout", "refused", "expired", "rejected")
_keys = itertools.count(1)


def speed(**more: Any) -> Tag:
    """A pump's speed in tenths of a hertz, in one register."""
    write = Write(low=0.0, high=60.0, verify_s=more.pop("verify_s", 1.0))
    return Tag("a1", "speed", "holding:@0", "int16", 0.1, unit="Hz", scale=0.1, write=write, **more)


def valve(**more: Any) -> Tag:
    """A coil."""
    return Tag("a1", "valve", "coil:@0", "bool", 0.1, write=Write(states=(0, 1)), **more)


def flow() -> Tag:
    """What can only be read."""
    return Tag("a1", "flow", "holding:@1", "int16", 0.1)


TAGS = (speed(), valve(), flow())


def pump() -> SimulatedDevice:
    """A device with these registers, at 30 Hz, its valve shut."""
    device = SimulatedDevice()
    device.memory(1, Area.HOLDING).write(0, (300).to_bytes(2, "big") + bytes(4))
    device.memory(1, Area.COIL).write(0, bytes(2))
    return device


def shown(device: SimulatedDevice) -> float:
    """What the device's register says [Hz]."""
    content = device.memory(1, Area.HOLDING).stored(0, 1)
    assert content is not None
    return int.from_bytes(content, "big") / 10


class Site:
    """One connection of one tenant, as gateways and its worker see it."""

    def __init__(self, database: asyncpg.Connection, writer_url: str, redis_url: str) -> None:
        self.database, self.writer_url, self.redis_url = database, writer_url, redis_url
        self.redis = redis.asyncio.from_url(redis_url)
        self.port = 0
        self.reachable = True
        """Whether the worker's commands find the database."""
        self.orders: type[Orders] = Orders
        self._sessions: list[Orders] = []

    def config(
        self, tags: Sequence[Tag] = TAGS, *, writes: bool = True, **spec: Any
    ) -> WorkerConfig:
        """What the worker is told."""
        target = ModbusTcp(host="127.0.0.1", port=self.port, unit_id=1, timeout="300ms", retries=0)
        given = {
            "protocol": "modbus-tcp",
            "modbus_tcp": target,
            **spec,
        }
        return worker_config(
            tenant_id=TENANT,
            connection_id=CONNECTION,
            spec=ScadaConnectionSpec(**given),
            allowed_networks=("127.0.0.0/8",),
            tags=TagTable(tuple(tags)),
            writes=writes,
        )

    async def worker(self, folder: Path, config: WorkerConfig | None = None) -> Worker:
        """A worker of this process that runs."""
        told = config or self.config()
        made: list[ModbusTcpAdapter] = []

        def adapter(_memos: tuple[bytes, ...]) -> ModbusTcpAdapter:
            made.append(ModbusTcpAdapter(told.connection, told.tags, SystemClock()))
            return made[0]

        async def connect() -> Ingest:
            return await Ingest.connect(self.writer_url)

        pipeline = await Pipeline.open(
            told,
            adapter,
            folder,
            connect,
            redis_url=self.redis_url,
            clock=SystemClock(),
            metrics=Metrics(tenant_id=TENANT, protocol="modbus-tcp", connection_id=CONNECTION),
        )
        pipeline.take_commands(self.connect_orders, self.redis_url)
        worker = Worker(pipeline, made[0])  # type: ignore[arg-type]
        await self.declared(pipeline)
        return worker

    async def connect_orders(self) -> Orders:
        """A session of the commands loop."""
        if not self.reachable:
            raise StorageUnavailable("cannot reach the database: connection refused")
        self._sessions.append(await self.orders.connect(self.writer_url))
        return self._sessions[-1]

    def cut(self) -> None:
        """The worker's commands find no database from now on."""
        self.reachable = False
        for session in self._sessions:
            session._connection.terminate()

    async def declared(self, pipeline: Pipeline) -> None:
        """Wait until the database knows what this worker reads, and what can be written."""

        async def known() -> bool:
            fence = await self.database.fetchval("SELECT fence FROM pumpjack.connection_definition")
            return fence is not None and fence == pipeline.writer.fence

        await until(known)

    async def request(
        self, value: float, tag: str = "speed", *, expires_s: float = 60.0, wake: bool = True
    ) -> UUID:
        """Ask for a value, as a gateway does."""
        row = await self.database.fetchrow(
            "SELECT * FROM pumpjack.request_command"
            "($1, 'ann', 'operator', 'a1', $2, $3, 'a test', $4, $5)",
            TENANT,
            tag,
            value,
            f"key-{next(_keys)}",
            expires_s,
        )
        assert row is not None
        assert row["code"] is None, row["problem"]
        if wake:
            await self.wake()
        return UUID(str(row["command_id"]))

    async def wake(self) -> None:
        """Wake the worker, as a gateway does."""
        await self.redis.xadd(wire.commands_stream(TENANT, CONNECTION), {"": ""}, maxlen=16)

    async def claimed_before(self, value: float, *, expires_s: float = 2.0) -> UUID:
        """A command that an earlier worker has claimed, and then was never heard of again."""
        command = await self.request(value, expires_s=expires_s, wake=False)
        fence = await self.database.fetchval(
            "SELECT fence FROM pumpjack.connection WHERE connection_id = $1", CONNECTION
        )
        earlier = await Orders.connect(self.writer_url)
        claim = await earlier.claim_command(CONNECTION, fence)
        assert claim is not None
        assert claim.command_id == command
        await earlier.close()
        return command

    async def requested_without_a_worker(self, value: float, folder: Path) -> UUID:
        """A command that was asked for while no worker ran."""
        await (await self.worker(folder / "journal")).stop()
        return await self.request(value, wake=False)

    async def forget(self, command: UUID, state: str) -> None:
        """The database has lost all that came after a state (approved, sent)."""
        await self.database.execute(
            "WITH lost AS (DELETE FROM pumpjack.command_steps WHERE command_id = $1 AND change_no >"
            " (SELECT change_no FROM pumpjack.command_steps WHERE command_id = $1 AND state = $2))"
            " UPDATE pumpjack.commands SET state = $2, done_at = NULL WHERE command_id = $1",
            command,
            state,
        )

    async def steps(self, command: UUID) -> list[str]:
        """The states that a command went through."""
        rows = await self.database.fetch(
            "SELECT state FROM pumpjack.command_steps WHERE command_id = $1 ORDER BY change_no",
            command,
        )
        return [row["state"] for row in rows]

    async def end(self, command: UUID) -> tuple[str, dict[str, Any]]:
        """Wait for the end of a command: its state, and what was told with it."""

        async def over() -> asyncpg.Record | None:
            row = await self.database.fetchrow(
                "SELECT state, detail FROM pumpjack.command_steps"
                " WHERE command_id = $1 ORDER BY change_no DESC LIMIT 1",
                command,
            )
            return row if row is not None and row["state"] in ENDS else None

        found: list[asyncpg.Record] = []

        async def ended() -> bool:
            row = await over()
            found.extend([] if row is None else [row])
            return row is not None

        await until(ended, 60.0)
        return found[0]["state"], msgspec.json.decode(found[0]["detail"])
