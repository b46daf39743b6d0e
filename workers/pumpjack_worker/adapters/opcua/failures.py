"""What a server says no to, as errors with one reason and a way out."""

from __future__ import annotations

from typing import NamedTuple

from asyncua.ua.status_codes import get_name_and_doc

from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.opcua.status import CODE_MASK

BAD_TIMEOUT = 0x800A0000
BAD_TOO_MANY_OPERATIONS = 0x80100000
BAD_ENCODING_LIMITS = 0x80080000
BAD_REQUEST_TOO_LARGE = 0x80B80000
BAD_RESPONSE_TOO_LARGE = 0x80B90000
BAD_TCP_MESSAGE_TOO_LARGE = 0x80800000
BAD_NO_SUBSCRIPTION = 0x80790000
BAD_SUBSCRIPTION_ID = 0x80280000
BAD_TOO_MANY_PUBLISH_REQUESTS = 0x80780000
BAD_MESSAGE_NOT_AVAILABLE = 0x807B0000
SESSION_GONE = frozenset({0x80250000, 0x80260000, 0x80270000})
"""BadSessionIdInvalid, BadSessionClosed, BadSessionNotActivated."""
TOO_MUCH_AT_ONCE = frozenset(
    {
        BAD_TOO_MANY_OPERATIONS,
        BAD_ENCODING_LIMITS,
        BAD_REQUEST_TOO_LARGE,
        BAD_RESPONSE_TOO_LARGE,
        BAD_TCP_MESSAGE_TOO_LARGE,
    }
)

_UNTRUSTED = (
    *(0x80120000, 0x80130000, 0x80150000, 0x80160000, 0x80170000, 0x80180000),
    *(0x80190000, 0x801A0000, 0x801B0000, 0x801C0000, 0x801D0000, 0x801E0000),
)
"""BadCertificateInvalid, BadSecurityChecksFailed and what else is wrong with a certificate."""


class _Refusal(NamedTuple):
    """codes to the reason, what they mean, and the way out; ours: our certificate is the matter."""

    codes: tuple[int, ...]
    reason: str
    meaning: str
    way_out: str
    ours: bool = False


_REFUSALS = (
    _Refusal(
        (0x801F0000, 0x80200000, 0x80210000),
        "LoginRefused",
        "refused the login",
        "check username and password of the Secret that credentialsSecretRef names",
    ),
    _Refusal(
        (0x80140000,),
        "Expired",
        "says that our certificate is not valid now",
        "check the clocks of both sides, and renew the certificate",
        ours=True,
    ),
    _Refusal(
        _UNTRUSTED, "Untrusted", "does not trust our certificate", "trust it there", ours=True
    ),
    _Refusal(
        (0x80560000, 0x80B70000),
        "TooManySessions",
        "has no room for another session",
        "close other clients, or wait until the server ends old sessions",
    ),
    _Refusal((0x800C0000, 0x800E0000), "ServerStopping", "is stopping", "it is tried again"),
    _Refusal(
        (0x80540000, 0x80550000, 0x80830000),
        "NoEndpoint",
        "does not serve this endpoint",
        "check the path of endpoint, security and securityPolicy",
    ),
    _Refusal((0x800A0000,), "Timeout", "took too long", "check how busy it is"),
)
_OTHER = _Refusal((), "ServerFault", "refused", "look into the server's log")


class ServiceFault(Exception):
    """A server refused a service. status: the status code; service: its name."""

    def __init__(self, status: int, service: str) -> None:
        super().__init__(f"{service}: {status_text(status)}")
        self.status = status & CODE_MASK
        self.service = service


def status_text(status: int) -> str:
    """A status code in words: BadNodeIdUnknown (the node id refers to …)."""
    name, text = get_name_and_doc(status & CODE_MASK)
    if text.startswith("Unknown"):
        return f"the status 0x{status:08X}"
    return f"{name} ({text.rstrip('.')})" if text and text != name else name


def refusal(peer: str, fault: ServiceFault, *, own_certificate: str = "") -> NotConnected:
    """The error for a service that was refused while connecting.

    own_certificate  where ours is and its thumbprint, for the server's administrator
    """
    return _error(peer, fault.status, str(fault), own_certificate)


def transport_failure(peer: str, status: int, reason: str) -> NotConnected:
    """The error for an error message that ends the connection."""
    text = status_text(status) + (f": {reason}" if reason else "")
    return _error(peer, status & CODE_MASK, text, "")


def _error(peer: str, code: int, text: str, own_certificate: str) -> NotConnected:
    found = next((one for one in _REFUSALS if code in one.codes), _OTHER)
    ours = f" ({own_certificate})" if found.ours and own_certificate else ""
    return NotConnected(
        f"{peer} {found.meaning}: {text}; {found.way_out}{ours}", reason=found.reason
    )
