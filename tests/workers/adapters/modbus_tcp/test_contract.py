"""The contract, kept against our simulated device."""

from __future__ import annotations

from tests.workers.adapters.contract import FaultContract, ReadingContract


class TestSimulatedDevice(ReadingContract, FaultContract):
    """With the fixture rig of conftest.py."""
