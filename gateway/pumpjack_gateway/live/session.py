"""One client's conversation: it signs in, says what it wants to follow, until its token ends."""

from __future__ import annotations

import asyncio

import msgspec
from websockets.exceptions import ConnectionClosed

from pumpjack_core.clock import US_PER_S, iso_us
from pumpjack_core.errors import AuthError
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.live.client import Client, Subscription
from pumpjack_gateway.live.connection import FeedConnection
from pumpjack_gateway.live.messages import (
    Auth,
    ClientMessage,
    Close,
    Connected,
    ErrorCode,
    GetStats,
    Problem,
    Stats,
    SubscribeWell,
    UnsubscribeWell,
    decode_client_message,
)
from pumpjack_gateway.live.service import Service
from pumpjack_gateway.live.subscriptions import WellSubscriptions, subscriptions_of
from pumpjack_gateway.sign_ins import identity

REFUSALS_MAX = 20
"""A client that is told RATE_LIMITED this often in a row is asked to come back later."""
SECONDS_EACH_WELL = 0.02
"""What a well of a subscription costs, in messages."""


class Session:
    """One client. The feeds write to its outlet; what the client says is handled in turn."""

    def __init__(self, connection: FeedConnection, service: Service) -> None:
        self._connection = connection
        self._service = service
        self._client = client = Client(connection, service)
        connection.flow = client.outlet
        self._since = iso_us(service.clock.now_us())
        self._wells = WellSubscriptions(client)
        self._subscriptions: list[Subscription] = [self._wells, *subscriptions_of(client)]
        self._about: dict[type[ClientMessage], Subscription] = {
            message: one for one in self._subscriptions for message in one.messages
        }
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
            self._client.outlet.stop()
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
            self._client.refuse(
                "AUTH_REQUIRED", f"no token came within {seconds}", Close.AUTH_TIMEOUT
            )
            return None
        try:
            message = decode_client_message(text)
            if not isinstance(message, Auth):
                raise AuthError('send {"type":"auth","token":…} first', code="AUTH_REQUIRED")
            return await self._service.verifier.verify(message.token)
        except msgspec.MsgspecError:
            self._client.refuse(
                "AUTH_REQUIRED", 'send {"type":"auth","token":…} first', Close.AUTH_FAILED
            )
        except AuthError as error:
            self._service.metrics.sign_ins_refused.labels(error.code).inc()
            self._client.refuse(_code(error), str(error), Close.AUTH_FAILED)
        return None

    def _admit(self, who: Principal) -> bool:
        """Take the client in, if there is room for one more of its tenant."""
        service = self._service
        wait_s = service.limiter.wait_s(who)
        if wait_s > 0:
            service.metrics.rate_limited.labels("websocket").inc()
            sentence = f"too many connections at once; come back in {wait_s:.0f} s"
            self._client.refuse("RATE_LIMITED", sentence, Close.TRY_AGAIN_LATER)
            return False
        if not service.clients.enter(who.tenant_id):
            self._client.refuse(
                "TOO_MANY_CLIENTS",
                "the tenant has as many connections to this gateway as it may; "
                "close some, or come back later",
                Close.TRY_AGAIN_LATER,
            )
            return False
        self._client.audit(
            who, "sign-in", "ok", via="websocket", **identity(who), **self._client.origin()
        )
        self._welcome(who)
        return True

    def _welcome(self, who: Principal) -> None:
        now_us = self._service.clock.now_us()
        if self._expiry is not None:
            self._expiry.cancel()
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(who.expires_s - now_us / US_PER_S, self._expire)
        self._client.send(
            Connected(
                client_id=self._client.id,
                tenant_id=who.tenant_id,
                subject=who.subject,
                role=who.role.name,
                expires_at=iso_us(int(who.expires_s * US_PER_S)),
                server_time=iso_us(now_us),
            )
        )

    def _expire(self) -> None:
        self._client.refuse(
            "TOKEN_EXPIRED",
            "the token has expired; connect again with a new one",
            Close.TOKEN_EXPIRED,
        )

    def _leave(self, who: Principal) -> None:
        for one in self._subscriptions:
            one.leave(who)
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
                    self._client.problem("BAD_MESSAGE", f"{fault}; docs/wire.md lists the messages")
                case Auth():
                    who = await self._sign_in_again(who, message.token)
                case GetStats():
                    self._client.send(self._stats(who))
                case _:
                    await self._about[type(message)].take(who, message)

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
            self._client.refuse("RATE_LIMITED", sentence, Close.TRY_AGAIN_LATER)
        else:
            self._client.send(Problem("RATE_LIMITED", sentence, retry_after_s=round(wait_s, 3)))
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
            self._client.audit(who, "sign-in-again", "refused", code=error.code)
            self._client.problem(_code(error), str(error))
            return who
        self._client.audit(again, "sign-in-again", "ok")
        self._welcome(again)
        return again

    def _stats(self, who: Principal) -> Stats:
        return Stats(
            client_id=self._client.id,
            connected_at=self._since,
            wells=list(self._wells.wells),
            messages_sent=self._client.outlet.sent,
            messages_conflated=self._client.outlet.conflated,
            readings_dropped=self._client.outlet.dropped,
            feed_connected=self._service.hub.is_up,
            tenant_clients=self._service.clients.of(who.tenant_id),
        )


def _code(error: AuthError) -> ErrorCode:
    match error.code:
        case "TOKEN_EXPIRED":
            return "TOKEN_EXPIRED"
        case "AUTH_REQUIRED":
            return "AUTH_REQUIRED"
        case _:
            return "AUTH_FAILED"
