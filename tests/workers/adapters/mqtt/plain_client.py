"""A client that does exactly what a test says: no acknowledgement, no ping by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from pumpjack_worker.adapters.mqtt import packets, properties
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import V5, Packet, Publish, Version

LIMIT_S = 60.0
QUIET_S = 0.3
"""How long a test listens before it says that nothing more comes."""
SESSION_S = 600

Kind = TypeVar("Kind")


class PlainClient:
    """One connection; async with closes it without DISCONNECT.

    answer  the broker's CONNACK
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: Version
    ):
        self._stream, self._writer, self._version = reader, writer, version
        self._packets = PacketReader(version, most_payload=32 << 20)
        self._came: list[Packet] = []
        self._last_id = 0
        self.answer = packets.Connack(False, 0x80)

    @classmethod
    async def connect(
        cls,
        port: int,
        client_id: str,
        *,
        version: Version = V5,
        clean: bool = False,
        keep_alive_s: int = 60,
        login: tuple[str, str] | None = None,
        told: Mapping[int, Any] | None = None,
    ) -> Self:
        """Connect, with a session that lasts unless told otherwise."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self = cls(reader, writer, version)
        username, password = login or (None, None)
        await self.send(
            packets.Connect(
                client_id,
                version,
                clean,
                keep_alive_s,
                username,
                password.encode() if password is not None else None,
                {properties.SESSION_EXPIRY: SESSION_S} if told is None else told,
            )
        )
        self.answer = await self.next(packets.Connack)
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def send(self, packet: Packet) -> None:
        """Write a packet."""
        self._writer.write(packets.encode(packet, self._version))
        await self._writer.drain()

    async def receive(self) -> Packet:
        """The next packet. Raises EOFError when the broker closed, TimeoutError after LIMIT_S."""
        async with asyncio.timeout(LIMIT_S):
            while not self._came:
                data = await self._stream.read(65_536)
                if not data:
                    raise EOFError
                self._came += self._packets.feed(data)
        return self._came.pop(0)

    async def next(self, kind: type[Kind]) -> Kind:
        """The next packet, which must be of this kind."""
        packet = await self.receive()
        assert isinstance(packet, kind), packet
        return packet

    async def subscribe(self, *wanted: str | packets.Subscription) -> tuple[int, ...]:
        """Subscribe with QoS 1; the codes."""
        each = [packets.Subscription(one) if isinstance(one, str) else one for one in wanted]
        await self.send(packets.Subscribe(1, tuple(each)))
        return (await self.next(packets.Suback)).codes

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> packets.Puback:
        """Publish with QoS 1, until the broker has it."""
        self._last_id += 1
        await self.send(Publish(topic.encode(), payload, 1, self._last_id, retain))
        return await self.next(packets.Puback)

    async def acknowledge(self, *messages: Publish) -> None:
        """Take messages."""
        for message in messages:
            await self.send(packets.Puback(message.packet_id))

    async def messages(self, count: int) -> list[Publish]:
        """So many messages, not acknowledged."""
        return [await self.next(Publish) for _ in range(count)]

    async def acknowledged(self, count: int) -> list[Publish]:
        """So many messages, each acknowledged when it came."""
        found: list[Publish] = []
        while len(found) < count:
            found.append(await self.next(Publish))
            await self.acknowledge(found[-1])
        return found

    async def assert_quiet(self) -> None:
        """Nothing more comes."""
        try:
            async with asyncio.timeout(QUIET_S):
                packet = await self.receive()
        except TimeoutError:
            return
        raise AssertionError(f"not quiet: {packet}")

    async def ended(self) -> int | None:
        """Read until the broker closes: the code of its DISCONNECT, None without one."""
        code = None
        try:
            while True:
                packet = await self.receive()
                if isinstance(packet, packets.Disconnect):
                    code = packet.code
        except (EOFError, ConnectionError):
            return code
