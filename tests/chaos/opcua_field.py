"""An OPC UA server whose nodes count on: one that keeps a history, one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Self

from asyncua import ua

from pumpjack_core.manifests.types import (
    ConnectionClock,
    Opcua,
    ScadaConnectionSpec,
    Writes,
)
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.chaos import level
from tests.chaos.ledger import Ledger, now_us
from tests.chaos.level import Written

TENANT, CONNECTION, WELL = "bakken", "bakken-ops/station", "pad7-1"
KEPT, UNKEPT = "ns=2;s=well-1.kept", "ns=2;s=well-1.unkept"
LEVEL, SETPOINT = "ns=2;s=well-1.level", "ns=2;s=well-1.setpoint"
PAUSE_S = 0.1
HALF = 0.5
"""What the node without a history shows is a half more: a value tells which node it is of."""


class OpcuaField:
    """One server. The well has the name of a well of another tenant."""

    tags = (
        Tag(WELL, "kept", KEPT, "float64", 0.01),
        Tag(WELL, "unkept", UNKEPT, "float64", 0.01),
        level.level(WELL, LEVEL, "float64", 0.01),
        level.setpoint(WELL, SETPOINT, "float64"),
    )

    def __init__(self) -> None:
        self.kept = Ledger(TENANT, CONNECTION, WELL, "kept")
        self.unkept = Ledger(TENANT, CONNECTION, WELL, "unkept")
        self.ledgers = (self.kept, self.unkept)
        self.server = SimulatedServer(
            {
                KEPT: SimulatedNode(value=0.0, history=True),
                UNKEPT: SimulatedNode(value=0.0),
                LEVEL: SimulatedNode(value=50.0, history=True),
                SETPOINT: SimulatedNode(value=0.0, writable=True),
            }
        )
        self.written: list[Written] = []
        self._stopping = False
        self._counting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        self.server.on_write(self._taken)
        self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.server.__aexit__()

    @property
    def address(self) -> tuple[str, int]:
        """Where the worker finds the server."""
        return (self.server.host, self.server.port)

    def spec(self, port: int) -> ScadaConnectionSpec:
        """The connection, at a port of this machine."""
        target = Opcua(
            endpoint=f"opc.tcp://127.0.0.1:{port}/pumpjack",
            security="None",
            timeout="2s",
            publishing_interval="100ms",
            queue_size=1000,
        )
        return ScadaConnectionSpec(
            protocol="opcua",
            opcua=target,
            clock=ConnectionClock(),
            writes=Writes(enabled=True),
        )

    def begin(self) -> None:
        """Count from now on."""
        self._counting = asyncio.create_task(self._count_on(), name="opcua device")

    async def stop(self) -> None:
        """Count no more."""
        self._stopping = True
        if self._counting is not None:
            await self._counting

    async def _count_on(self) -> None:
        number = 0
        while not self._stopping:
            number += 1
            at_us = now_us()
            self.kept.send(float(number), at_us)
            self.unkept.send(number + HALF, at_us)
            await self.server.write(KEPT, float(number), source_us=at_us)
            await self.server.write(UNKEPT, number + HALF, source_us=at_us)
            await self.server.write(LEVEL, level.level_at(at_us), source_us=at_us)
            await asyncio.sleep(PAUSE_S)

    def _taken(self, _node: str, value: float) -> float:
        self.written.append(Written(now_us(), value))
        return value

    def _listen(self) -> None:
        """Take down what clients acknowledge: our server forgets it then."""
        service = self.server.subscriptions
        acknowledge = service.publish

        def publish(acks: Iterable[ua.SubscriptionAcknowledgement]) -> Any:
            acks = list(acks)
            for ack in acks:
                self._promised(ack)
            return acknowledge(acks)

        service.publish = publish  # type: ignore[method-assign]

    def _promised(self, ack: ua.SubscriptionAcknowledgement) -> None:
        subscription = self.server.subscriptions.subscriptions.get(ack.SubscriptionId)
        kept = subscription._not_acknowledged_results if subscription is not None else {}
        result = kept.get(ack.SequenceNumber)
        for data in result.NotificationMessage.NotificationData if result is not None else ():
            for item in getattr(data, "MonitoredItems", ()):
                value = item.Value.Value.Value
                ledger = self.unkept if value % 1 else self.kept
                if value in ledger.sent:
                    ledger.promised.add(value)
