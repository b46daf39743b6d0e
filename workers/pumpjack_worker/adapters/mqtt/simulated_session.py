"""What the simulator's broker keeps for one client, without I/O.

A message with QoS 1 is queued, then in flight under a packet id, until the client acknowledges it.
After a reconnect what is in flight goes out again first, in its order, with the same packet ids,
marked as sent before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from msgspec import Struct

from pumpjack_worker.adapters.mqtt.simulated_topics import Filter

MOST_MESSAGES = 100_000
MOST_BYTES = 64 << 20
"""Of one session's queue; past either the session is ended, see Session.keep."""
MOST_IN_FLIGHT = 1_000
LAST_PACKET_ID = 65_535
NEVER_S = float("inf")


class Message(Struct, frozen=True):
    """One published message.

    expires_s  on the event loop's clock; after it the message is not delivered any more
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    expires_s: float = NEVER_S


class Subscription(Struct, frozen=True):
    """One client's wish.

    identifier  a number that goes along with each message, 0: none (MQTT 5)
    """

    filter: Filter
    qos: int = 0
    identifier: int = 0


class Outgoing(Struct, frozen=True):
    """One message on its way to one client.

    group  the shared subscription that it was chosen for, so that another may get it
    """

    message: Message
    qos: int
    retain: bool = False
    identifiers: tuple[int, ...] = ()
    group: Filter | None = None


class Sending(Struct, frozen=True):
    """What is to be written now."""

    outgoing: Outgoing
    packet_id: int
    again: bool


@dataclass
class Session:
    """One client's subscriptions and messages.

    expiry_s     how long it is kept while the client is away [s]
    window       how many messages may be in flight on this connection
    overflowed   its queue had no room; it must be ended, for it would hide a loss
    """

    client_id: str
    expiry_s: float = 0.0
    window: int = MOST_IN_FLIGHT
    overflowed: bool = False
    subscriptions: dict[Filter, Subscription] = field(default_factory=dict)
    _queue: deque[Outgoing] = field(default_factory=deque)
    _queued_bytes: int = 0
    _in_flight: dict[int, Outgoing] = field(default_factory=dict)
    _again: deque[int] = field(default_factory=deque)
    _last_id: int = 0

    @property
    def waiting(self) -> int:
        """Messages that are queued, or in flight and not acknowledged."""
        return len(self._queue) + len(self._in_flight)

    def keep(self, outgoing: Outgoing) -> bool:
        """Queue a message; False when there is no room, and then the session has overflowed."""
        size = len(outgoing.message.payload)
        if len(self._queue) >= MOST_MESSAGES or self._queued_bytes + size > MOST_BYTES:
            self.overflowed = True
            return False
        self._queue.append(outgoing)
        self._queued_bytes += size
        return True

    def begin(self, window: int) -> None:
        """A new connection: what is in flight goes out again before anything else."""
        self.window = min(window, MOST_IN_FLIGHT)
        self._again = deque(self._in_flight)

    def next_sending(self, now_s: float) -> Sending | None:
        """What may be written now; None when nothing waits or the window is used up."""
        if len(self._in_flight) - len(self._again) >= self.window:
            return None
        if self._again:
            packet_id = self._again.popleft()
            return Sending(self._in_flight[packet_id], packet_id, again=True)
        while self._queue:
            outgoing = self._queue.popleft()
            self._queued_bytes -= len(outgoing.message.payload)
            if outgoing.message.expires_s > now_s:
                packet_id = self._free_id()
                self._in_flight[packet_id] = outgoing
                return Sending(outgoing, packet_id, again=False)
        return None

    def acknowledged(self, packet_id: int) -> bool:
        """The client has it; False when nothing was in flight under this id."""
        if packet_id in self._again:  # acknowledged late, before it went out again
            self._again.remove(packet_id)
        return self._in_flight.pop(packet_id, None) is not None

    def left_over(self) -> list[Outgoing]:
        """What the client never acknowledged, oldest first."""
        return [*self._in_flight.values(), *self._queue]

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % LAST_PACKET_ID + 1
            if self._last_id not in self._in_flight:
                return self._last_id
