"""A controller of python-snap7's behind a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_worker.adapters.s7.address import Area
from pumpjack_worker.adapters.s7.simulated_plc import SimulatedPlc
from tests.faults import FaultProxy
from tests.workers.adapters.s7.rig import BLOCK, MEMORY, OUTPUTS, S7Rig


@pytest.fixture
def plc() -> Iterator[tuple[SimulatedPlc, int]]:
    """A controller, and its port."""
    (port,) = free_ports(1)
    with SimulatedPlc([]) as plc:
        plc.register((Area.BLOCK, 12), len(BLOCK))[:] = BLOCK
        plc.register((Area.MEMORY, 0), len(MEMORY))[:] = MEMORY
        plc.register((Area.OUTPUT, 0), len(OUTPUTS))[:] = OUTPUTS
        plc.listen("127.0.0.1", port)
        yield plc, port


@pytest.fixture
async def rig(plc: tuple[SimulatedPlc, int]) -> AsyncIterator[S7Rig]:
    async with FaultProxy(("127.0.0.1", plc[1])) as proxy:
        yield S7Rig(proxy)
