"""The contract, kept against our simulated device."""

from __future__ import annotations

from tests.workers.adapters.contract import FaultContract, ReadingContract, WritingContract


class TestSimulatedDevice(ReadingContract, FaultContract, WritingContract):
    """With the fixture rig of conftest.py."""
