"""What a server says no to, in one word and a sentence with a way out."""

from __future__ import annotations

import pytest

from pumpjack_worker.adapters.opcua.failures import ServiceFault, refusal, transport_failure

PEER = "10.1.7.20:4840"


@pytest.mark.parametrize(
    ("status", "name", "reason", "way_out"),
    [
        (0x801F0000, "BadUserAccessDenied", "LoginRefused", "username and password"),
        (0x80210000, "BadIdentityTokenRejected", "LoginRefused", "username and password"),
        (0x80130000, "BadSecurityChecksFailed", "Untrusted", "own.pem"),
        (0x801A0000, "BadCertificateUntrusted", "Untrusted", "own.pem"),
        (0x80140000, "BadCertificateTimeInvalid", "Expired", "own.pem"),
        (0x80560000, "BadTooManySessions", "TooManySessions", "close other clients"),
        (0x800C0000, "BadShutdown", "ServerStopping", "tried again"),
        (0x80830000, "BadTcpEndpointUrlInvalid", "NoEndpoint", "path of endpoint"),
        (0x800A0000, "BadTimeout", "Timeout", "how busy"),
        (0x80020000, "BadInternalError", "ServerFault", "server's log"),
    ],
)
def test_a_refusal_has_one_reason_and_a_way_out(
    status: int, name: str, reason: str, way_out: str
) -> None:
    fault = ServiceFault(status, "CreateSession")
    error = refusal(PEER, fault, own_certificate="it is /state/pki/own.pem")
    assert error.reason == reason
    for told in (PEER, name, way_out):
        assert told in str(error)


def test_an_error_message_of_the_transport_tells_its_reason() -> None:
    error = transport_failure(PEER, 0x80840000, "we are full")
    assert "we are full" in str(error)
    assert PEER in str(error)


def test_a_code_that_nobody_knows_is_told_by_its_number() -> None:
    assert "0x9ABC0000" in str(refusal(PEER, ServiceFault(0x9ABC0000, "Read")))
