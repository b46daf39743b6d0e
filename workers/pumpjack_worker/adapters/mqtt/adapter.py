"""MQTT 3.1.1 and 5: subscribes to topics at a broker; QoS 1, acknowledged after the journal."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.errors import ManifestError
from pumpjack_core.networks import parse_networks
from pumpjack_core.quality import BAD_DEVICE
from pumpjack_core.tags import Tag, TagTable
from pumpjack_core.units import seconds, size_bytes
from pumpjack_worker.adapters.contract import (
    NOWHERE,
    Adapter,
    Delivery,
    Permit,
    Surroundings,
    no_ack,
    permitted,
)
from pumpjack_worker.adapters.mqtt.backlog import Backlog
from pumpjack_worker.adapters.mqtt.intake import Intake, Taken
from pumpjack_worker.adapters.mqtt.kept import SessionFile
from pumpjack_worker.adapters.mqtt.link import Link, Message
from pumpjack_worker.adapters.mqtt.packets import V5, V311
from pumpjack_worker.adapters.mqtt.redelivered import Record, Redelivered
from pumpjack_worker.adapters.mqtt.resumed import Resumed
from pumpjack_worker.adapters.mqtt.routes import Routes
from pumpjack_worker.adapters.mqtt.session import Login, Session, Settings
from pumpjack_worker.adapters.mqtt.subscriptions import Subscriptions
from pumpjack_worker.adapters.mqtt.times import time_reader
from pumpjack_worker.adapters.mqtt.writer import Writer

LINGER_S = 0.005
"""At most one delivery in so long, unless many messages wait; the first after a pause at once."""
MANY_READINGS = 1_000
MOST_READINGS = 5_000
MOST_BYTES = 1 << 20
"""In one delivery: reading it and what follows (journal, live feed) must not hold up the loop."""
SETTLED_AFTER_S = 10.0
"""After a login a broker has sent again what it ever will, also one that takes its time."""
_NONE = 0
"""Number of no delivery."""
_PORT_TLS, _PORT = 8883, 1883


class MqttAdapter(Adapter):
    """Topics of one MQTT broker."""

    protocol: ClassVar[str] = "mqtt"
    has_source_time: ClassVar[bool] = True
    sends_again: ClassVar[bool] = True
    writes: ClassVar[bool] = True

    def __init__(
        self,
        connection: Connection,
        tags: TagTable,
        clock: Clock,
        surroundings: Surroundings = NOWHERE,
    ) -> None:
        spec = connection.spec.mqtt
        if spec is None:
            raise ManifestError(f"{connection.connection_id}: spec.mqtt is missing")
        self._clock = clock
        self._settings = settings = Settings(
            host=spec.host,
            port=spec.port or (_PORT_TLS if spec.tls else _PORT),
            tls=spec.tls,
            server_name=spec.server_name,
            networks=parse_networks(connection.allowed_networks),
            version=V5 if spec.version == "5" else V311,
            client_id=spec.client_id or client_id(connection),
            keep_alive_s=seconds(spec.keep_alive),
            timeout_s=seconds(spec.timeout),
            session_expiry_s=0 if surroundings.passing else int(seconds(spec.session_expiry)),
            qos=spec.qos,
            shared_group=spec.shared_group,
            most_payload=size_bytes(spec.max_payload),
            secrets=surroundings.secrets,
            on_step=surroundings.on_step,
            clean=surroundings.passing,
        )
        self._routes = partial(
            Routes,
            time_path=spec.time_path,
            own_times=connection.spec.clock.source != "receipt",
        )
        self._news = asyncio.Event()
        self._session = Session(settings, self._news.set)
        self._writer = Writer(settings, self._session)
        self._file = SessionFile(surroundings.state, settings.peer, settings.client_id)
        self._redelivered = Redelivered(surroundings.memos)
        self._resumed = Resumed(settings, self._file, self._redelivered, clock)
        self._intake = Intake(
            self._routes(tags),
            time_reader(spec.time_format, connection.spec.clock.zone),
            self._redelivered,
            clock,
            peer=settings.peer,
            most_payload=settings.most_payload,
        )
        self._next: Routes | None = None
        self._ready: deque[Delivery] = deque()
        self._backlog = Backlog()
        self._subscriptions = Subscriptions(
            self._session, self._file, settings, clock, self._news.set
        )
        self._subscriptions.want(self._intake.routes.topics)
        self._opened_at = 0.0
        self._delivered_at = -LINGER_S
        self._acknowledged = 0
        self._confirming = False
        self._reopen = False
        self._closed = False
        self._present = False

    @property
    def rejected(self) -> Mapping[int, str]:
        """Tags whose address is wrong, and tags whose topics the broker refuses at the moment."""
        routes = self._next or self._intake.routes
        reasons = dict(routes.wrong)
        for topic, why in self._subscriptions.refused.items():
            for index in routes.of_topic(topic):
                reasons[index] = (
                    f"the broker {self._settings.peer} refuses the subscription of "
                    f"{routes.tag(index).address}: {why}; ask for the right to read this topic; "
                    "it is tried again every minute"
                )
        return reasons

    @property
    def problems(self) -> tuple[str, ...]:
        """What the broker or the devices do, although readings come."""
        found = []
        lesser_qos = self._subscriptions.lesser_qos
        if lesser_qos:
            found.append(
                f"the broker grants only QoS 0 for {len(lesser_qos)} topics "
                f"({min(lesser_qos)} …): messages that come while the worker is away are "
                "lost; raise the broker's maximum QoS"
            )
        short_s = self._resumed.short_expiry_s
        if short_s is not None:
            found.append(
                f"the broker keeps the session for {short_s} s only, sessionExpiry asks for "
                f"{self._settings.session_expiry_s} s; raise the broker's limit"
            )
        if self._intake.flood.dropped:
            found.append(
                f"{self._intake.flood.dropped} samples of what is no reading were counted and not "
                "quarantined: too many came at once"
            )
        return tuple(found)

    @property
    def brings_back(self) -> bool:
        """Whether the broker has kept the session, and what was published with QoS 1."""
        return self._present and self._settings.qos > 0

    async def connect(self) -> None:
        """Log in, go on with the session where there is one, and subscribe."""
        await self._open()

    async def read_batch(self) -> Delivery:
        """Wait for messages and return what they say."""
        while True:
            if self._closed:
                raise self._session.was_closed()
            if self._reopen:
                await self._open()
            if self._ready:
                return self._ready.popleft()
            link = self._session.link
            if link is None:
                raise self._session.was_closed()
            if link.lost is None:
                self._switch()
                self._subscriptions.step()
            await self._linger(link)
            self._collect(link)
            if not self._ready:
                if link.lost is not None:
                    raise link.lost
                await self._wait(link)

    def apply_tags(self, tags: TagTable) -> None:
        """Read these tags from the next read_batch() on."""
        self._next = self._routes(tags)
        self._news.set()

    def redeliver(self) -> None:
        """Log in again: then the broker sends again what was not acknowledged."""
        self._reopen = True
        self._news.set()

    async def write(self, tag: Tag, value: float, permit: Permit = permitted) -> None:
        """Publish a command. What the device makes of it, its next reading tells."""
        await self._writer.write(tag, value, permit)

    async def close(self) -> None:
        """End the connection and whatever waits for it; the broker keeps the session."""
        self._closed = True
        self._ready.clear()
        self._subscriptions.stop()
        self._session.close()
        self._news.set()

    # The session

    async def _open(self) -> None:
        login = await self._session.open()
        self._reopen = False
        self._confirming = False
        self._acknowledged = _NONE
        self._opened_at = self._clock.monotonic()
        self._go_on(login)
        self._settings.on_step("subscribe")
        self._switch()
        self._subscriptions.begin()
        await self._until_subscribed(login.link)

    async def _until_subscribed(self, link: Link) -> None:
        """Wait for the broker's answers, unless so much has come that it must be read first."""
        while not self._subscriptions.is_done and not link.is_full:
            self._news.clear()
            await self._news.wait()
        self._subscriptions.step()

    def _switch(self) -> None:
        if self._next is not None:
            self._intake.switch(self._next)
            self._next = None
            self._subscriptions.want(self._intake.routes.topics)

    def _go_on(self, login: Login) -> None:
        self._present = login.present
        gap = self._resumed.go_on(login)
        is_told = any(one.ack == self._resumed.gap_is_kept for one in self._ready)
        if gap is not None and not is_told:
            nothing = self._intake.read((), None).batch
            self._ready.append(Delivery(nothing, self._resumed.gap_is_kept, (gap,)))
        self._backlog.begin(login.link, waits=login.present)
        login.link.ping(partial(self._answered, login.link, _NONE))

    # Messages

    async def _linger(self, link: Link) -> None:
        """Let a batch grow while messages come fast."""
        pause_s = self._delivered_at + LINGER_S - self._clock.monotonic()
        waiting = len(link.inbox) * self._intake.routes.per_message
        if pause_s > 0 and 0 < waiting < MANY_READINGS and link.lost is None:
            await asyncio.sleep(pause_s)

    async def _wait(self, link: Link) -> None:
        """Until there is news, or something refused is due again."""
        self._news.clear()
        if link.inbox or link.lost is not None or self._next is not None or self._reopen:
            return
        pause_s = self._subscriptions.retry_in_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._news.wait()

    def _collect(self, link: Link) -> None:
        """Read what has come. What can be sent again and what cannot are delivered apart."""
        refused = self._subscriptions.news
        if not link.inbox and not refused:
            return
        most = max(1, MOST_READINGS // self._intake.routes.per_message)
        messages = link.take(most, MOST_BYTES)
        aged = self._backlog.take(len(messages))
        routes = self._intake.routes
        bad = [(index, BAD_DEVICE) for topic in refused for index in routes.of_topic(topic)]
        refused.clear()
        certain = [message for message in messages if message.qos]
        if certain:
            old = aged
            if len(certain) < len(messages):
                old = sum(1 for message in messages[:aged] if message.qos)
            self._deliver(self._intake.read(certain, link, aged=old))
            aged -= old
        if bad or len(certain) < len(messages):
            uncertain: list[Message] = [message for message in messages if not message.qos]
            self._deliver(self._intake.read(uncertain, link, aged=aged, bad=bad))
        self._settle()
        self._delivered_at = self._clock.monotonic()

    def _settle(self) -> None:
        settled = self._clock.monotonic() >= self._opened_at + SETTLED_AFTER_S
        if settled and self._backlog.is_over:
            self._redelivered.settled()

    def _deliver(self, taken: Taken) -> None:
        record = taken.record
        ack, memo = no_ack, b""
        if record is not None:
            ack, memo = partial(self._ack, record), self._redelivered.memo(record)
        self._ready.append(Delivery(taken.batch, ack, taken.quarantined, taken.errors, memo))

    async def _ack(self, record: Record) -> None:
        """The journal has it: tell the broker, and have it tell that it knows."""
        self._redelivered.journaled(record)
        link = self._session.link
        if link is None or record.link is not link or link.lost is not None:
            return  # it comes again and is known then
        link.acknowledge(record.packet_ids)
        self._acknowledged = record.number
        if not self._confirming:
            self._confirming = True
            link.ping(partial(self._answered, link, record.number))

    def _answered(self, link: Link, number: int) -> None:
        """The broker has dealt with the PUBACKs up to this delivery."""
        if link is not self._session.link:
            return
        self._redelivered.confirmed(number)
        self._backlog.answered()
        self._settle()
        self._confirming = number < self._acknowledged
        if self._confirming:
            link.ping(partial(self._answered, link, self._acknowledged))


def client_id(connection: Connection) -> str:
    """A client identifier that stays the same, of 22 letters and digits: any broker takes 23."""
    name = f"{connection.tenant_id}\0{connection.connection_id}".encode()
    return "pj" + hashlib.sha256(name).hexdigest()[:20]
