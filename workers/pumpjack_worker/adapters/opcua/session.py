# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, no-untyped-call"
"""The session with one server: opened, taken up again after the connection dropped, closed."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.crypto import security_policies
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from pumpjack_core import credentials
from pumpjack_core.credentials import Credentials
from pumpjack_core.errors import NotConnected
from pumpjack_core.manifests.types import Opcua
from pumpjack_core.networks import Network
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.contract import Surroundings, no_steps
from pumpjack_worker.adapters.dial import dial
from pumpjack_worker.adapters.opcua.certificates import (
    Identity,
    kept_identity,
    make_identity,
    read_identity,
    thumbprint,
)
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.endpoints import (
    MODES,
    NO_POLICY,
    POLICIES,
    Login,
    choose,
    host_and_port,
    login_of,
)
from pumpjack_worker.adapters.opcua.failures import ServiceFault, refusal
from pumpjack_worker.adapters.opcua.trust import (
    application_uris,
    certificates_of,
    check_server,
    expires_soon,
    hosts_of,
)

SHORTEST_CONNECT_S = 1.0
"""Least time for a name and a connection, also where requests are given less."""
SESSION_LIVES_S = 120.0
"""How long the server is asked to keep the session after the connection dropped."""
GOODBYE_S = 0.3
NONCE_BYTES = 32


class Settings(Struct, frozen=True):
    """Where the server is and how to talk to it."""

    host: str
    port: int
    spec: Opcua
    networks: tuple[Network, ...]
    timeout_s: float
    application: str
    application_uri: str

    @property
    def peer(self) -> str:
        """Host and port for messages."""
        return f"{self.host}:{self.port}"


def settings_of(
    spec: Opcua, networks: tuple[Network, ...], connection_id: str, tenant_id: str
) -> Settings:
    """Raises ManifestError for an endpoint that names no host."""
    host, port = host_and_port(spec.endpoint)
    return Settings(
        host,
        port,
        spec,
        networks,
        seconds(spec.timeout),
        f"Pumpjack {connection_id}",
        f"urn:pumpjack:{tenant_id}:{connection_id.replace('/', ':')}",
    )


class Session:
    """One session at a time. After close() everything raises NotConnected.

    problems  what a person should know though it is connected
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
        self._identity: Identity | None = None
        self._endpoint: Any = None
        self._token: Any = None
        self._nonce = b""
        self.problems: tuple[str, ...] = ()

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
        if self._token is not None and self._endpoint is not None:
            if await self._resume(login):
                return True
            self._token = None
        await self._reach(login)
        await self._begin(login)
        return False

    async def _resume(self, login: Credentials) -> bool:
        """Take up the old session over a new channel. False: the server does not have it."""
        channel = await self._dial(self._policy(), first=True)
        self._channel = channel
        try:
            await channel.open(self._settings.spec.endpoint)
            self._step("login")
            channel.authenticate(self._token)
            await self._activate(channel, login)
        except ServiceFault:
            channel.close()
            self._channel = None
            return False
        return True

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
            self._endpoint = choose(settings.peer, answer.Endpoints or (), settings.spec)
            self.problems = ()
            if settings.spec.security == "None":
                return
            self._check_server(login)
            self._identity = self._own_identity(login)
            channel.close()
            self._channel = channel = await self._dial(self._policy(), first=False)
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
        identity = self._identity if settings.spec.security != "None" else None
        nonce = os.urandom(NONCE_BYTES)
        request = ua.CreateSessionRequest()
        params = request.Parameters
        params.ClientDescription.ApplicationUri = self._application_uri(identity)
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
            policy = self._policy()
            self._verify(policy, identity.der + nonce, answer)
        self._token, self._nonce = answer.AuthenticationToken, answer.ServerNonce or b""
        channel.authenticate(self._token)

    def _verify(self, policy: Any, signed: bytes, answer: Any) -> None:
        """The server must prove that it has the key to the certificate that we trust."""
        peer = self._settings.peer
        try:
            shown = certificates_of(answer.ServerCertificate or b"")[0]
            if shown != self._server_certificate():
                raise ValueError("it shows another certificate than before")
            policy.asymmetric_cryptography.verify(signed, answer.ServerSignature.Signature)
        except Exception as error:
            raise NotConnected(
                f"{peer} does not prove that it holds the key to its certificate ({error}); check "
                "that nobody stands between, and the server's certificate",
                reason="Untrusted",
            ) from error

    async def _activate(self, channel: Channel, given: Credentials) -> None:
        settings = self._settings
        how = login_of(settings.peer, self._endpoint, by_name=given.username is not None)
        request = ua.ActivateSessionRequest()
        params = request.Parameters
        if settings.spec.security != "None":
            policy = self._policy()
            server = self._server_certificate().public_bytes(Encoding.DER)
            params.ClientSignature.Algorithm = policy.AsymmetricSignatureURI
            params.ClientSignature.Signature = policy.asymmetric_cryptography.signature(
                server + self._nonce
            )
        params.UserIdentityToken = self._identity_token(how, given)
        answer = (await channel.ask(request, ua.ActivateSessionResponse)).Parameters
        self._nonce = answer.ServerNonce or b""

    def _identity_token(self, how: Login, given: Credentials) -> Any:
        if not how.by_name:
            anonymous = ua.AnonymousIdentityToken()
            anonymous.PolicyId = how.policy_id
            return anonymous
        token = ua.UserNameIdentityToken()
        token.PolicyId, token.UserName = how.policy_id, given.username
        password = (given.password or "").encode()
        if how.policy_uri in ("", NO_POLICY.URI):
            if self._settings.spec.security != "SignAndEncrypt":
                self._tell(
                    f"the password goes to {self._settings.peer} unencrypted, because the server "
                    "asks for it so; use security SignAndEncrypt"
                )
            token.Password = password
            return token
        try:
            key = self._server_certificate().public_key()
            plain = ua.ua_binary.Primitives.Bytes.pack(password + self._nonce)
            token.Password, token.EncryptionAlgorithm = security_policies.encrypt_asymmetric(
                key, plain, how.policy_uri
            )
        except (ValueError, ua.UaError) as error:
            raise NotConnected(
                f"the password cannot be encrypted for {self._settings.peer}, because its "
                "certificate or its algorithm cannot be used; use security SignAndEncrypt",
                reason="NoEndpoint",
            ) from error
        return token

    # Certificates

    def _check_server(self, login: Credentials) -> None:
        settings, now = self._settings, datetime.datetime.now(datetime.UTC)
        chain = self._endpoint.ServerCertificate or b""
        own = check_server(settings.peer, chain, login.ca, self._pki, now)
        if expires_soon(own, now):
            self._tell(
                f"the certificate of {settings.peer} expires on {own.not_valid_after_utc:%Y-%m-%d}"
            )
        uri = self._endpoint.Server.ApplicationUri
        if uri not in application_uris(own):
            self._tell(
                f"the certificate of {settings.peer} is for another application than {uri}; renew "
                "it on the server"
            )
        hosts = hosts_of(own)
        if hosts and settings.host.lower() not in hosts:
            self._tell(
                f"the certificate of {settings.peer} is for {', '.join(sorted(hosts))}; use one "
                "of these names in endpoint, or renew it on the server"
            )

    def _own_identity(self, login: Credentials) -> Identity:
        settings = self._settings
        try:
            if login.certificate is not None and login.key is not None:
                identity = read_identity(login.certificate, login.key)
            elif self._pki is None:
                identity = self._identity or make_identity(
                    settings.application, settings.application_uri
                )
            else:
                identity = kept_identity(self._pki, settings.application, settings.application_uri)
        except (OSError, ValueError, TypeError) as error:
            raise NotConnected(
                f"our own certificate cannot be used ({error}); look at tls.crt and tls.key of "
                f"the Secret, or at {self._pki}",
                reason="Credentials",
            ) from error
        if expires_soon(identity.certificate, datetime.datetime.now(datetime.UTC)):
            until = identity.certificate.not_valid_after_utc
            self._tell(f"our own certificate expires on {until:%Y-%m-%d}; renew it")
        return identity

    def _application_uri(self, identity: Identity | None) -> str:
        """As our certificate has it: servers compare them."""
        uris = [] if identity is None else application_uris(identity.certificate)
        return uris[0] if uris else self._settings.application_uri

    def _server_certificate(self) -> x509.Certificate:
        return certificates_of(self._endpoint.ServerCertificate or b"")[0]

    def _policy(self) -> Any:
        """Algorithms and keys of the channel; each channel needs its own."""
        spec = self._settings.spec
        if spec.security == "None":
            return NO_POLICY()
        assert self._identity is not None
        return POLICIES[spec.security_policy](
            self._server_certificate(),
            self._identity.certificate,
            self._identity.key,
            MODES[spec.security],
        )

    @property
    def _pki(self) -> Path | None:
        state = self._surroundings.state
        return None if state is None else state / "pki"

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

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems = (*self.problems, problem)

    def _refused(self, fault: ServiceFault) -> NotConnected:
        own = ""
        if self._identity is not None:
            where = "tls.crt of the Secret" if self._pki is None else self._pki / "own.pem"
            own = f"it is {where}, SHA-1 {thumbprint(self._identity.der)}"
        return refusal(self._settings.peer, fault, own_certificate=own)

    def _was_closed(self) -> NotConnected:
        return NotConnected(
            f"{self._settings.peer}: there is no session; call connect()", reason="Closed"
        )
