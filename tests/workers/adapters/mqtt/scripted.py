"""A broker that does what a test tells it, for what a real one can hardly be made to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import (
    V5,
    Connack,
    Connect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
    encode,
)

PATIENCE_S = 60.0


class ScriptedBroker:
    """Lets in whoever comes and grants what is asked for, unless it is told otherwise.

    connack   what CONNECT is answered with; None: with nothing
    greeting  what is sent right behind that
    refused   filter to the code that its subscription gets
    pings     whether PINGREQ is answered
    got       every packet that came, in order
    """

    host = "127.0.0.1"

    def __init__(self, connack: Connack | None = None) -> None:
        self.connack: Connack | None = connack or Connack(False, 0)
        self.greeting: list[Packet] = []
        self.refused: Mapping[str, int] = {}
        self.pings = True
        self.got: list[Packet] = []
        self.port = 0
        self._version: Version = V5
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()
        await asyncio.sleep(0)

    def send(self, *packets: Packet) -> None:
        """Send packets to the client that came last."""
        assert self._writer is not None
        self._writer.write(b"".join(encode(packet, self._version) for packet in packets))

    def send_raw(self, content: bytes) -> None:
        """Send bytes."""
        assert self._writer is not None
        self._writer.write(content)

    def hang_up(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that packets bring about."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(holds)

    @property
    def acknowledged(self) -> list[int]:
        """Packet ids of the PUBACKs, in order."""
        return [packet.packet_id for packet in self.got if isinstance(packet, Puback)]

    @property
    def subscribed(self) -> list[str]:
        """All filters of all SUBSCRIBEs, in order."""
        return [
            one.filter
            for packet in self.got
            if isinstance(packet, Subscribe)
            for one in packet.subscriptions
        ]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        packets = PacketReader(None)
        try:
            while data := await reader.read(65_536):
                for packet in packets.feed(data):
                    self._version = packets.version or V5
                    self._answer(packet)
                    self.got.append(packet)
                async with self._news:
                    self._news.notify_all()
        except OSError:
            pass
        finally:
            writer.close()

    def _answer(self, packet: Packet) -> None:
        if isinstance(packet, Connect):
            if self.connack is not None:
                self.send(self.connack, *self.greeting)
        elif isinstance(packet, Subscribe):
            codes = tuple(self.refused.get(one.filter, one.qos) for one in packet.subscriptions)
            self.send(Suback(packet.packet_id, codes))
        elif isinstance(packet, Unsubscribe):
            codes = (0,) * len(packet.filters) if self._version == V5 else ()
            self.send(Unsuback(packet.packet_id, codes))
        elif isinstance(packet, Pingreq) and self.pings:
            self.send(Pingresp())
