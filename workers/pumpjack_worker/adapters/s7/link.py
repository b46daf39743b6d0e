"""One session with a controller: connected, agreed on a PDU, one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from msgspec import Struct

from pumpjack_core.errors import NotConnected
from pumpjack_core.networks import Network, endpoint
from pumpjack_worker.adapters.contract import OnStep, no_steps
from pumpjack_worker.adapters.dial import dial
from pumpjack_worker.adapters.s7.frames import (
    Codec,
    Garbled,
    Packets,
    Refusal,
    agreed_pdu,
    connect_request,
    is_confirmed,
    number_of,
    pdu_of,
)

SHORTEST_CONNECT_S = 1.0
"""Least time for a name and a connection, also where requests are given less."""


class Settings(Struct, frozen=True):
    """Where the controller is. kind: of the connection, 1 PG, 2 OP, 3 basic."""

    host: str
    port: int
    networks: Sequence[Network]
    timeout_s: float
    rack: int
    slot: int
    kind: int
    on_step: OnStep = no_steps

    @property
    def peer(self) -> str:
        """Host and port for messages."""
        return endpoint(self.host, self.port)


class Link(asyncio.Protocol):
    """A session. ask() sends one request and waits for the answer of its number.

    pdu   how long a message may be [bytes]
    lost  why there is no session any more; None while there is one
    """

    def __init__(self, peer: str, on_lost: Callable[[], None]) -> None:
        self._peer = peer
        self._on_lost = on_lost
        self._packets = Packets()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None
        self._number: int | None = None
        self.codec = Codec()
        self.pdu = 0
        self.lost: NotConnected | None = None

    async def begin(self, settings: Settings) -> None:
        """Connect to the module and agree on a PDU. Raises NotConnected."""
        settings.on_step("login")
        hello = connect_request(settings.rack, settings.slot, settings.kind)
        try:
            if not is_confirmed(await self._exchange(None, hello, settings.timeout_s)):
                raise self._end(
                    NotConnected(
                        f"{self._peer} refuses a connection to rack {settings.rack}, slot "
                        f"{settings.slot}; check both (an S7-1200 or S7-1500 is rack 0, slot 1; an "
                        "S7-300 slot 2), and that it has a connection left",
                        reason="LoginRefused",
                    )
                )
            setup = self.codec.setup()
            answer = await self._exchange(None, setup, settings.timeout_s)
            self.pdu = agreed_pdu(self.codec.parsed(pdu_of(answer)))
        except (Garbled, Refusal) as error:
            raise self._end(self._garbled(error)) from error

    async def ask(self, number: int, packet: bytes, timeout_s: float) -> dict[str, object]:
        """Send a request and return its answer.

        Raises Refusal when the controller says no to all of it, NotConnected when the session is
        or gets lost: by silence, or by what is no answer.
        """
        payload = await self._exchange(number, packet, timeout_s)
        try:
            return self.codec.parsed(pdu_of(payload))
        except Garbled as error:
            raise self._end(self._garbled(error)) from error

    def not_understood(self, error: Garbled) -> NotConnected:
        """End the session for what is in an answer."""
        return self._end(self._garbled(error))

    def close(self) -> None:
        """End the session at once; whoever waits for an answer gets NotConnected."""
        self._end(NotConnected(f"{self._peer}: the session was closed", reason="Closed"))

    async def _exchange(self, number: int | None, packet: bytes, timeout_s: float) -> bytes:
        if self.lost is not None:
            raise self.lost
        assert self._transport is not None
        assert self._waiting is None, "one request at a time"
        self._waiting = asyncio.get_running_loop().create_future()
        self._number = number
        try:
            self._transport.write(packet)
            async with asyncio.timeout(timeout_s):
                return await self._waiting
        except TimeoutError:
            raise self._end(
                NotConnected(
                    f"{self._peer} did not answer within {timeout_s:g} s; check that the "
                    "controller runs, and the way to it",
                    reason="Timeout",
                )
            ) from None
        finally:
            self._waiting = None

    def _end(self, error: NotConnected) -> NotConnected:
        if self.lost is None:
            self.lost = error
            if self._transport is not None:
                self._transport.abort()
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_exception(error)
            self._on_lost()
        return self.lost

    def _garbled(self, error: Exception) -> NotConnected:
        return NotConnected(f"{self._peer} answered with what is not S7: {error}", reason="Garbled")

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TCP connection is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take in what came. An answer that nobody waits for any more is dropped."""
        try:
            for payload in self._packets.feed(data):
                if self._waiting is None or self._waiting.done():
                    continue
                if self._number is None or number_of(pdu_of(payload)) == self._number:
                    self._waiting.set_result(payload)
        except Garbled as error:
            self._end(self._garbled(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        why = f" ({exc})" if exc is not None else ""
        self._end(NotConnected(f"{self._peer} closed the connection{why}", reason="Closed"))


async def open_link(settings: Settings, on_lost: Callable[[], None]) -> Link:
    """A session that is ready. Raises NotConnected or HostNotAllowed."""
    link = await dial(
        lambda: Link(settings.peer, on_lost),
        settings.host,
        settings.port,
        settings.networks,
        timeout_s=max(settings.timeout_s, SHORTEST_CONNECT_S),
        on_step=settings.on_step,
    )
    try:
        await link.begin(settings)
    except BaseException:
        link.close()
        raise
    return link
