"""A simulated PLC does what it is told, as far as a well can."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from pumpjack_core.errors import WriteRefused
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer
from pumpjack_worker.adapters.modbus_tcp.simulated_plc import SimulatedPlc, place
from tests.faults import FaultProxy
from tests.workers.adapters.modbus_tcp.registers import ModbusRig

ANY = Write(low=-1e6, high=1e6)
SETPOINT = Tag("w1", "speed_setpoint", "holding:40001", "int16", 1.0, scale=0.1, write=ANY)
SPEED = Tag(
    "w1", "pump_speed", "input:30001", "float32", 1.0, write=replace(ANY, address="holding:40001")
)
VALVE = Tag("w1", "wing_valve", "coil:1", "bool", 1.0, write=Write(states=(0, 1)))
RUNNING = Tag("w1", "pump_running", "holding:40010.3", "bool", 1.0, write=Write(states=(0, 1)))
TRIPPED = Tag("w1", "tripped", "holding:40010.4", "bool", 1.0)
FLOW = Tag("w1", "oil_rate", "holding:40020", "float32", 1.0, write=ANY)
LOCKED = Tag("w1", "choke", "holding:40030", "float32", 1.0, unit="%")


@pytest.fixture
def plc() -> SimulatedPlc:
    plc = SimulatedPlc(place([SETPOINT, VALVE, RUNNING, TRIPPED, FLOW, LOCKED], 1))
    plc.step(time.time_ns() // 1000)
    return plc


@pytest.fixture
async def adapter(plc: SimulatedPlc) -> AsyncIterator[Adapter]:
    async with DeviceServer({0: plc.device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            adapter = ModbusRig(proxy).make(SETPOINT, VALVE, RUNNING, TRIPPED, FLOW, LOCKED)
            await adapter.connect()
            yield adapter
            await adapter.close()


async def test_what_is_set_is_shown_at_once_and_stays(plc: SimulatedPlc, adapter: Adapter) -> None:
    for tag, value in ((SETPOINT, 7.5), (VALVE, 0.0), (RUNNING, 0.0)):
        await adapter.write(tag, value)
        assert await adapter.read_back(tag) == pytest.approx(value)
    plc.step(time.time_ns() // 1000 + 60_000_000)
    for tag, value in ((SETPOINT, 7.5), (VALVE, 0.0), (RUNNING, 0.0)):
        assert await adapter.read_back(tag) == pytest.approx(value)


async def test_it_takes_no_more_than_its_drive_can(adapter: Adapter) -> None:
    await adapter.write(SETPOINT, 45.0)
    assert await adapter.read_back(SETPOINT) == pytest.approx(20.0)


async def test_one_that_lies_shows_what_it_showed(plc: SimulatedPlc, adapter: Adapter) -> None:
    before = await adapter.read_back(SETPOINT)
    plc.device.flaws.lies = True
    await adapter.write(SETPOINT, 7.5)
    plc.step(time.time_ns() // 1000)
    assert await adapter.read_back(SETPOINT) == before


async def test_what_is_measured_or_not_declared_cannot_be_set(adapter: Adapter) -> None:
    for tag in (FLOW, replace(LOCKED, write=ANY)):
        with pytest.raises(WriteRefused, match="illegal data address"):
            await adapter.write(tag, 1.0)


async def test_a_speed_is_set_in_one_register_and_followed_in_another() -> None:
    plc = SimulatedPlc(place([SPEED, replace(RUNNING, address="coil:9")], 1))
    now_us = time.time_ns() // 1000
    plc.step(now_us)
    async with DeviceServer({0: plc.device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            adapter = ModbusRig(proxy).make(SPEED)
            await adapter.connect()
            await adapter.write(SPEED, 3.0)
            for second in range(1, 20):
                plc.step(now_us + second * 1_000_000)
            assert await adapter.read_back(SPEED) == pytest.approx(3.0, rel=0.1)
            await adapter.close()
