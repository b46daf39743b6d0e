"""One TCP session with a device or gateway, one request at a time.

Our own transport below pymodbus's framer, because of what its client (3.16) does with silence:
it empties its buffer before each request, so that the rest of a late answer is read as a header;
repeats a request under the same transaction id, so that a late answer is taken for the next; and
closes the session after some unanswered requests, which punishes all units behind a gateway for
one that is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from pumpjack_core.errors import NotConnected
from pumpjack_core.networks import Network, endpoint
from pumpjack_worker.adapters.contract import OnStep, no_steps
from pumpjack_worker.adapters.dial import dial
from pumpjack_worker.adapters.modbus_tcp.frames import Answer, AnswerReader, Garbled, Request

ABANDONED_FOR_S = 600.0
"""How long the number of an unanswered request is not used again on its connection."""
_TRANSACTIONS = 65_536


class Silence(Exception):
    """No answer within the time-out."""


class Link(asyncio.Protocol):
    """A session. ask() sends one request and waits for the answer that names it.

    on_late  told the unit of each answer that came after its request was given up
    on_lost  told once when the session ends
    """

    def __init__(self, peer: str, on_late: Callable[[int], None], on_lost: Callable[[], None]):
        self._peer = peer
        self._on_late = on_late
        self._on_lost = on_lost
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._transaction = 0
        self._abandoned: dict[int, float] = {}
        self._unit = 0
        self._waiting: asyncio.Future[bytes] | None = None
        self.lost: NotConnected | None = None

    async def ask(self, request: Request, timeout_s: float) -> bytes:
        """Send a request and return the PDU of its answer.

        Raises Silence when none came in time, NotConnected when the session is or gets lost.
        """
        if self.lost is not None:
            raise self.lost
        assert self._transport is not None, "open_link() gives links that are open"
        assert self._waiting is None, "one request at a time"
        loop = asyncio.get_running_loop()
        self._transaction = self._next_transaction(loop.time())
        self._unit = request.unit
        waiting: asyncio.Future[bytes] = loop.create_future()
        self._waiting = waiting
        answered = False
        try:
            self._transport.write(request.frame(self._transaction))
            async with asyncio.timeout(timeout_s):
                pdu = await waiting
            answered = True
            return pdu
        except TimeoutError:
            raise Silence from None
        finally:
            self._waiting = None
            if not answered:
                self._abandoned[self._transaction] = loop.time()

    def close(self, reason: str = "Closed", message: str = "the session was closed") -> None:
        """End the session at once; whoever waits for an answer gets NotConnected."""
        if self.lost is not None:
            return
        self.lost = NotConnected(f"{self._peer}: {message}", reason=reason)
        if self._transport is not None:
            self._transport.abort()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(self.lost)
        self._on_lost()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the session is open."""
        # uvloop's transports are no subclass of asyncio.Transport
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came, cut anyhow."""
        try:
            answers = self._reader.feed(data)
        except Garbled as error:
            self.close("Garbled", f"{error}; check that this host and port speak Modbus TCP")
            return
        for answer in answers:
            self._take(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the session ended."""
        text = (
            f"the device closed the connection ({exc})"
            if exc
            else "the device closed the connection"
        )
        self.close("Closed", text)

    def _take(self, answer: Answer) -> None:
        waiting = self._waiting
        named = answer.transaction == self._transaction and answer.unit == self._unit
        if named and waiting is not None and not waiting.done():
            waiting.set_result(answer.pdu)
        elif self._abandoned.pop(answer.transaction, None) is not None:
            self._on_late(answer.unit)

    def _next_transaction(self, now: float) -> int:
        """The next number that no late answer can name."""
        while self._abandoned:
            oldest = next(iter(self._abandoned))
            fresh = now - self._abandoned[oldest] < ABANDONED_FOR_S
            if fresh and len(self._abandoned) < _TRANSACTIONS // 2:
                break
            del self._abandoned[oldest]
        number = self._transaction
        while True:
            number = (number + 1) % _TRANSACTIONS
            if number not in self._abandoned:
                return number


async def open_link(
    host: str,
    port: int,
    networks: Sequence[Network],
    *,
    timeout_s: float,
    on_late: Callable[[int], None],
    on_lost: Callable[[], None],
    on_step: OnStep = no_steps,
) -> Link:
    """A link to the device. Raises what dial() raises."""
    peer = endpoint(host, port)
    return await dial(
        lambda: Link(peer, on_late, on_lost),
        host,
        port,
        networks,
        timeout_s=timeout_s,
        on_step=on_step,
    )
