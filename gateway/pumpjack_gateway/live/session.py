"""One client's conversation: it signs in, asks for wells, and stays until its token ends."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import Protocol

import msgspec
from msgspec import Struct
from websockets.exceptions import ConnectionClosed

from pumpjack_core.clock import US_PER_S, Clock, iso_us
from pumpjack_core.errors import AuthError, StorageError
from pumpjack_core.wire import Reading
from pumpjack_gateway.alarms.feeds import AlarmFeeds
from pumpjack_gateway.alarms.messages import (
    AlarmsUnsubscribed,
    SubscribeAlarms,
    UnsubscribeAlarms,
    frame_of_alarms,
)
from pumpjack_gateway.alarms.screen import AlarmScreen
from pumpjack_gateway.audit import Audit
from pumpjack_gateway.auth import Principal, Verifier
from pumpjack_gateway.commands.feed import Feeds
from pumpjack_gateway.commands.messages import (
    CommandsUnsubscribed,
    SubscribeCommands,
    UnsubscribeCommands,
    frame_of_commands,
)
from pumpjack_gateway.limits import Limiter
from pumpjack_gateway.live.clients import Clients
from pumpjack_gateway.live.connection import FeedConnection
from pumpjack_gateway.live.hub import Hub
from pumpjack_gateway.live.messages import (
    Auth,
    ClientMessage,
    Close,
    Connected,
    ErrorCode,
    GetStats,
    Problem,
    ServerMessage,
    Stats,
    SubscribeWell,
    Unsubscribed,
    UnsubscribeWell,
    decode_client_message,
    frame_of,
)
from pumpjack_gateway.live.outlet import Limits, Outlet
from pumpjack_gateway.metrics import Metrics
from pumpjack_gateway.sign_ins import identity, origin

REFUSALS_MAX = 20
"""A client that is told RATE_LIMITED this often in a row is asked to come back later."""
SECONDS_EACH_WELL = 0.02
"""What a well of a subscription costs, in messages."""


class WellList(Protocol):
    """Which wells a tenant has (wells.Wells)."""

    async def exists(self, tenant_id: str, well_id: str) -> bool:
        """Raises StorageError when nobody can say."""
        ...


class StoredLatest(Protocol):
    """The last stored readings (store.Store)."""

    async def latest(self, tenant_id: str, well_id: str) -> list[Reading]:
        """Raises StorageError."""
        ...


class Service(Struct, frozen=True):
    """What every session needs."""

    hub: Hub
    alarms: AlarmFeeds
    commands: Feeds
    clients: Clients
    verifier: Verifier
    wells: WellList
    store: StoredLatest
    limiter: Limiter
    audit: Audit
    metrics: Metrics
    clock: Clock
    auth_limit_s: float
    wells_max: int
    outlet: Limits


class Session:
    """One client. The hub writes to its outlet; what the client says is handled in turn."""

    def __init__(self, connection: FeedConnection, service: Service) -> None:
        self._connection = connection
        self._service = service
        self._outlet = Outlet(connection, service.outlet, service.metrics)
        connection.flow = self._outlet
        self._id = uuid.uuid4().hex
        self._since = iso_us(service.clock.now_us())
        self._wells: dict[str, None] = {}
        self._alarms = AlarmScreen(self._outlet)
        self._outlet.holders.append(self._alarms)
        self._refusals = 0
        self._expiry: asyncio.TimerHandle | None = None

    async def run(self, who: Principal | None) -> None:
        """Serve until the connection ends. who: None when the client still has to sign in."""
        try:
            if who is None:
                who = await self._first_message()
            if who is not None and self._admit(who):
                try:
                    await self._converse(who)
                finally:
                    self._leave(who)
        except ConnectionClosed:
            pass
        finally:
            self._outlet.stop()
            if self._expiry is not None:
                self._expiry.cancel()

    # Signing in

    async def _first_message(self) -> Principal | None:
        """The token must come first, and soon."""
        try:
            async with asyncio.timeout(self._service.auth_limit_s):
                text = await self._connection.recv()
        except TimeoutError:
            seconds = f"{self._service.auth_limit_s:.0f} s"
            self._refuse("AUTH_REQUIRED", f"no token came within {seconds}", Close.AUTH_TIMEOUT)
            return None
        try:
            message = decode_client_message(text)
            if not isinstance(message, Auth):
                raise AuthError('send {"type":"auth","token":…} first', code="AUTH_REQUIRED")
            return await self._service.verifier.verify(message.token)
        except msgspec.MsgspecError:
            self._refuse("AUTH_REQUIRED", 'send {"type":"auth","token":…} first', Close.AUTH_FAILED)
        except AuthError as error:
            self._service.metrics.sign_ins_refused.labels(error.code).inc()
            self._refuse(_code(error), str(error), Close.AUTH_FAILED)
        return None

    def _admit(self, who: Principal) -> bool:
        """Take the client in, if there is room for one more of its tenant."""
        service = self._service
        wait_s = service.limiter.wait_s(who)
        if wait_s > 0:
            service.metrics.rate_limited.labels("websocket").inc()
            sentence = f"too many connections at once; come back in {wait_s:.0f} s"
            self._refuse("RATE_LIMITED", sentence, Close.TRY_AGAIN_LATER)
            return False
        if not service.clients.enter(who.tenant_id):
            self._refuse(
                "TOO_MANY_CLIENTS",
                "the tenant has as many connections to this gateway as it may; "
                "close some, or come back later",
                Close.TRY_AGAIN_LATER,
            )
            return False
        self._audit(who, "sign-in", "ok", via="websocket", **identity(who), **self._origin())
        self._welcome(who)
        return True

    def _welcome(self, who: Principal) -> None:
        now_us = self._service.clock.now_us()
        if self._expiry is not None:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(who.expires_s - now_us / US_PER_S, self._expire)
        self._send(
            Connected(
                client_id=self._id,
                tenant_id=who.tenant_id,
                subject=who.subject,
                role=who.role.name,
                expires_at=iso_us(int(who.expires_s * US_PER_S)),
                server_time=iso_us(now_us),
            )
        )

    def _expire(self) -> None:
        self._refuse(
            "TOKEN_EXPIRED",
            "the token has expired; connect again with a new one",
            Close.TOKEN_EXPIRED,
        )

    def _leave(self, who: Principal) -> None:
        for well_id in self._wells:
            self._service.hub.leave(self._outlet, who.tenant_id, well_id)
        self._service.alarms.leave(self._alarms, who.tenant_id)
        self._service.commands.leave(self._outlet, who.tenant_id)
        self._service.clients.exit(who.tenant_id)

    # The conversation

    async def _converse(self, who: Principal) -> None:
        async for text in self._connection:
            try:
                message = decode_client_message(text)
                cost = self._cost(message)
            except (msgspec.MsgspecError, ValueError) as error:
                message, cost = None, 1.0
                fault = str(error)
            if not self._may(who, cost):
                continue
            match message:
                case None:
                    self._problem("BAD_MESSAGE", f"{fault}; docs/wire.md lists the messages")
                case Auth():
                    who = await self._sign_in_again(who, message.token)
                case SubscribeWell():
                    await self._subscribe(who, message.wells())
                case UnsubscribeWell():
                    self._unsubscribe(who, message.wells())
                case SubscribeAlarms():
                    await self._service.alarms.join(self._alarms, who.tenant_id)
                    self._audit(who, "subscribe-alarms", "ok")
                    await self._connection.drain()
                case UnsubscribeAlarms():
                    self._service.alarms.leave(self._alarms, who.tenant_id)
                    self._alarms.forget()
                    self._outlet.tell(frame_of_alarms(AlarmsUnsubscribed()))
                case SubscribeCommands():
                    await self._subscribe_commands(who, message.well_id)
                case UnsubscribeCommands():
                    self._service.commands.leave(self._outlet, who.tenant_id)
                    self._outlet.tell(frame_of_commands(CommandsUnsubscribed()))
                case GetStats():
                    self._send(self._stats(who))

    def _cost(self, message: ClientMessage) -> float:
        """What a message takes from the rate. Raises ValueError for wells that cannot be."""
        if isinstance(message, (SubscribeWell, UnsubscribeWell)):
            return 1.0 + SECONDS_EACH_WELL * len(message.wells())
        return 1.0

    def _may(self, who: Principal, cost: float) -> bool:
        wait_s = self._service.limiter.wait_s(who, cost)
        if wait_s == 0:
            self._refusals = 0
            return True
        self._refusals += 1
        self._service.metrics.rate_limited.labels("websocket").inc()
        sentence = f"too many messages; the next one is served in {wait_s:.1f} s"
        if self._refusals > REFUSALS_MAX:
            self._refuse("RATE_LIMITED", sentence, Close.TRY_AGAIN_LATER)
        else:
            self._send(Problem("RATE_LIMITED", sentence, retry_after_s=round(wait_s, 3)))
        return False

    async def _sign_in_again(self, who: Principal, token: str) -> Principal:
        """A new token of the same person. Another one is refused, and the old one stays."""
        try:
            again = await self._service.verifier.verify(token)
            if not who.same_person(again):
                raise AuthError(
                    "this token is of another person or tenant; open another connection for it"
                )
        except AuthError as error:
            self._service.metrics.sign_ins_refused.labels(error.code).inc()
            self._audit(who, "sign-in-again", "refused", code=error.code)
            self._problem(_code(error), str(error))
            return who
        self._audit(again, "sign-in-again", "ok")
        self._welcome(again)
        return again

    async def _subscribe(self, who: Principal, wells: list[str]) -> None:
        for well_id in wells:
            if well_id not in self._wells and len(self._wells) >= self._service.wells_max:
                sentence = (
                    f"one connection shows at most {self._service.wells_max} wells; "
                    "unsubscribe from some, or open another connection"
                )
                self._problem("TOO_MANY_SUBSCRIPTIONS", sentence, well_id)
                continue
            if await self._may_see(who, well_id, "subscribe"):
                await self._join(who, well_id)

    async def _may_see(self, who: Principal, well_id: str, action: str) -> bool:
        """Whether the tenant has the well; the client is told if not."""
        try:
            exists = await self._service.wells.exists(who.tenant_id, well_id)
        except StorageError as error:
            self._problem("UNAVAILABLE", str(error), well_id)
            return False
        if not exists:
            self._audit(who, action, "refused", wellId=well_id)
            self._problem("FORBIDDEN_WELL", "there is no such well for you", well_id)
        return exists

    async def _join(self, who: Principal, well_id: str) -> None:
        stored = None
        if not self._service.hub.is_up:
            with suppress(StorageError):
                stored = await self._service.store.latest(who.tenant_id, well_id)
        self._wells[well_id] = None
        await self._service.hub.join(self._outlet, who.tenant_id, well_id, stored)
        self._audit(who, "subscribe", "ok", wellId=well_id)
        await self._connection.drain()  # many snapshots wait for the client, not in our memory

    def _unsubscribe(self, who: Principal, wells: list[str]) -> None:
        for well_id in wells:
            self._wells.pop(well_id, None)
            self._service.hub.leave(self._outlet, who.tenant_id, well_id)
            self._outlet.forget(well_id)
            self._send(Unsubscribed(well_id))

    async def _subscribe_commands(self, who: Principal, well_id: str | None) -> None:
        if well_id is not None and not await self._may_see(who, well_id, "subscribe-commands"):
            return

        def late() -> None:
            self._problem("UNAVAILABLE", "the commands come when the database can be reached")

        await self._service.commands.join(self._outlet, who.tenant_id, well_id, late)
        self._audit(who, "subscribe-commands", "ok", wellId=well_id)
        await self._connection.drain()

    def _stats(self, who: Principal) -> Stats:
        return Stats(
            client_id=self._id,
            connected_at=self._since,
            wells=list(self._wells),
            messages_sent=self._outlet.sent,
            messages_conflated=self._outlet.conflated,
            readings_dropped=self._outlet.dropped,
            feed_connected=self._service.hub.is_up,
            tenant_clients=self._service.clients.of(who.tenant_id),
        )

    # Saying

    def _send(self, message: ServerMessage) -> None:
        self._outlet.tell(frame_of(message))

    def _problem(self, code: ErrorCode, sentence: str, well_id: str | None = None) -> None:
        self._send(Problem(code, sentence, well_id))

    def _refuse(self, code: ErrorCode, sentence: str, close: int) -> None:
        self._problem(code, sentence)
        self._connection.end(close, sentence[:120])

    def _origin(self) -> dict[str, object]:
        """From where the client came, for the audit log."""
        peer: object = self._connection.remote_address
        request = self._connection.request
        host = str(peer[0]) if isinstance(peer, tuple) and peer else None
        return origin(host, request.headers if request is not None else {})

    def _audit(self, who: Principal, action: str, outcome: str, **detail: object) -> None:
        self._service.audit.note(who.tenant_id, who.subject, action, outcome, **detail)


def _code(error: AuthError) -> ErrorCode:
    match error.code:
        case "TOKEN_EXPIRED":
            return "TOKEN_EXPIRED"
        case "AUTH_REQUIRED":
            return "AUTH_REQUIRED"
        case _:
            return "AUTH_FAILED"
