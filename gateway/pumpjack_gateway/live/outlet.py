"""What goes to one client, and what becomes of it when the client is slow.

Fast: frames go to the transport at once. Slow (the transport's buffer is above its high mark):
of the feed's messages only the latest reading of each tag is kept, and the client is told so
when it has caught up. Slow for too long, or too much of it: closed. Nobody else waits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from pumpjack_core import wire
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.live.messages import Close, Conflated, frame_of
from pumpjack_gateway.metrics import Metrics


class Wire(Protocol):
    """The part of a connection that an outlet needs (live.connection.FeedConnection)."""

    @property
    def buffered_bytes(self) -> int:
        """What the client has not taken yet."""
        ...

    def write_frame(self, frame: bytes) -> None:
        """Send a whole text frame."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Begin to close."""
        ...


class Holder(Protocol):
    """Keeps messages of another kind for a client that is slow (alarms)."""

    def release(self) -> None:
        """Tell what was kept: the client has caught up."""
        ...


class Limits(Struct, frozen=True):
    """When a slow client is closed.

    most_bytes     held by the transport
    slow_s         without having caught up
    most_readings  held here, one a tag
    """

    most_bytes: int
    slow_s: float
    most_readings: int = 50_000


@dataclass(slots=True)
class _Held:
    """What one connection of one well sent while the client was slow."""

    head: wire.Envelope
    source_protocol: str
    messages: int = 0
    readings: int = 0
    latest: dict[str, wire.Reading] = field(default_factory=dict)

    def add(self, body: wire.Readings, head: wire.Envelope) -> int:
        """Keep the newest of each tag; how many tags are new."""
        before = len(self.latest)
        self.head = head
        self.messages += 1
        self.readings += len(body.readings)
        for reading in body.readings:
            known = self.latest.get(reading.tag_name)
            if known is None or reading.timestamp >= known.timestamp:
                self.latest[reading.tag_name] = reading
        return len(self.latest) - before

    def message(self) -> Conflated:
        return Conflated(
            epoch=self.head.epoch,
            seq=self.head.seq,
            tenant_id=self.head.tenant_id,
            well_id=self.head.well_id,
            connection_id=self.head.connection_id,
            source_protocol=self.source_protocol,
            messages=self.messages,
            dropped=self.readings - len(self.latest),
            readings=list(self.latest.values()),
        )


class Outlet:
    """One client's way out."""

    __slots__ = (
        "_held",
        "_held_readings",
        "_limits",
        "_metrics",
        "_timer",
        "_wire",
        "conflated",
        "dropped",
        "holders",
        "is_slow",
        "sent",
    )

    def __init__(self, connection: Wire, limits: Limits, metrics: Metrics) -> None:
        self._wire = connection
        self._metrics = metrics
        self._limits = limits
        self._held: dict[tuple[str, str], _Held] = {}
        self._held_readings = 0
        self._timer: asyncio.TimerHandle | None = None
        self.holders: list[Holder] = []
        self.is_slow = False
        self.sent = 0
        self.conflated = 0
        self.dropped = 0

    def feed(self, message: Message) -> None:
        """A message of the feed."""
        if self.is_slow:
            self._hold(message)
        else:
            self.sent += 1
            self._wire.write_frame(message.frame)

    def tell(self, frame: bytes) -> None:
        """A message of the gateway: never conflated, so too many of them end a slow client."""
        if self.is_slow and self._wire.buffered_bytes + len(frame) > self._limits.most_bytes:
            self._give_up()
            return
        self.sent += 1
        self._wire.write_frame(frame)

    def hold(self) -> None:
        """Count a message that a holder keeps."""
        self.conflated += 1
        self._metrics.conflated.inc()

    def refresh(self, well_id: str, snapshot: bytes) -> None:
        """A snapshot of a well: what is held of it is older."""
        self.forget(well_id)
        self.tell(snapshot)

    def forget(self, well_id: str) -> None:
        """Drop what is held of a well that the client looks at no more."""
        for key in [key for key in self._held if key[0] == well_id]:
            self._held_readings -= len(self._held.pop(key).latest)

    def paused(self) -> None:
        """The client does not keep up."""
        self.is_slow = True
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._limits.slow_s, self._give_up)
            self._metrics.slow.inc()

    def resumed(self) -> None:
        """The client has caught up: tell it what it missed, as far as it takes that."""
        self.is_slow = False
        while self._held and not self.is_slow:
            key = next(iter(self._held))
            message = self._held.pop(key).message()
            self._held_readings -= len(message.readings)
            self.dropped += message.dropped
            self.tell(frame_of(message))
        for holder in self.holders:
            if not self.is_slow:
                holder.release()
        if not self.is_slow:
            self.stop()

    def stop(self) -> None:
        """End the timer: the client has caught up, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._metrics.slow.dec()

    def _hold(self, message: Message) -> None:
        body = message.body
        if body is None:
            return
        head = message.head
        key = (head.well_id, head.connection_id)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = _Held(head, body.source_protocol)
        self._held_readings += held.add(body, head)
        self.conflated += 1
        self._metrics.conflated.inc()
        if self._held_readings > self._limits.most_readings:
            self._give_up()

    def _give_up(self) -> None:
        self.stop()
        self._held.clear()
        self._held_readings = 0
        self._wire.end(Close.SLOW_CONSUMER, "the client reads too slowly; subscribe to fewer wells")
