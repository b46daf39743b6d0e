"""Publishes to a broker that is there already, with QoS 1; comes again when it was away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from pumpjack_worker.adapters.mqtt import packets, properties
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import V5
from pumpjack_worker.adapters.mqtt.properties import Malformed
from pumpjack_worker.adapters.mqtt.simulated_session import Message, Outgoing, Session

ANSWER_LIMIT_S = 5.0
AGAIN_S = 1.0
KEEP_ALIVE_S = 30
SESSION_S = 3_600
LAST_WORDS_S = 2.0
"""How long the end waits for the broker to take what was published."""
PIECE = 65_536
SUBSCRIBE_ID = 65_535
"""Packet id of its one subscription; what it publishes has others, unless as many wait."""


class Publisher:
    """A client that publishes. What the broker did not take waits, within a session's bounds.

    topics   what it listens to, for on_message(topic, payload)
    refused  messages that found no room, because the broker was away for too long
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        *,
        login: tuple[str, str] | None = None,
        tell: Callable[[str], None],
        topics: Sequence[str] = (),
        on_message: Callable[[str, bytes], None] | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._login = login
        self._tell = tell
        self._topics = tuple(topics)
        self._on_message = on_message
        self._outbox = Session(client_id)
        self._work = asyncio.Event()
        self._taken = asyncio.Event()
        self._outage = ""  # what was told of it, so that it is told once
        self.refused = 0

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish as soon as the broker takes it."""
        if not self._outbox.keep(Outgoing(Message(topic, payload, 1), 1)):
            self.refused += 1
        self._taken.clear()
        self._work.set()

    async def run(self) -> None:
        """Publish until cancelled; what was published last still gets LAST_WORDS_S."""
        while True:
            try:
                await self._connected()
            except (OSError, EOFError, TimeoutError, Malformed) as error:
                what = str(error) or type(error).__name__
                if what != self._outage:
                    self._tell(f"the broker at {self._host}:{self._port} is away: {what}")
                self._outage = what
                await asyncio.sleep(AGAIN_S)

    async def finish(self) -> None:
        """Wait a moment until the broker has everything."""
        if self._outbox.waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    await self._taken.wait()

    async def _connected(self) -> None:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            incoming = PacketReader(V5)
            came = await self._enter(reader, writer, incoming)
            await self._converse(reader, writer, incoming, came)
        finally:
            writer.transport.abort()

    async def _enter(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, incoming: PacketReader
    ) -> list[packets.Packet]:
        """Log in; what the broker said after that already."""
        name, password = self._login or (None, None)
        hello = packets.Connect(
            self._outbox.client_id,
            V5,
            keep_alive_s=KEEP_ALIVE_S,
            username=name,
            password=None if password is None else password.encode(),
            properties={properties.SESSION_EXPIRY: SESSION_S},
        )
        writer.write(packets.encode(hello, V5))
        came: list[packets.Packet] = []
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while not came:
                came = incoming.feed(await _piece(reader))
        answer = came[0]
        if not isinstance(answer, packets.Connack) or answer.code:
            code = answer.code if isinstance(answer, packets.Connack) else 0
            raise ConnectionError(f"it refuses the simulator with code 0x{code:02x}")
        self._outage = ""
        if self._topics:
            wanted = tuple(packets.Subscription(topic) for topic in self._topics)
            writer.write(packets.encode(packets.Subscribe(SUBSCRIBE_ID, wanted), V5))
        self._outbox.begin(answer.properties.get(properties.RECEIVE_MAXIMUM, 65_535))
        self._work.set()
        return came[1:]

    async def _converse(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        incoming: PacketReader,
        came: list[packets.Packet],
    ) -> None:
        async def listen(came: list[packets.Packet]) -> None:
            while True:
                for packet in came:
                    match packet:
                        case packets.Puback():
                            self._outbox.acknowledged(packet.packet_id)
                            self._work.set()
                        case packets.Publish():
                            if packet.qos:
                                writer.write(packets.encode_pubacks([packet.packet_id]))
                            if self._on_message is not None:
                                self._on_message(packet.topic.decode(), packet.payload)
                        case packets.Disconnect():
                            raise EOFError(f"it sent us away with code 0x{packet.code:02x}")
                if not self._outbox.waiting:
                    self._taken.set()
                came = incoming.feed(await _piece(reader))

        async def speak() -> None:
            while True:
                self._work.clear()
                while sending := self._outbox.next_sending(0.0):
                    message = sending.outgoing.message
                    topic = message.topic.encode()
                    packet = packets.Publish(
                        topic, message.payload, 1, sending.packet_id, dup=sending.again
                    )
                    writer.write(packets.encode(packet, V5))
                    await writer.drain()
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S / 2):
                        await self._work.wait()
                except TimeoutError:
                    writer.write(packets.encode(packets.Pingreq(), V5))

        why: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(listen(came))
                both.create_task(speak())
        except* (OSError, EOFError, Malformed) as errors:
            why = errors.exceptions[0]
        if why is not None:  # some Pythons wrap what is raised within except*
            raise why


async def _piece(reader: asyncio.StreamReader) -> bytes:
    piece = await reader.read(PIECE)
    if not piece:
        raise EOFError("it closed the connection")
    return piece
