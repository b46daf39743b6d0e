"""A mosquitto with a topic for each data type, and tags that read them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, ClassVar

from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import ConnectionClock, Mqtt, ScadaConnectionSpec
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.mqtt.adapter import MqttAdapter
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import V5, Connect, Packet, Publish, encode
from pumpjack_worker.adapters.mqtt.simulated_broker import Broker
from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto
from tests.workers.adapters.contract import LOOPBACK, Rig

INTERVAL_S = 0.2
PLAIN: dict[str, tuple[str, float]] = {
    "bool": ("true", 1.0),
    "int16": ("-12345", -12345.0),
    "uint16": ("54321", 54321.0),
    "int32": ("-123456789", -123456789.0),
    "uint32": ("4000000001", 4000000001.0),
    "int64": ("-4503599627370495", -4503599627370495.0),
    "uint64": ("9007199254740991", 9007199254740991.0),
    "float32": ("1234.5", 1234.5),
    "float64": (" -9.765625e-4 ", -0.0009765625),
}
"""Data type to payload and value."""


def tag(address: str, data_type: str = "float64", name: str = "pressure", **more: Any) -> Tag:
    """A tag of the well w1."""
    return Tag("w1", name, address, data_type, INTERVAL_S, **more)


TAGS = [
    *(tag(f"pads/7/{kind}", kind, f"plain_{kind}") for kind in PLAIN),
    *(tag(f"pads/7/json;path=$.{kind}", kind, f"json_{kind}") for kind in PLAIN),
    tag("pads/7/json;path=$.deep[1]['the value']", "float64", "deep"),
]
EXPECTED = [*(value for _, value in PLAIN.values())] * 2 + [42.5]
PAYLOADS = {
    **{f"pads/7/{kind}": payload.encode() for kind, (payload, _) in PLAIN.items()},
    "pads/7/json": json.dumps(
        {kind: json.loads(payload) for kind, (payload, _) in PLAIN.items()}
        | {"deep": [0, {"the value": 42.5}]}
    ).encode(),
}
WRONG = tag("pads/+/casing", name="wrong")


class Publisher:
    """Publishes on one connection, in order, and waits until the broker has each message.

    async with Publisher(broker.port) as publisher:
        await publisher.publish(Publish(b"pads/7/casing", b"812.5", 1, 1))
    """

    def __init__(self, port: int, client_id: str = "publisher") -> None:
        self._port = port
        self._client_id = client_id
        self._packet_id = 0

    async def __aenter__(self) -> Publisher:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._packets = PacketReader(V5)
        self._writer.write(encode(Connect(self._client_id, V5, clean=True), V5))
        await self._answers(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def publish(
        self, topic: str, *payloads: bytes, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish to a topic; returns when the broker has acknowledged all (with QoS 1)."""
        await self.publish_all([(topic, payload) for payload in payloads], qos=qos, retain=retain)

    async def publish_all(
        self, messages: list[tuple[str, bytes]], *, qos: int = 1, retain: bool = False
    ) -> None:
        """Publish messages of several topics."""
        for topic, payload in messages:
            self._packet_id = self._packet_id % 65_535 + 1
            number = self._packet_id if qos else 0
            packet = Publish(topic.encode(), payload, qos, number, retain)
            self._writer.write(encode(packet, V5))
        await self._writer.drain()
        if qos:
            await self._answers(len(messages))

    async def _answers(self, number: int) -> list[Packet]:
        found: list[Packet] = []
        async with asyncio.timeout(60):
            while len(found) < number:
                data = await self._reader.read(65_536)
                if not data:
                    raise ConnectionError("the broker closed the connection of the publisher")
                found += self._packets.feed(data)
        return found


class MqttRig(Rig):
    """A mosquitto with PAYLOADS, behind a proxy. Publishing does not go through the proxy."""

    adapter = MqttAdapter
    tags = TAGS
    expected = EXPECTED
    refused = None
    wrong = WRONG
    quick: ClassVar = {"timeout": "1s", "keep_alive": "1s"}
    patient: ClassVar = {"timeout": "60s"}
    polled = False
    slow_bytes_per_s = 20_000.0

    def __init__(
        self,
        proxy: FaultProxy,
        broker: Mosquitto | Broker,
        version: str = "5",
        state: Path | None = None,
        secrets: Path | None = None,
    ) -> None:
        self.proxy = proxy
        self.broker = broker
        self.version = version
        self.state = state
        self.secrets = secrets
        self.memos: tuple[bytes, ...] = ()

    async def stir(self) -> None:
        async with Publisher(self.broker.port) as publisher:
            await publisher.publish_all(list(PAYLOADS.items()))

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(secrets=self.secrets, state=self.state, memos=self.memos)

    def connection(
        self,
        *,
        host: str | None = None,
        networks: tuple[str, ...] = LOOPBACK,
        zone: str = "UTC",
        **settings: Any,
    ) -> Connection:
        given = {"tls": False, "version": self.version, "port": self.proxy.port, **settings}
        spec = ScadaConnectionSpec(
            protocol="mqtt",
            mqtt=Mqtt(host=host or self.proxy.host, **given),
            clock=ConnectionClock(zone=zone),
        )
        return Connection("permian", "permian-ops/broker", spec, networks, "")
