"""A small MQTT broker in memory, for demonstrations and tests that install nothing but pip.

    async with Broker() as broker:
        connect to broker.host, broker.port with MQTT 5 or 3.1.1
        broker.publish("pads/7/casing", b"812.5")

It keeps the promises of QoS 1 while it runs: a message that it acknowledged reaches each session
that subscribed, and comes again, with its packet id and marked so, until that session's client
acknowledged it. What a session may hold is bounded (simulated_session.MOST_MESSAGES, MOST_BYTES);
a session that would exceed it is ended as a whole, so that its client finds a new one and knows.

It is no broker for real use: nothing is written to disk, so that its end is the end of all
sessions and retained messages; no TLS, no QoS 2, no wills, no topic aliases, no "no local" and
"retain as published", no access lists, no cluster. Use mosquitto, EMQX, HiveMQ or the like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Self

from pumpjack_worker.adapters.mqtt.simulated_client import SHUTTING_DOWN, ClientConnection
from pumpjack_worker.adapters.mqtt.simulated_routing import Routing
from pumpjack_worker.adapters.mqtt.simulated_session import Message
from pumpjack_worker.simulation.listening import listen, port_of


def _silent(_text: str) -> None:
    """Tell nobody."""


class Broker:
    """Listens on one port; port 0 takes a free one.

    logins  user name to password; none: everybody may come
    tell    told in a sentence what a person should know (a session that had to be ended …)
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        logins: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = _silent,
    ) -> None:
        self.host = host
        self.port = port
        self.routing = Routing(tell)
        self._logins = dict(logins or {})
        self._server: asyncio.Server | None = None
        self._open: set[ClientConnection] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        self.routing.close()

    async def start(self) -> None:
        """Accept clients. Raises PumpjackError for a busy port."""
        if self._server is None:
            self._server = await listen(self._connection, self.host, self.port)
            self.port = port_of(self._server)

    def stop(self) -> None:
        """Send all clients away and accept none; sessions stay, for a start() on the same port."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for one in list(self._open):
            one.end(SHUTTING_DOWN)

    def hang_up(self) -> None:
        """End all connections without a word, and go on listening."""
        for one in list(self._open):
            one.hang_up()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish a message from within this process."""
        self.routing.publish(Message(topic, payload, qos, retain))

    def _connection(self) -> ClientConnection:
        return ClientConnection(self.routing, self._logins, self._open)
