"""A mosquitto behind a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import MqttRig, Publisher


@pytest.fixture
async def broker() -> AsyncIterator[Mosquitto]:
    async with Mosquitto(persistence=True) as broker:
        yield broker


@pytest.fixture(params=["5", "3.1.1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def rig(broker: Mosquitto, version: str, tmp_path: Path) -> AsyncIterator[MqttRig]:
    async with FaultProxy((broker.host, broker.port)) as proxy:
        yield MqttRig(proxy, broker, version, tmp_path / "state")


@pytest.fixture
async def publisher(broker: Mosquitto) -> AsyncIterator[Publisher]:
    async with Publisher(broker.port) as publisher:
        yield publisher
