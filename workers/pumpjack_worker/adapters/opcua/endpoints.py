# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""Which of a server's endpoints is ours, and which login it takes. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from asyncua import ua
from asyncua.crypto import security_policies
from msgspec import Struct

from pumpjack_core.errors import ManifestError, NotConnected
from pumpjack_core.manifests.types import Opcua

DEFAULT_PORT = 4840
POLICIES: dict[str, type[security_policies.SecurityPolicy]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
NO_POLICY = security_policies.SecurityPolicyNone
MODES = {
    "None": ua.MessageSecurityMode.None_,
    "Sign": ua.MessageSecurityMode.Sign,
    "SignAndEncrypt": ua.MessageSecurityMode.SignAndEncrypt,
}
_MODE_NAMES = {int(mode): name for name, mode in MODES.items()}


class Login(Struct, frozen=True):
    """How to log in. policy_uri: what encrypts the password; of the endpoint where it is empty."""

    policy_id: str | None
    policy_uri: str
    by_name: bool


def host_and_port(endpoint: str) -> tuple[str, int]:
    """Where an endpoint is. Raises ManifestError."""
    try:
        parts = urlsplit(endpoint)
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ValueError("it names no host")
        return parts.hostname, parts.port or DEFAULT_PORT
    except ValueError as error:
        raise ManifestError(
            f"spec.opcua.endpoint {endpoint!r} cannot be used ({error}); write for example "
            "opc.tcp://10.1.7.20:4840/plc"
        ) from error


def choose(peer: str, offered: Sequence[Any], spec: Opcua) -> Any:
    """The endpoint with the wanted security. Raises NotConnected (NoEndpoint) with what there is.

    Its URL is never followed: we talk to the host that the connection names, and to no other.
    """
    wanted = NO_POLICY.URI if spec.security == "None" else POLICIES[spec.security_policy].URI
    for endpoint in offered:
        if endpoint.SecurityMode == MODES[spec.security] and endpoint.SecurityPolicyUri == wanted:
            return endpoint
    there = ", ".join(dict.fromkeys(_described(endpoint) for endpoint in offered)) or "nothing"
    asked = "None" if spec.security == "None" else f"{spec.security} with {spec.security_policy}"
    raise NotConnected(
        f"{peer} offers no endpoint with {asked}; it offers {there}: set security and "
        "securityPolicy to one of them, or change the server",
        reason="NoEndpoint",
    )


def login_of(peer: str, endpoint: Any, *, by_name: bool) -> Login:
    """How this endpoint takes a login. Raises NotConnected (LoginRefused)."""
    kind = ua.UserTokenType.UserName if by_name else ua.UserTokenType.Anonymous
    for token in endpoint.UserIdentityTokens or ():
        if token.TokenType == kind:
            uri = token.SecurityPolicyUri or endpoint.SecurityPolicyUri
            return Login(token.PolicyId, uri, by_name)
    if by_name:
        raise NotConnected(
            f"{peer} takes no username and password on this endpoint; take them out of the "
            "Secret, or allow them on the server",
            reason="LoginRefused",
        )
    raise NotConnected(
        f"{peer} lets nobody in without a login; put username and password into a Secret and "
        "name it in credentialsSecretRef",
        reason="LoginRefused",
    )


def _described(endpoint: Any) -> str:
    mode = _MODE_NAMES.get(int(endpoint.SecurityMode), "an unknown mode")
    policy = (endpoint.SecurityPolicyUri or "").rpartition("#")[2]
    known = next((name for name, one in POLICIES.items() if one.URI.endswith(policy)), policy)
    return "None" if mode == "None" else f"{mode} with {known}"
