# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, no-untyped-call"
"""Certificates, keys and passwords of one connection: what we show, and what is shown to us."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.crypto import security_policies
from cryptography import x509

from pumpjack_core.credentials import Credentials
from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.opcua.certificates import (
    Identity,
    kept_identity,
    make_identity,
    read_identity,
    rsa_bits,
    thumbprint,
)
from pumpjack_worker.adapters.opcua.endpoints import MODES, NO_POLICY, POLICIES, Login, choose
from pumpjack_worker.adapters.opcua.settings import Settings
from pumpjack_worker.adapters.opcua.trust import (
    application_uris,
    certificates_of,
    check_server,
    expires_soon,
    hosts_of,
)

MOST_PADDING_BYTES = 66
"""Of a block that RSA encrypts: OAEP with SHA-256; others take less."""


class Security:
    """What secures the way to one server.

    endpoint  the server's, with its certificate
    identity  ours; None without security
    problems  what a person should know though it is connected
    """

    def __init__(self, settings: Settings, folder: Path | None) -> None:
        self._settings = settings
        self._folder = folder
        self._place = "made anew at each start"
        self.endpoint: Any = None
        self.identity: Identity | None = None
        self.problems: tuple[str, ...] = ()

    def take(self, endpoint: Any, login: Credentials) -> None:
        """Go by this endpoint. Raises NotConnected for a certificate that is not to be trusted."""
        self.endpoint, self.problems = endpoint, ()
        if self._settings.spec.security == "None":
            self.identity = None
            return
        self._check_server(login)
        self.identity = self._own_identity(login)

    @property
    def own_certificate(self) -> str:
        """Where ours is and its thumbprint, for the server's administrator."""
        if self.identity is None:
            return ""
        return f"it is {self._place}, SHA-1 {thumbprint(self.identity.der)}"

    def _check_server(self, login: Credentials) -> None:
        settings, now = self._settings, datetime.datetime.now(datetime.UTC)
        chain = self.endpoint.ServerCertificate or b""
        own = check_server(settings.peer, chain, login.ca, self._folder, now)
        if expires_soon(own, now):
            self._tell(
                f"the certificate of {settings.peer} expires on {own.not_valid_after_utc:%Y-%m-%d}"
            )
        uri = self.endpoint.Server.ApplicationUri
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
        name, uri = self._settings.application, self._settings.application_uri
        try:
            if login.certificate is not None and login.key is not None:
                identity = read_identity(login.certificate, login.key)
                self._place = "tls.crt of the Secret"
            elif self._folder is None:
                identity = self.identity or make_identity(name, uri)
            else:
                identity = kept_identity(self._folder, name, uri)
                self._place = str(self._folder / "own.pem")
        except (OSError, ValueError, TypeError) as error:
            raise NotConnected(
                f"our own certificate cannot be used ({error}); look at tls.crt and tls.key of "
                f"the Secret, or at {self._folder}",
                reason="Credentials",
            ) from error
        if expires_soon(identity.certificate, datetime.datetime.now(datetime.UTC)):
            until = identity.certificate.not_valid_after_utc
            self._tell(f"our own certificate expires on {until:%Y-%m-%d}; renew it")
        return identity

    def application_uri(self) -> str:
        """As our certificate has it: servers compare them."""
        uris = [] if self.identity is None else application_uris(self.identity.certificate)
        return uris[0] if uris else self._settings.application_uri

    def server_certificate(self) -> x509.Certificate:
        """The one that the endpoint shows."""
        return certificates_of(self.endpoint.ServerCertificate or b"")[0]

    def policy(self) -> Any:
        """Algorithms and keys of the channel; each channel needs its own."""
        spec = self._settings.spec
        if spec.security == "None":
            return NO_POLICY()
        assert self.identity is not None
        return POLICIES[spec.security_policy](
            self.server_certificate(),
            self.identity.certificate,
            self.identity.key,
            MODES[spec.security],
        )

    def identity_token(self, how: Login, given: Credentials, nonce: bytes) -> Any:
        """Who logs in, the password encrypted as the server wants it. Raises NotConnected."""
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
            key = self.server_certificate().public_key()
            plain = ua.ua_binary.Primitives.Bytes.pack(password + nonce)
            block = rsa_bits(self.server_certificate()) // 8 - MOST_PADDING_BYTES
            parts = [
                security_policies.encrypt_asymmetric(key, plain[at : at + block], how.policy_uri)
                for at in range(0, len(plain), block)
            ]
            token.Password = b"".join(part for part, _ in parts)
            token.EncryptionAlgorithm = parts[0][1]
        except (ValueError, ua.UaError) as error:
            raise NotConnected(
                f"the password cannot be encrypted for {self._settings.peer}, because its "
                "certificate or its algorithm cannot be used; use security SignAndEncrypt",
                reason="NoEndpoint",
            ) from error
        return token

    def verify(self, signed: bytes, answer: Any) -> None:
        """The server must prove that it has the key to the certificate that we trust."""
        peer = self._settings.peer
        try:
            shown = certificates_of(answer.ServerCertificate or b"")[0]
            if shown != self.server_certificate():
                raise ValueError("it shows another certificate than before")
            self.policy().asymmetric_cryptography.verify(signed, answer.ServerSignature.Signature)
        except Exception as error:
            raise NotConnected(
                f"{peer} does not prove that it holds the key to its certificate ({error}); check "
                "that nobody stands between, and the server's certificate",
                reason="Untrusted",
            ) from error
        self._take_authentic(answer)

    def _take_authentic(self, answer: Any) -> None:
        """How to log in as the server says it again, now signed: what it said before anybody on
        the way could have changed, to a password in plain. OPC 10000-4, section 5.7.2.
        """
        offered = answer.ServerEndpoints or ()
        if offered:
            again = choose(self._settings.peer, offered, self._settings.spec)
            self.endpoint.UserIdentityTokens = again.UserIdentityTokens

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems = (*self.problems, problem)
