"""The way to one broker: connects, logs in, subscribes, and ends at once when told to."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from pumpjack_core import credentials
from pumpjack_core.credentials import Credentials
from pumpjack_core.errors import NotConnected
from pumpjack_core.networks import Network, endpoint
from pumpjack_worker.adapters.contract import OnStep, no_steps
from pumpjack_worker.adapters.dial import Tls, dial
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.link import Link
from pumpjack_worker.adapters.mqtt.packets import (
    SEND_RETAINED_IF_NEW,
    V5,
    Connack,
    Connect,
    Suback,
    Subscribe,
    Subscription,
    Unsubscribe,
    Version,
)
from pumpjack_worker.adapters.mqtt.reasons import REFUSED_FROM, login_refused, reason_text

RECEIVE_MAXIMUM = 10_000
"""Messages that an MQTT 5 broker may send before the first of them is acknowledged: so many go
into one commit of the journal, and on a slow disk the rest waits for it."""
SHORTEST_CONNECT_S = 1.0
"""Least time for a name and a connection, also where an answer is given less."""
FILTERS_A_PACKET = 100


class Settings(Struct, frozen=True):
    """Where the broker is, who we are there, and how patient we are with it.

    clean  the broker keeps no session once we are gone, and none from before
    """

    host: str
    port: int
    tls: bool
    server_name: str | None
    networks: tuple[Network, ...]
    version: Version
    client_id: str
    keep_alive_s: float
    timeout_s: float
    session_expiry_s: int
    qos: int
    shared_group: str | None
    most_payload: int
    secrets: Path | None
    on_step: OnStep = no_steps
    clean: bool = False

    @property
    def peer(self) -> str:
        """Host and port for messages."""
        return endpoint(self.host, self.port)

    def filter(self, topic: str) -> str:
        """What is subscribed to for a topic."""
        return topic if self.shared_group is None else f"$share/{self.shared_group}/{topic}"


class Login(Struct, frozen=True):
    """An open session.

    present    whether the broker has kept it from before
    expiry_s   how long it keeps it, None where it does not say
    """

    link: Link
    present: bool
    expiry_s: int | None


class Session:
    """Talks to one broker. After close() everything raises NotConnected."""

    def __init__(self, settings: Settings, on_news: Callable[[], None]) -> None:
        self._settings = settings
        self._on_news = on_news
        self._opening: asyncio.Task[Login] | None = None
        self._closed = False
        self.link: Link | None = None

    async def open(self) -> Login:
        """Log in anew, in place of what is open. Raises NotConnected or HostNotAllowed."""
        self.drop()
        if self._closed:
            raise self.was_closed()
        self._opening = asyncio.create_task(self._open(), name="mqtt-login")
        try:
            return await self._opening
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # whoever waits for us was cancelled, not the login
            raise self.was_closed() from None
        finally:
            if self._opening is not None:
                self._opening.cancel()
            self._opening = None

    async def subscribe(self, topics: Sequence[str]) -> dict[str, int]:
        """Subscribe to topics: each to what the broker granted, a QoS or why not (0x80 and up)."""
        settings = self._settings
        parts = []
        link = self._open_link()
        for at in range(0, len(topics), FILTERS_A_PACKET):
            part = topics[at : at + FILTERS_A_PACKET]
            # retained messages of shared subscriptions are sent by no broker
            subscriptions = tuple(
                Subscription(settings.filter(topic), settings.qos, SEND_RETAINED_IF_NEW)
                for topic in part
            )
            parts.append((part, link.subscribe(Subscribe(link.next_id(), subscriptions))))
        granted: dict[str, int] = {}
        for part, answer in parts:
            suback = await answer
            codes = suback.codes if isinstance(suback, Suback) else ()
            if len(codes) != len(part):
                raise NotConnected(
                    f"{settings.peer} answered {len(part)} subscriptions with {len(codes)} codes; "
                    "check that this host and port speak MQTT",
                    reason="Garbled",
                )
            granted.update(zip(part, codes, strict=True))
        return granted

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        """Take subscriptions back, by their whole filters."""
        link = self._open_link()
        answers = [
            link.unsubscribe(
                Unsubscribe(link.next_id(), tuple(filters[at : at + FILTERS_A_PACKET]))
            )
            for at in range(0, len(filters), FILTERS_A_PACKET)
        ]
        for answer in answers:
            await answer

    def drop(self) -> None:
        """End the connection; the broker keeps the session, and open() goes on with it."""
        if self.link is not None:
            self.link.leave()
            self.link = None

    def close(self) -> None:
        """End the connection and whatever waits for one, for good."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        self.drop()

    def was_closed(self) -> NotConnected:
        """There is no session."""
        return NotConnected(
            f"{self._settings.peer}: there is no session; call connect()", reason="Closed"
        )

    def _open_link(self) -> Link:
        if self.link is None:
            raise self.was_closed()
        if self.link.lost is not None:
            raise self.link.lost
        return self.link

    async def _open(self) -> Login:
        settings = self._settings
        own = credentials.read(settings.secrets)
        tls = _tls(settings, own) if settings.tls else None
        self.link = await dial(
            self._new_link,
            settings.host,
            settings.port,
            settings.networks,
            timeout_s=max(settings.timeout_s, SHORTEST_CONNECT_S),
            tls=tls,
            on_step=settings.on_step,
        )
        settings.on_step("login")
        answer = await self.link.login(_connect(settings, own))
        assert isinstance(answer, Connack)
        if answer.code:
            why = login_refused(settings.peer, settings.client_id, settings.version, answer)
            self.link.end(why)
            raise why
        found = answer.properties
        if v5.SERVER_KEEP_ALIVE in found:
            self.link.keep_alive(float(found[v5.SERVER_KEEP_ALIVE]) or math.inf)
        return Login(self.link, answer.session_present, found.get(v5.SESSION_EXPIRY))

    def _new_link(self) -> Link:
        settings = self._settings
        return Link(
            settings.peer,
            settings.client_id,
            settings.version,
            most_payload=settings.most_payload,
            keep_alive_s=settings.keep_alive_s,
            timeout_s=settings.timeout_s,
            on_news=self._on_news,
        )


def refusal(code: int) -> str | None:
    """Why a subscription was refused, None where it was not."""
    return reason_text(code) if code >= REFUSED_FROM else None


def _connect(settings: Settings, own: Credentials) -> Connect:
    found: v5.Properties = {}
    if settings.version == V5:
        # no Maximum Packet Size: a broker drops what is larger without a word to anybody
        found = {
            v5.SESSION_EXPIRY: settings.session_expiry_s,
            v5.RECEIVE_MAXIMUM: RECEIVE_MAXIMUM,
        }
    return Connect(
        settings.client_id,
        settings.version,
        clean=settings.clean,
        keep_alive_s=math.ceil(settings.keep_alive_s),
        username=own.username,
        password=None if own.password is None else own.password.encode(),
        properties=found,
    )


def _tls(settings: Settings, own: Credentials) -> Tls:
    """TLS as the Secret says. Raises NotConnected (Credentials) for files that are none."""
    name = "ca.crt"
    try:
        authorities = None if own.ca is None else own.ca.decode("ascii")
        context = ssl.create_default_context(cadata=authorities)
        if own.certificate is not None and settings.secrets is not None:
            name = "tls.crt or tls.key"
            context.load_cert_chain(
                settings.secrets / "tls.crt", settings.secrets / "tls.key", lambda: b""
            )
    except (ssl.SSLError, ValueError) as error:
        raise NotConnected(
            f"{name} of the Secret is not what it should be, PEM without a pass phrase "
            f"({getattr(error, 'reason', None) or 'no text'}); write it again",
            reason="Credentials",
        ) from None
    return Tls(context, settings.server_name or settings.host)
