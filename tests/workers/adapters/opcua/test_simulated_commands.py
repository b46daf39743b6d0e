"""A simulated server does what it is told, as far as a well can."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from pumpjack_core.errors import WriteRefused
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.opcua.simulated_field import Places, SimulatedField
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.opcua.rig import SimulatedRig

ANY = Write(low=-1e6, high=1e6)
SETPOINT = Tag("w1", "speed_setpoint", "ns=2;s=w1.setpoint", "float32", 1.0, write=ANY)
CHOKE = Tag(
    "w1",
    "choke",
    "ns=2;s=w1.choke",
    "float32",
    1.0,
    unit="%",
    write=replace(ANY, address="ns=2;s=w1.choke.set"),
)
FLOW = Tag("w1", "oil_rate", "ns=2;s=w1.flow", "float32", 1.0, write=ANY)
LOCKED = Tag("w1", "pump_running", "ns=2;s=w1.running", "bool", 1.0)


async def test_setpoints_hold_and_what_is_measured_or_not_declared_cannot_be_set() -> None:
    places = Places([SETPOINT, CHOKE, FLOW, LOCKED])
    field = SimulatedField(places.placed)
    async with SimulatedServer(places.nodes) as server:
        server.on_write(field.command)

        async def step(us: int) -> None:
            for change in field.step(us):
                await server.write(change.node, change.value, status=change.status)

        now_us = time.time_ns() // 1000
        await step(now_us)
        async with FaultProxy(("127.0.0.1", server.port)) as proxy:
            adapter = SimulatedRig(server, proxy).make(SETPOINT, CHOKE, FLOW, LOCKED)
            await adapter.connect()
            await adapter.write(SETPOINT, 7.5)
            assert await adapter.read_back(SETPOINT) == 7.5
            await adapter.write(SETPOINT, 45.0)
            assert await adapter.read_back(SETPOINT) == 20.0, "all that the drive can"
            await adapter.write(CHOKE, 25.0)
            await step(now_us + 5_000_000)
            assert await adapter.read_back(CHOKE) == 25.0
            assert await adapter.read_back(SETPOINT) == 20.0
            for tag, value in ((FLOW, 1.0), (replace(LOCKED, write=Write(states=(0, 1))), 0.0)):
                with pytest.raises(WriteRefused, match=r"BadNotWritable|BadUserAccessDenied"):
                    await adapter.write(tag, value)
            await adapter.close()
