"""A simulated device behind a proxy."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import pytest

from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from tests.faults import FaultProxy
from tests.workers.adapters.modbus_tcp.registers import COILS, INPUTS, WORDS, ModbusRig


def fill(device: SimulatedDevice, unit: int) -> None:
    """Give a unit the registers that all peers serve."""
    words = struct.pack(f">{len(WORDS)}H", *WORDS)
    device.memory(unit, Area.HOLDING).write(0, words)
    device.memory(unit, Area.INPUT).write(0, words)
    device.memory(unit, Area.COIL).write(0, bytes(COILS))
    device.memory(unit, Area.DISCRETE).write(0, bytes(INPUTS))


@pytest.fixture
def device() -> SimulatedDevice:
    device = SimulatedDevice()
    fill(device, 1)
    return device


@pytest.fixture
async def rig(device: SimulatedDevice) -> AsyncIterator[ModbusRig]:
    async with DeviceServer({0: device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            yield ModbusRig(proxy)
