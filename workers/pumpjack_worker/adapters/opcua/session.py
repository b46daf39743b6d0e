# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, no-untyped-call"
"""The session with one server: opened, taken up again after the connection dropped, closed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from asyncua import ua
from cryptography.hazmat.primitives.serialization import Encoding

from pumpjack_core import credentials
from pumpjack_core.credentials import Credentials
from pumpjack_core.errors import NotConnected
from pumpjack_core.log import get_logger
from pumpjack_worker.adapters.contract import Surroundings, no_steps
from pumpjack_worker.adapters.dial import dial
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.endpoints import (
    NO_POLICY,
    choose,
    login_of,
)
from pumpjack_worker.adapters.opcua.failures import ServiceFault, refusal
from pumpjack_worker.adapters.opcua.security import Security
from pumpjack_worker.adapters.opcua.settings import Settings

SHORTEST_CONNECT_S = 1.0
"""Least time for a name and a connection, also where requests are given less."""
SESSION_LIVES_S = 120.0
"""How long the server is asked to keep the session after the connection dropped."""
GOODBYE_S = 0.3
NONCE_BYTES = 32

_log = get_logger("worker.opcua")


class Session:
    """One session at a time. After close() everything raises NotConnected.

    lives_s  how long the server keeps it while nothing is asked
    """

    def __init__(
        self, settings: Settings, surroundings: Surroundings, *, on_lost: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._on_lost = on_lost
        self._channel: Channel | None = None
        self._opening: asyncio.Task[bool] | None = None
        self._closed = False
        state = surroundings.state
        self._security = Security(settings, None if state is None else state / "pki")
        self._token: Any = None
        self._nonce = b""
        self._unheard = 0
        self.lives_s = SESSION_LIVES_S

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person should know of certificates and passwords."""
        return self._security.problems

    @property
    def channel(self) -> Channel:
        """The way to the server. Raises NotConnected."""
        if self._channel is None:
            raise self._was_closed()
        return self._channel

    @property
    def lost(self) -> NotConnected | None:
        """Why there is no way to the server; None: there is."""
        return self._was_closed() if self._channel is None else self._channel.lost

    async def open(self) -> bool:
        """Open the session. Whether it is the old one, with all its subscriptions.

        Raises NotConnected or HostNotAllowed.
        """
        self.drop()
        if self._closed:
            raise self._was_closed()
        self._opening = asyncio.create_task(self._open())
        try:
            return await self._opening
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                self._opening.cancel()
                raise  # whoever waits for us was cancelled
            raise self._was_closed() from None
        except NotConnected:
            self.drop()
            raise
        except (ua.UaError, ValueError, TypeError, AttributeError) as error:
            self.drop()
            raise NotConnected(
                f"{self._settings.peer} cannot be talked to with this security ({error}); look at "
                "the server's certificate (RSA keys only), or use another securityPolicy",
                reason="NoEndpoint",
            ) from error
        finally:
            self._opening = None

    def drop(self, error: NotConnected | None = None) -> None:
        """End the connection; the session may live on."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.abort(error or self._was_closed())

    async def close(self) -> None:
        """End the session for good, and whatever waits for one."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        channel, self._channel = self._channel, None
        if channel is None:
            return
        if self._token is not None and channel.lost is None:
            request = ua.CloseSessionRequest()
            request.DeleteSubscriptions = True
            with contextlib.suppress(NotConnected, ServiceFault, TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await channel.send(request, hint_s=GOODBYE_S)
        channel.close()

    def forget(self) -> None:
        """The server does not know this session any more: open() makes another."""
        self._token = None

    # Opening

    async def _open(self) -> bool:
        login = credentials.read(self._surroundings.secrets)
        if self._token is not None and self._security.endpoint is not None:
            if await self._resume(login):
                return True
            self._token = None
        await self._reach(login)
        await self._begin(login)
        return False

    async def _resume(self, login: Credentials) -> bool:
        """Take up the old session over a new channel. False: that cannot be.

        The server may be another than before, with another certificate: so only the first time
        that it is silent or hangs up leaves hope for the old session.
        """
        channel = await self._dial(self._security.policy(), first=True)
        self._channel = channel
        try:
            await channel.open(self._settings.spec.endpoint)
            self._step("login")
            channel.authenticate(self._token)
            await self._activate(channel, login)
        except NotConnected as error:
            unheard = error.reason in ("Closed", "Timeout")
            self._unheard += unheard
            if self._closed or (unheard and self._unheard == 1):
                raise
        except (ServiceFault, ua.UaError, ValueError, TypeError, AttributeError) as error:
            _log.debug("session is not taken up", device=self._settings.peer, reason=str(error))
        else:
            self._unheard = 0
            return True
        self._unheard = 0
        channel.close()
        self._channel = None
        return False

    async def _reach(self, login: Credentials) -> None:
        """A channel with the wanted security."""
        settings = self._settings
        channel = await self._dial(NO_POLICY(), first=True)
        self._channel = channel
        try:
            self._step("secure")
            await channel.open(settings.spec.endpoint)
            request = ua.GetEndpointsRequest()
            request.Parameters.EndpointUrl = settings.spec.endpoint
            answer = await channel.ask(request, ua.GetEndpointsResponse)
            endpoint = choose(settings.peer, answer.Endpoints or (), settings.spec)
            self._security.take(endpoint, login)
            if settings.spec.security == "None":
                return
            channel.close()
            self._channel = channel = await self._dial(self._security.policy(), first=False)
            await channel.open(settings.spec.endpoint)
        except ServiceFault as fault:
            raise self._refused(fault) from fault

    async def _begin(self, login: Credentials) -> None:
        """A new session."""
        self._step("login")
        channel = self.channel
        try:
            await self._create(channel)
            await self._activate(channel, login)
        except ServiceFault as fault:
            raise self._refused(fault) from fault

    async def _create(self, channel: Channel) -> None:
        settings = self._settings
        identity = self._security.identity
        nonce = os.urandom(NONCE_BYTES)
        request = ua.CreateSessionRequest()
        params = request.Parameters
        params.ClientDescription.ApplicationUri = self._security.application_uri()
        params.ClientDescription.ProductUri = "urn:pumpjack"
        params.ClientDescription.ApplicationName = ua.LocalizedText(settings.application)
        params.ClientDescription.ApplicationType = ua.ApplicationType.Client
        params.EndpointUrl = settings.spec.endpoint
        params.SessionName = settings.application
        params.ClientNonce = nonce
        params.ClientCertificate = None if identity is None else identity.der
        params.RequestedSessionTimeout = SESSION_LIVES_S * 1000
        answer = (await channel.ask(request, ua.CreateSessionResponse)).Parameters
        if identity is not None:
            self._security.verify(identity.der + nonce, answer)
        self._token, self._nonce = answer.AuthenticationToken, answer.ServerNonce or b""
        granted_s = answer.RevisedSessionTimeout / 1000
        self.lives_s = granted_s if granted_s > 0 else SESSION_LIVES_S
        channel.authenticate(self._token)

    async def _activate(self, channel: Channel, given: Credentials) -> None:
        settings = self._settings
        how = login_of(settings.peer, self._security.endpoint, by_name=given.username is not None)
        request = ua.ActivateSessionRequest()
        params = request.Parameters
        if settings.spec.security != "None":
            policy = self._security.policy()
            server = self._security.server_certificate().public_bytes(Encoding.DER)
            params.ClientSignature.Algorithm = policy.AsymmetricSignatureURI
            params.ClientSignature.Signature = policy.asymmetric_cryptography.signature(
                server + self._nonce
            )
        params.UserIdentityToken = self._security.identity_token(how, given, self._nonce)
        answer = (await channel.ask(request, ua.ActivateSessionResponse)).Parameters
        self._nonce = answer.ServerNonce or b""

    # Small things

    async def _dial(self, policy: Any, *, first: bool) -> Channel:
        settings = self._settings
        return await dial(
            partial(
                Channel,
                settings.peer,
                policy,
                timeout_s=settings.timeout_s,
                on_lost=self._on_lost,
            ),
            settings.host,
            settings.port,
            settings.networks,
            timeout_s=max(settings.timeout_s, SHORTEST_CONNECT_S),
            on_step=self._surroundings.on_step if first else no_steps,
        )

    def _step(self, name: Any) -> None:
        self._surroundings.on_step(name)

    def _refused(self, fault: ServiceFault) -> NotConnected:
        own = self._security.own_certificate
        return refusal(self._settings.peer, fault, own_certificate=own)

    def _was_closed(self) -> NotConnected:
        return NotConnected(
            f"{self._settings.peer}: there is no session; call connect()", reason="Closed"
        )
