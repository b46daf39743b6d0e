"""The gateway's one connection to Redis: subscriptions, hashes and published messages in order.

It speaks RESP3 (Redis 6, Valkey 7 or newer), where commands and published messages share one
connection. So a hash that is read here has exactly what was published before its answer, and
what is published after it comes after it: a snapshot needs no buffer and no second look. With
redis-py's PubSub, which keeps a connection to itself, there would be a race between the two.
The bytes are parsed by hiredis.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

from pumpjack_core.backoff import Backoff
from pumpjack_core.errors import ManifestError
from pumpjack_core.log import get_logger

CONNECT_LIMIT_S = 3.0
PING_S = 2.0
SILENT_LIMIT_S = 6.0
_NOT_YET = object()

OnReply = Callable[[Any], None]
"""Called once with the answer: dict, bytes, int, None …, or an Exception."""
_log = get_logger("gateway.redis")


class LinkLost(ConnectionError):
    """The connection ended before the answer came."""


class Link:
    """Keeps the connection up; tells when it is there and when it is lost.

    on_message(channel, payload), on_up(), on_down(why) are called in the order of the stream.
    """

    def __init__(
        self,
        url: str,
        *,
        on_message: Callable[[bytes, bytes], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
    ) -> None:
        try:
            self._target: Mapping[str, Any] = parse_url(url)
        except ValueError as error:
            raise ManifestError(f"PUMPJACK_REDIS_URL: {error}") from error
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._stream: _Stream | None = None

    @property
    def is_up(self) -> bool:
        """Whether commands can be sent."""
        return self._stream is not None

    async def run(self) -> None:
        """Stay connected until cancelled; connect again with back-off."""
        backoff = Backoff(first_s=0.1, most_s=5.0)
        while True:
            try:
                stream = await self._connect()
            except (OSError, TimeoutError, hiredis.HiredisError) as error:
                if backoff.attempts == 0:
                    _log.warning("Redis cannot be reached; trying again", why=str(error) or "late")
                await asyncio.sleep(backoff.next_s())
                continue
            backoff.reset()
            try:
                self._stream = stream
                _log.info("connected to Redis")
                self._on_up()
                why = await stream.until_lost()
            finally:
                self._stream = None
                stream.abort()
            _log.warning("the connection to Redis was lost; connecting again", why=why)
            self._on_down(why)

    def send(self, *words: str | bytes, then: OnReply) -> None:
        """Send a command; then() gets the answer, or LinkLost, at once when the link is down."""
        if self._stream is None:
            then(LinkLost("Redis cannot be reached now"))
        else:
            self._stream.send(words, then)

    async def call(self, *words: str | bytes, limit_s: float = 2.0) -> Any:
        """Send a command and wait. Raises OSError (LinkLost, TimeoutError) or ReplyError."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def settle(answer: Any) -> None:
            if future.done():
                return
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        self.send(*words, then=settle)
        async with asyncio.timeout(limit_s):
            return await future

    async def _connect(self) -> _Stream:
        loop = asyncio.get_running_loop()
        target = self._target
        async with asyncio.timeout(CONNECT_LIMIT_S):
            if "path" in target:
                _, stream = await loop.create_unix_connection(
                    lambda: _Stream(self._on_message), target["path"]
                )
            else:
                _, stream = await loop.create_connection(
                    lambda: _Stream(self._on_message),
                    target.get("host", "localhost"),
                    target.get("port", 6379),
                    ssl=_tls(target),
                )
            try:
                for words in _greeting(target):
                    await stream.call(words)
            except BaseException:
                stream.abort()
                raise
        return stream


def _greeting(target: Mapping[str, Any]) -> list[tuple[str, ...]]:
    who: tuple[str, ...] = ()
    if "password" in target:
        who = ("AUTH", target.get("username", "default"), target["password"])
    greeting = [("HELLO", "3", *who, "SETNAME", "pumpjack-gateway")]
    if target.get("db"):
        greeting.append(("SELECT", str(target["db"])))
    greeting.append(("PING",))  # refused while the server still loads its data
    return greeting


def _tls(target: Mapping[str, Any]) -> ssl.SSLContext | None:
    if target.get("connection_class") is not SSLConnection:
        return None
    context = ssl.create_default_context(cafile=target.get("ssl_ca_certs"))
    if "ssl_certfile" in target:
        context.load_cert_chain(target["ssl_certfile"], target.get("ssl_keyfile"))
    return context


class _Stream(asyncio.Protocol):
    """One connection. Answers come in the order of the commands; published messages between.

    The acknowledgement of SUBSCRIBE is a push, its refusal is an ordinary answer; either way it
    takes its command's place in the order.
    """

    def __init__(self, on_message: Callable[[bytes, bytes], None]) -> None:
        self._on_message = on_message
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._waiting: deque[OnReply] = deque()
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._heard_s = self._loop.time()

    def send(self, words: tuple[str | bytes, ...], then: OnReply) -> None:
        if self._transport is None or self._transport.is_closing():
            then(LinkLost("Redis cannot be reached now"))
            return
        self._waiting.append(then)
        self._transport.write(_packed(words))

    async def call(self, words: tuple[str, ...]) -> Any:
        future: asyncio.Future[Any] = self._loop.create_future()
        self.send(words, lambda answer: None if future.done() else future.set_result(answer))
        answer = await future
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def until_lost(self) -> str:
        """Wait for the end; a peer that is silent for too long is gone too."""
        while True:
            done, _ = await asyncio.wait([self._lost], timeout=PING_S)
            if done:
                return self._lost.result()
            if self._loop.time() - self._heard_s > SILENT_LIMIT_S:
                return f"it said nothing for {SILENT_LIMIT_S:.0f} s"
            self.send(("PING",), lambda _: None)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._fail("the gateway closed it")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio.Transport
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        reader = self._reader
        try:
            reader.feed(data)
            while (answer := reader.gets()) is not _NOT_YET:
                if type(answer) is hiredis.PushNotification:
                    self._push(answer)
                else:
                    self._waiting.popleft()(answer)
        except (hiredis.HiredisError, IndexError) as error:
            self._fail(f"it does not speak RESP3: {error}")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(str(exc) if exc is not None else "it closed the connection")

    def _push(self, push: list[Any]) -> None:
        if push[0] == b"message":
            self._on_message(push[1], push[2])
        elif push[0] in (b"subscribe", b"unsubscribe"):
            self._waiting.popleft()(push)

    def _fail(self, why: str) -> None:
        if not self._lost.done():
            self._lost.set_result(why)
        while self._waiting:
            self._waiting.popleft()(LinkLost(why))


def _packed(words: tuple[str | bytes, ...]) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]
    return packed
