"""One TCP or TLS session with a broker: bytes out, packets in, and whether it still lives.

Messages wait in an inbox that is bounded: past the bound nothing is read from the socket.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast

from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Oversized,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
    encode,
    encode_pubacks,
)
from pumpjack_worker.adapters.mqtt.properties import Malformed
from pumpjack_worker.adapters.mqtt.reasons import disconnected

INBOX_MESSAGES = 4_000
INBOX_BYTES = 8 << 20
FLUSH_S = 0.5
"""How long what was written last may take to leave before the connection is cut."""
_LOGIN = 0
"""Stands for CONNECT, which has no packet id, among the requests."""

Message = Publish | Oversized
Answer = Connack | Suback | Unsuback | Puback


class Link(asyncio.Protocol):
    """A session's connection.

    inbox    messages in the order in which they came
    unacknowledged  how many messages with QoS 1 came and were not acknowledged
    lost     why it ended, None while it is there
    on_news  told when a message came or the session ended
    """

    def __init__(
        self,
        peer: str,
        client_id: str,
        version: Version,
        *,
        most_payload: int,
        keep_alive_s: float,
        timeout_s: float,
        on_news: Callable[[], None],
    ) -> None:
        self._peer = peer
        self._client_id = client_id
        self._version = version
        self._reader = PacketReader(version, most_payload=most_payload)
        self._keep_alive_s = keep_alive_s
        self._timeout_s = timeout_s
        self._on_news = on_news
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._bytes = 0
        self._requests: dict[int, tuple[asyncio.Future[Answer], float]] = {}
        self._next_id = 0
        self._pings: deque[Callable[[], None] | None] = deque()
        self._heard_at = self._sent_at = self._loop.time()
        self._asked_at: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None
        self.inbox: deque[Message] = deque()
        self.unacknowledged = 0
        self.lost: NotConnected | None = None

    @property
    def is_full(self) -> bool:
        """Whether nothing is read any more until messages are taken."""
        return self._paused

    # What we say

    def login(self, packet: Connect) -> asyncio.Future[Answer]:
        """Send CONNECT; the future gives its Connack."""
        return self._request(_LOGIN, encode(packet, self._version))

    def subscribe(self, packet: Subscribe) -> asyncio.Future[Answer]:
        """Send SUBSCRIBE; the future gives its Suback."""
        return self._request(packet.packet_id, encode(packet, self._version))

    def unsubscribe(self, packet: Unsubscribe) -> asyncio.Future[Answer]:
        """Send UNSUBSCRIBE; the future gives its Unsuback."""
        return self._request(packet.packet_id, encode(packet, self._version))

    def publish(self, packet: Publish) -> asyncio.Future[Answer]:
        """Send PUBLISH with QoS 1; the future gives its Puback."""
        return self._request(packet.packet_id, encode(packet, self._version))

    def next_id(self) -> int:
        """A packet id for a request that no other request under way has."""
        while True:
            self._next_id = self._next_id % 65_535 + 1
            if self._next_id not in self._requests:
                return self._next_id

    def acknowledge(self, packet_ids: list[int]) -> None:
        """Send PUBACK for each, in this order."""
        self.unacknowledged -= len(packet_ids)
        self._write(encode_pubacks(packet_ids))

    def ping(self, then: Callable[[], None] | None = None) -> None:
        """Send PINGREQ. then: called once the broker has dealt with all that was sent before."""
        self._pings.append(then)
        self._write(encode(Pingreq(), self._version))

    def keep_alive(self, keep_alive_s: float) -> None:
        """The broker wants to hear from us more often."""
        self._keep_alive_s = min(self._keep_alive_s, keep_alive_s)
        self._look()

    def take(self, most: int, most_bytes: int) -> list[Message]:
        """The oldest messages, at least one; reads on from the socket where there is room again.

        most_bytes  of their payloads, unless one alone has more
        """
        inbox = self.inbox
        if len(inbox) <= most and self._bytes <= most_bytes:
            found = list(inbox)
            inbox.clear()
            self._bytes = 0
        else:
            found = []
            taken = 0
            while inbox and len(found) < most:
                taken += _size(inbox[0])
                if found and taken > most_bytes:
                    break
                found.append(inbox.popleft())
            self._bytes -= sum(_size(message) for message in found)
        if self._paused and self._has_room() and self._transport is not None:
            self._paused = False
            self._heard_at = self._loop.time()
            until = self._heard_at + self._timeout_s
            self._requests = {at: (one, until) for at, (one, _) in self._requests.items()}
            self._transport.resume_reading()
        return found

    def leave(self) -> None:
        """Say goodbye and end the session's connection; the broker keeps the session."""
        if self.lost is None and self._transport is not None:
            self._write(encode(Disconnect(), self._version))
        self.end(NotConnected(f"{self._peer}: the session was closed", reason="Closed"))

    def end(self, why: NotConnected) -> None:
        """End the connection; whoever waits for an answer is told why."""
        if self.lost is not None:
            return
        self.lost = why
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.close()
            self._cut = self._loop.call_later(FLUSH_S, self._transport.abort)
        for waiting, _ in self._requests.values():
            if not waiting.done():
                waiting.set_exception(why)
                waiting.exception()  # told through lost as well, where nobody waits
        self._requests.clear()
        self._on_news()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        # uvloop's transports are no subclass of asyncio.Transport
        self._transport = cast(asyncio.Transport, transport)
        self._heard_at = self._sent_at = self._loop.time()
        self._look()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came, cut anyhow."""
        if self.lost is not None:
            return
        self._heard_at = self._loop.time()
        self._asked_at = None
        try:
            packets = self._reader.feed(data)
        except Malformed as error:
            self._garbled(f"sent {error}")
            return
        for packet in packets:
            if _LOGIN in self._requests and not isinstance(packet, (Connack, Disconnect)):
                self._garbled(f"sent {type(packet).__name__.upper()} before CONNACK")
                return
            if isinstance(packet, (Publish, Oversized)):
                if packet.qos > 1:
                    self._garbled("sent a message with QoS 2, which was not subscribed to")
                    return
                self.inbox.append(packet)
                self._bytes += _size(packet)
                if packet.qos:
                    self.unacknowledged += 1
            else:
                self._take(packet)
        if not self._paused and not self._has_room() and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self.inbox:
            self._on_news()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection ended."""
        if self._cut is not None:
            self._cut.cancel()  # Python 3.11.2 fails on aborting what is closed
        said = f" ({exc})" if exc else ""
        self.end(
            NotConnected(
                f"the broker {self._peer} closed the connection{said}{self._hint()}",
                reason="TlsFailed" if isinstance(exc, ssl.SSLError) else "Closed",
            )
        )

    # Inside

    def _hint(self) -> str:
        if _LOGIN not in self._requests:
            return (
                "; where this happens again and again, another client may use the client id "
                f"{self._client_id}"
            )
        secured = self._transport is not None and self._transport.get_extra_info("ssl_object")
        if secured:
            return " at the login; it may ask for a certificate: tls.crt and tls.key of the Secret"
        return " at the login; check port, tls and version"

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Pingresp):
            if self._pings:
                then = self._pings.popleft()
                if then is not None:
                    then()
        elif isinstance(packet, (Connack, Suback, Unsuback, Puback)):
            number = _LOGIN if isinstance(packet, Connack) else packet.packet_id
            waiting, _ = self._requests.pop(number, (None, 0.0))
            if waiting is None:
                self._garbled(f"sent a {type(packet).__name__.upper()} that nobody asked for")
            elif not waiting.done():
                waiting.set_result(packet)
        elif isinstance(packet, Disconnect):
            self.end(disconnected(self._peer, self._client_id, packet))
        else:
            self._garbled(f"sent {type(packet).__name__.upper()}, which is for clients to send")

    def _garbled(self, what: str) -> None:
        self.end(
            NotConnected(
                f"{self._peer} {what}; check that this host and port speak MQTT", reason="Garbled"
            )
        )

    def _request(self, number: int, content: bytes) -> asyncio.Future[Answer]:
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        if self.lost is not None:
            waiting.set_exception(self.lost)
            return waiting
        self._requests[number] = (waiting, self._loop.time() + self._timeout_s)
        self._write(content)
        self._look()
        return waiting

    def _write(self, content: bytes) -> None:
        if self.lost is None and self._transport is not None:
            self._sent_at = self._loop.time()
            if not self._transport.is_closing():  # uvloop raises then; its end is told in a moment
                self._transport.write(content)

    def _has_room(self) -> bool:
        return len(self.inbox) < INBOX_MESSAGES and self._bytes < INBOX_BYTES

    def _look(self) -> None:
        """Ask a silent broker whether it is there, end what is silent for too long."""
        if self._watch is not None:
            self._watch.cancel()
        if self.lost is not None:
            return
        now = self._loop.time()
        late = min((until for _, until in self._requests.values()), default=now + 3_600.0)
        if self._paused:  # what it says waits in the socket
            self._asked_at = None
        elif now >= late or (
            self._asked_at is not None and now >= self._asked_at + self._timeout_s
        ):
            self._silent()
            return
        quiet_since = min(self._sent_at, now if self._paused else self._heard_at)
        if now >= quiet_since + self._keep_alive_s and self._asked_at is None:
            self.ping()
            self._asked_at = None if self._paused else now
            quiet_since = now
        due = quiet_since + self._keep_alive_s
        if self._asked_at is not None:
            due = self._asked_at + self._timeout_s
        self._watch = self._loop.call_at(max(min(due, late), now + 0.001), self._look)

    def _silent(self) -> None:
        self.end(
            NotConnected(
                f"the broker {self._peer} did not answer within {self._timeout_s:g} s; check that "
                "it runs, and the way to it",
                reason="Timeout",
            )
        )


def _size(message: Message) -> int:
    return len(message.payload) if type(message) is Publish else 0
