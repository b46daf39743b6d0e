"""Reason codes of a broker, in words and as reasons of NotConnected. No I/O.

OASIS MQTT 5.0, 2.4 and 3.2.2.2; MQTT 3.1.1, 3.2.2.3.
"""

from __future__ import annotations

from typing import NamedTuple

from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.packets import V5, Connack, Disconnect, Version

REFUSED_FROM = 0x80
"""Codes from here on are refusals."""
_OF_3_1_1 = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
"""What CONNACK of 3.1.1 says, in codes of 5."""
_TEXTS = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "not accepted by this broker",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8C: "bad authentication method",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x8F: "topic filter invalid",
    0x91: "packet identifier in use",
    0x93: "receive maximum exceeded",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded",
    0xA0: "maximum connect time",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}


class _Advice(NamedTuple):
    reason: str
    advice: str


_LOGIN = _Advice(
    "LoginRefused",
    "check username and password in the Secret that credentialsSecretRef names, and what the "
    "broker lets this client do",
)
_ADVICE = {
    0x81: _Advice("Garbled", "check that this host and port speak MQTT"),
    0x82: _Advice("Garbled", "the broker's log says what it did not understand"),
    0x84: _Advice("UnsupportedVersion", "set version to the one that the broker speaks"),
    0x85: _Advice("Refused", "set clientId to one that the broker accepts"),
    0x86: _LOGIN,
    0x87: _LOGIN,
    0x8C: _LOGIN,
    0x8A: _Advice("NotAuthorized", "the broker's administrator has shut this client out"),
    0x8B: _Advice("ServerShuttingDown", "it is tried again until the broker is back"),
    0x8E: _Advice(
        "SessionTakenOver",
        "another client has logged in with this client id: each connection needs its own, and a "
        "connection may run once only; set clientId",
    ),
    0x98: _Advice("NotAuthorized", "the broker's administrator ended the session"),
    0x9C: _Advice("Refused", "set host to the broker that it names"),
    0x9D: _Advice("Refused", "set host to the broker that it names"),
}
_OTHERS = _Advice("Refused", "the broker's log says why; it is tried again")
_UNAUTHORIZED = _Advice("NotAuthorized", "ask for the rights of this client at the broker")


def reason_text(code: int, properties: v5.Properties = v5.NONE) -> str:
    """A code in words, with what the broker adds to it."""
    words = _TEXTS.get(code, f"reason code 0x{code:02x}")
    more = [
        str(properties[key]) for key in (v5.REASON_STRING, v5.SERVER_REFERENCE) if key in properties
    ]
    return ": ".join([words, *more])


def login_refused(peer: str, client_id: str, version: Version, answer: Connack) -> NotConnected:
    """Why the broker did not let us in."""
    code = answer.code if answer.code >= REFUSED_FROM else _OF_3_1_1.get(answer.code, 0x80)
    words = reason_text(code, answer.properties)
    reason, advice = _ADVICE.get(code, _OTHERS)
    if code == 0x84:
        advice = f"set version: {'3.1.1' if version == V5 else chr(34) + '5' + chr(34)}"
    return NotConnected(
        f"the broker {peer} refused the client {client_id}: {words}; {advice}", reason=reason
    )


def disconnected(peer: str, client_id: str, packet: Disconnect) -> NotConnected:
    """Why the broker ended the session."""
    words = reason_text(packet.code, packet.properties)
    if packet.code == 0x87:
        reason, advice = _UNAUTHORIZED
    else:
        reason, advice = _ADVICE.get(packet.code, _OTHERS)
    return NotConnected(
        f"the broker {peer} disconnected the client {client_id}: {words}; {advice}", reason=reason
    )
