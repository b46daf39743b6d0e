"""From messages to deliveries: which are new, whose they are, what they say. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from msgspec import Struct

from pumpjack_core.clock import US_PER_S, Clock
from pumpjack_core.log import get_logger
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_worker.adapters.mqtt.flood import Flood
from pumpjack_worker.adapters.mqtt.link import Message
from pumpjack_worker.adapters.mqtt.packets import Oversized
from pumpjack_worker.adapters.mqtt.payload import Columns
from pumpjack_worker.adapters.mqtt.redelivered import Record, Redelivered, checksum
from pumpjack_worker.adapters.mqtt.routes import Routes
from pumpjack_worker.adapters.mqtt.times import ReadTime

UNKNOWN_TOPICS_TOLD = 100
"""Topics of no tag that are named in the log, each once."""
_log = get_logger("worker.mqtt")


class Taken(Struct, frozen=True):
    """What some messages came to. record: what must be acknowledged, None with QoS 0."""

    batch: Batch
    quarantined: tuple[Quarantined, ...]
    errors: dict[str, int]
    record: Record | None


class Intake:
    """Reads messages into columns."""

    def __init__(
        self,
        routes: Routes,
        read_time: ReadTime,
        redelivered: Redelivered,
        clock: Clock,
        *,
        peer: str,
        most_payload: int,
    ) -> None:
        self._read_time = read_time
        self._redelivered = redelivered
        self._clock = clock
        self._peer = peer
        self._most_payload = most_payload
        self._last: dict[bytes, int] = {}
        self._unknown: set[bytes] = set()
        self._stamp_us = 0
        self.flood = Flood(peer)
        self.routes = routes
        self._columns = Columns(routes, read_time, self.flood)

    def switch(self, routes: Routes) -> None:
        """Other tags from now on."""
        self.routes = routes
        self._columns = Columns(routes, self._read_time, self.flood)
        self._last = {t: check for t, check in self._last.items() if t in routes.routes}
        self._unknown.clear()

    def read(
        self,
        messages: Sequence[Message],
        link: object,
        *,
        aged: int = 0,
        bad: Sequence[tuple[int, int]] = (),
    ) -> Taken:
        """Read messages of one link, either all with QoS 0 or all with QoS 1.

        aged  so many of the first waited at the broker
        bad   tags that have no value, with their quality
        """
        now_us = self._begin()
        packet_ids: list[int] = []
        checks: list[int] = []
        times: list[int] = []
        for index, code in bad:
            self._columns.add_bad(index, code, now_us)
        for position, message in enumerate(messages):
            self._stamp_us += 1
            us = self._stamp_us
            topic = message.topic
            if isinstance(message, Oversized):
                check = checksum(topic, message.size.to_bytes(4, "big"))
            else:
                check = crc32(message.payload, crc32(topic))
            is_aged = position < aged
            packet_id = message.packet_id
            if packet_id:
                packet_ids.append(packet_id)
                checks.append(check)
                if self._redelivered.is_journaled(packet_id, check, dup=message.dup):
                    times.append(us)
                    self.flood.count("duplicate")
                    continue
                if message.dup:
                    first_us = self._redelivered.received_us(packet_id, check, us)
                    is_aged = is_aged and first_us == us
                    us = first_us
                times.append(us)
            self._message(message, check, us, is_aged=is_aged)
        record = None
        if packet_ids:
            record = self._redelivered.deliver(link, packet_ids, checks, times)
        quarantined, errors = self.flood.take()
        return Taken(self._columns.take(max(now_us, self._stamp_us)), quarantined, errors, record)

    def _begin(self) -> int:
        """The time of receipt. Two messages never have the same, so that none hides another."""
        now_us = self._clock.now_us()
        if not self._stamp_us - US_PER_S < now_us < self._stamp_us:
            self._stamp_us = now_us
        self.flood.refill(now_us)
        return now_us

    def _message(self, message: Message, check: int, us: int, *, is_aged: bool) -> None:
        topic = message.topic
        route = self.routes.routes.get(topic)
        if route is None:
            self._no_tag(topic)
        elif isinstance(message, Oversized):
            self.flood.add(
                route.tags[0],
                us,
                "payload_too_large",
                f"{route.topic}: {message.size} bytes, maxPayload is {self._most_payload}",
            )
        elif message.retain:
            if self._last.get(topic) == check or check in self._redelivered.recent:
                self.flood.count("retained_again")
                return
            self._last[topic] = check
            self._columns.read(route, message.payload, us, aged=True)
        else:
            self._last[topic] = check
            self._columns.read(route, message.payload, us, aged=is_aged)

    def _no_tag(self, topic: bytes) -> None:
        self.flood.count("unknown_topic")
        if topic not in self._unknown and len(self._unknown) < UNKNOWN_TOPICS_TOLD:
            self._unknown.add(topic)
            _log.warning(
                "a message on a topic of no tag is left out; another client may subscribe under "
                "this client id",
                broker=self._peer,
                topic=topic.decode(errors="backslashreplace")[:200],
            )
