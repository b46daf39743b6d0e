"""A client of the gateway: signs in, subscribes, comes back after each loss (docs/wire.md)."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from pumpjack_cli.watching.model import Message
from pumpjack_core.backoff import Backoff
from pumpjack_core.errors import AuthError, PumpjackError
from pumpjack_gateway.live.messages import Auth, Close, Problem, SubscribeWell

REST_LIMIT_S = 10.0
OPEN_LIMIT_S = 10.0
SILENT_LIMIT_S = 45.0
MOST_MESSAGE_BYTES = 16 << 20
WELLS_A_MESSAGE = 100
REFUSED = frozenset({"AUTH_FAILED", "TOKEN_EXPIRED", "AUTH_REQUIRED"})
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encode = msgspec.json.Encoder().encode


class Lost(Struct, frozen=True, tag="watch-lost"):
    """The connection ended, or could not be made; the next attempt follows after pause_s."""

    reason: str
    pause_s: float


Event = Message | Lost


class Tag(Struct, frozen=True, rename="camel"):
    """A tag, as REST lists it."""

    tag_name: str
    unit: str = ""


class Well(Struct, frozen=True, rename="camel"):
    """A well, as REST lists it."""

    well_id: str
    tags: tuple[Tag, ...] = ()


class Rest:
    """The gateway's REST side, with one token."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token

    async def get(self, path: str) -> Any:
        """GET a path, parsed. Raises AuthError when refused, else PumpjackError."""
        return await asyncio.to_thread(self._get, path)

    async def status_of(self, path: str) -> int:
        """Status code of a GET, whatever it is. Raises PumpjackError when nothing answers."""
        return await asyncio.to_thread(lambda: self._open(path)[0])

    async def wells(self) -> tuple[Well, ...]:
        """The wells of the token's tenant with their tags."""
        found: list[Well] = []
        page = await self.get("/api/scada/wells")
        while True:
            found += msgspec.convert(page["wells"], list[Well])
            if not page.get("nextAfter"):
                return tuple(found)
            page = await self.get(f"/api/scada/wells?after={quote(page['nextAfter'], safe='')}")

    def _get(self, path: str) -> Any:
        code, body = self._open(path)
        if code == 200:
            return json.loads(body)
        detail = _detail(body)
        if code in (401, 403):
            raise AuthError(f"the gateway refused the token: {detail}")
        raise PumpjackError(f"{self._url}{path} answered {code}: {detail}")

    def _open(self, path: str) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310 - the URL is the user's own
            self._url + path, headers={"Authorization": f"Bearer {self._token()}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=REST_LIMIT_S) as answer:  # noqa: S310
                return int(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (OSError, ValueError) as error:
            raise PumpjackError(
                f"no gateway answers at {self._url} ({getattr(error, 'reason', error)}); start "
                "`pumpjack up` or `pumpjack demo`, or give its address"
            ) from error


async def follow(
    url: str, token: Callable[[], str], wells: Callable[[], Sequence[str]]
) -> AsyncGenerator[tuple[Event, str]]:
    """Messages with their text, without end: after a loss it signs in and subscribes again.

    token is asked at each connection, wells before each message: it may grow.
    Raises AuthError when the token is refused.
    """
    pause = Backoff(first_s=0.3, most_s=10.0)
    while True:
        reason = "the gateway closed the connection"
        try:
            async with connect(
                url, max_size=MOST_MESSAGE_BYTES, open_timeout=OPEN_LIMIT_S
            ) as socket:
                await socket.send(_encode(Auth(token())).decode())
                subscribed: set[str] = set()
                while True:
                    await _subscribe(socket, [w for w in wells() if w not in subscribed])
                    subscribed.update(wells())
                    text = await asyncio.wait_for(socket.recv(decode=True), SILENT_LIMIT_S)
                    message = _read(text)
                    if message is None:
                        continue
                    if isinstance(message, Problem) and message.code in REFUSED:
                        raise AuthError(message.message, code=message.code)
                    pause.reset()
                    yield message, text
        except ConnectionClosed as error:
            reason = _closed(error)
        except InvalidURI as error:
            raise PumpjackError(f"{url!r} is no WebSocket address; write ws://host:port") from error
        except TimeoutError:
            reason = "the gateway said nothing for too long"
        except (OSError, InvalidHandshake) as error:
            reason = f"no gateway answers at {url} ({error})"
        lost = Lost(reason, round(pause.next_s(), 2))
        yield lost, _encode(lost).decode()
        await asyncio.sleep(lost.pause_s)


async def _subscribe(socket: ClientConnection, wells: Sequence[str]) -> None:
    for at in range(0, len(wells), WELLS_A_MESSAGE):
        part = SubscribeWell(well_ids=list(wells[at : at + WELLS_A_MESSAGE]))
        await socket.send(_encode(part).decode())


def _read(text: str) -> Message | None:
    """None for a kind of message that a newer gateway may send."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        return None


def _closed(error: ConnectionClosed) -> str:
    """Why the gateway hung up, in words. Raises AuthError where coming back is of no use."""
    frame = error.rcvd
    if frame is None:
        return "the connection to the gateway was lost"
    if frame.code in (Close.AUTH_FAILED, Close.TOKEN_EXPIRED):
        raise AuthError(frame.reason or "the gateway refused the token")
    return f"the gateway closed the connection ({frame.code} {frame.reason})".rstrip()


def _detail(body: bytes) -> str:
    """The sentence of a problem document (RFC 9457)."""
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem.get("title") or problem)
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")
