"""The contract, kept against our simulated server."""

from __future__ import annotations

from tests.workers.adapters.contract import (
    AcknowledgementContract,
    FaultContract,
    ReadingContract,
)


class TestSimulatedServer(ReadingContract, FaultContract, AcknowledgementContract):
    """With the fixture rig of conftest.py."""
