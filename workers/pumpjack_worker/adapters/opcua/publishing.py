# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""The notifications of one subscription, in order: several Publish requests are always under way.

OPC 10000-4, section 5.14.5. Messages are numbered; a keep-alive bears the number of the next
message and is none itself. What is missing is asked for again (Republish), in order, before
anything that follows is let through. A message is acknowledged only when it was told to be.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from asyncua import ua
from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.decode import Malformed
from pumpjack_worker.adapters.opcua.failures import (
    BAD_NO_SUBSCRIPTION,
    BAD_SUBSCRIPTION_ID,
    BAD_TIMEOUT,
    BAD_TOO_MANY_PUBLISH_REQUESTS,
    SESSION_GONE,
    ServiceFault,
)
from pumpjack_worker.adapters.opcua.messages import Notification, read_publish, read_republish

IN_FLIGHT = 5
MOST_READY = 64
"""Messages that may wait for the reader; then no more are asked for."""
MOST_MISSING = 1_000
"""More than that is no gap but another subscription; nobody keeps so many."""
MOST_BEHIND = 2 * IN_FLIGHT
"""So many messages in a row with numbers of before: the server began anew, and nothing of what it
sends would be taken."""
_NUMBERS = 2**32 - 1
"""Numbers go from 1 to this, and begin anew at 1."""


class Lost(Struct, frozen=True):
    """Messages that the server cannot send again: the first number and how many."""

    first: int
    count: int


class Publishing:
    """One subscription's messages.

    ready     messages in order, and what was lost between them
    missing   numbers to be asked for again
    trouble   the fault by which publishing ended, None: it goes on
    heard_at  when the server last said anything [s, monotonic]
    """

    def __init__(self, subscription: int, clock: Clock, on_news: Callable[[], None]) -> None:
        self.subscription = subscription
        self._clock = clock
        self._on_news = on_news
        self._channel: Channel | None = None
        self._next = 1
        self._held: dict[int, Notification] = {}
        self._acks: list[int] = []
        self._behind = 0
        self._window = IN_FLIGHT
        self._in_flight = 0
        self.ready: deque[Notification | Lost] = deque()
        self.trouble: ServiceFault | None = None
        self.heard_at = clock.monotonic()

    @property
    def missing(self) -> range:
        """How many numbers from which on are missing before what is held."""
        if not self._held:
            return range(0)
        ahead = min(_ahead(number, self._next) for number in self._held)
        return range(ahead)

    @property
    def listens(self) -> bool:
        """Whether something is asked for, so that silence means something."""
        return self._in_flight > 0

    def start(self, channel: Channel) -> None:
        """Ask over this channel from now on."""
        self._channel = channel
        self._in_flight = 0
        self.trouble = None
        self.heard_at = self._clock.monotonic()
        self.pump()

    def acknowledge(self, numbers: list[int]) -> None:
        """These messages are safe; the server is told with the next request."""
        self._acks += numbers

    def take(self) -> Notification | Lost | None:
        """The next message, if one is there."""
        if not self.ready:
            return None
        found = self.ready.popleft()
        self.pump()
        return found

    def pump(self) -> None:
        """Keep the requests under way."""
        channel = self._channel
        if channel is None or channel.lost is not None or self.trouble is not None:
            return
        while self._in_flight < self._window and len(self.ready) < MOST_READY:
            request = ua.PublishRequest()
            acks, self._acks = self._acks, []
            request.Parameters.SubscriptionAcknowledgements = [
                ua.SubscriptionAcknowledgement(self.subscription, number) for number in acks
            ]
            try:
                answer = channel.send(request)
            except NotConnected:
                self._acks = acks + self._acks
                return
            self._in_flight += 1
            answer.add_done_callback(partial(self._answered, channel, acks))

    async def repair(self, channel: Channel) -> None:
        """Have the missing messages sent again, in order. Raises NotConnected, ServiceFault."""
        missing = len(self.missing)
        if missing > MOST_MISSING:
            self._give_up(missing)
            return
        for _ in range(missing):
            if not await self._fetch(channel):
                self._give_up(1)

    async def catch_up(self, channel: Channel) -> None:
        """Have sent again what the server sent and we never got, after the connection dropped."""
        for _ in range(MOST_MISSING):
            if not await self._fetch(channel):
                return

    async def _fetch(self, channel: Channel) -> bool:
        """Have the next message sent again; False: the server does not have it."""
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = self.subscription
        request.Parameters.RetransmitSequenceNumber = self._next
        try:
            body = await channel.answer(channel.send(request), "Republish")
        except ServiceFault as fault:
            if fault.status == BAD_SUBSCRIPTION_ID or fault.status in SESSION_GONE:
                raise
            return False
        try:
            found = read_republish(body, self.subscription)
        except Malformed as error:
            raise channel.fail_garbled(str(error)) from error
        if found.sequence != self._next or found.is_keep_alive:
            return False
        self._sort(found)
        return True

    def _give_up(self, count: int) -> None:
        self.ready.append(Lost(self._next, count))
        self._next = _after(self._next, count)
        self._release()

    def _answered(self, channel: Channel, acks: list[int], answer: asyncio.Future[bytes]) -> None:
        if channel is not self._channel:
            return
        self._in_flight -= 1
        if answer.cancelled() or isinstance(error := answer.exception(), NotConnected):
            self._acks = acks + self._acks
            self._on_news()
            return
        self.heard_at = self._clock.monotonic()
        if isinstance(error, ServiceFault):
            self._acks = acks + self._acks
            self._refused(error)
        else:
            try:
                found = read_publish(answer.result())
            except Malformed as malformed:
                channel.fail_garbled(str(malformed))
                return
            if found.subscription == self.subscription:
                self._sort(found)
        self.pump()
        self._on_news()

    def _refused(self, fault: ServiceFault) -> None:
        if fault.status == BAD_TOO_MANY_PUBLISH_REQUESTS and self._window > 1:
            self._window -= 1
        elif fault.status != BAD_TIMEOUT:
            self.trouble = fault

    def _sort(self, message: Notification) -> None:
        ahead = _ahead(message.sequence, self._next)
        if ahead < 0:
            self._behind += 1  # it was there already
            if self._behind > MOST_BEHIND:
                self.trouble = ServiceFault(BAD_SUBSCRIPTION_ID, "Publish (it counts anew)")
            return
        self._behind = 0
        if message.is_keep_alive and (ahead == 0 or message.sequence in self._held):
            return
        self._held[message.sequence] = message
        self._release()

    def _release(self) -> None:
        """Let through what follows without a gap."""
        while (message := self._held.pop(self._next, None)) is not None:
            if message.is_keep_alive:
                continue  # it only bore the number
            self.ready.append(message)
            self._next = _after(self._next, 1)


def is_gone(fault: ServiceFault) -> bool:
    """Whether the server has the session and not the subscription."""
    return fault.status in (BAD_NO_SUBSCRIPTION, BAD_SUBSCRIPTION_ID)


def _after(number: int, count: int) -> int:
    return (number - 1 + count) % _NUMBERS + 1


def _ahead(number: int, expected: int) -> int:
    """How far a number is ahead of another, less than 0 when it is behind."""
    distance = (number - expected) % _NUMBERS
    return distance if distance < _NUMBERS // 2 else distance - _NUMBERS
