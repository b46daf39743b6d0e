"""Adapters for tests, and what they read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.errors import NotConnected
from pumpjack_core.manifests.types import ConnectionClock, Mqtt, ScadaConnectionSpec
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import Delivery, Surroundings
from pumpjack_worker.adapters.mqtt.adapter import MqttAdapter

PATIENCE_S = 60.0


def connection(
    port: int,
    *,
    zone: str = "UTC",
    source: Literal["device", "server", "receipt"] = "device",
    name: str = "broker",
    **settings: Any,
) -> Connection:
    """A connection to a broker on this machine."""
    given = {"host": "127.0.0.1", "tls": False, "port": port, **settings}
    spec = ScadaConnectionSpec(
        protocol="mqtt", mqtt=Mqtt(**given), clock=ConnectionClock(zone=zone, source=source)
    )
    return Connection("permian", f"permian-ops/{name}", spec, ("127.0.0.0/8",), "")


def make(
    port: int,
    *tags: Tag,
    state: Path | None = None,
    secrets: Path | None = None,
    memos: Sequence[bytes] = (),
    clock: Clock | None = None,
    **settings: Any,
) -> MqttAdapter:
    """An adapter for these tags."""
    return MqttAdapter(
        connection(port, **settings),
        TagTable(tags),
        clock or SystemClock(),
        Surroundings(secrets=secrets, state=state, memos=tuple(memos)),
    )


async def deliver(adapter: MqttAdapter) -> Delivery:
    """The next delivery, not acknowledged."""
    async with asyncio.timeout(PATIENCE_S):
        return await adapter.read_batch()


async def take(adapter: MqttAdapter, values: int) -> list[Delivery]:
    """Deliveries until so many values came; each is acknowledged."""
    found: list[Delivery] = []
    while sum(len(one.batch) for one in found) < values:
        found.append(await deliver(adapter))
        await found[-1].ack()
    return found


async def values(adapter: MqttAdapter, number: int) -> list[float]:
    """The next values, acknowledged."""
    return [value for one in await take(adapter, number) for value in one.batch.value.tolist()]


async def lost(adapter: MqttAdapter) -> NotConnected:
    """How the loss of the session is told."""
    while True:
        try:
            await (await deliver(adapter)).ack()
        except NotConnected as error:
            return error
