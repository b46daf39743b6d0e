"""The contract, kept against our simulated server."""

from __future__ import annotations

from tests.workers.adapters.contract import (
    AcknowledgementContract,
    FaultContract,
    ReadingContract,
    WritingContract,
)


class TestSimulatedServer(ReadingContract, FaultContract, AcknowledgementContract, WritingContract):
    """With the fixture rig of conftest.py."""
