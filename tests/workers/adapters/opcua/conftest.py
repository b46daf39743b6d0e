"""A simulated server behind a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.opcua.rig import NODES, SimulatedRig


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    nodes = {node: SimulatedNode(*what, writable=True) for node, what in NODES.items()}
    async with SimulatedServer(nodes) as server:
        yield server


@pytest.fixture
async def rig(server: SimulatedServer) -> AsyncIterator[SimulatedRig]:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        yield SimulatedRig(server, proxy)
