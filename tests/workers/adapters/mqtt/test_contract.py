"""The contract, kept against a real mosquitto, with MQTT 5 and with 3.1.1."""

from __future__ import annotations

import pytest

from tests.workers.adapters.contract import (
    AcknowledgementContract,
    FaultContract,
    ReadingContract,
)

pytestmark = pytest.mark.peers


class TestMosquitto(ReadingContract, FaultContract, AcknowledgementContract):
    """With the fixture rig of conftest.py."""
