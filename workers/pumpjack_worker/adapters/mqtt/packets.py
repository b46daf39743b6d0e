"""MQTT packets as values, and how each is written: 3.1.1 and 5, both directions. No I/O.

    encode(Connect("me", V5), V5) -> bytes
    PacketReader(V5).feed(bytes) -> [Connack(...), Publish(...)]     packet_reader.py

QoS 2 and extended authentication (AUTH) are not spoken.
OASIS MQTT 3.1.1 and 5.0, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.properties import Properties, binary, text, varint

Version = Literal[4, 5]
"""Protocol level as CONNECT carries it."""
V311: Version = 4
V5: Version = 5

(CONNECT, CONNACK, PUBLISH, PUBACK) = (1, 2, 3, 4)
(SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK) = (8, 9, 10, 11)
(PINGREQ, PINGRESP, DISCONNECT) = (12, 13, 14)
"""Kinds: the upper half of a packet's first byte."""
SEND_RETAINED, SEND_RETAINED_IF_NEW, NO_RETAINED = 0, 1, 2
"""Retain handling of a subscription (5.0, 3.8.3.1)."""


class Connect(Struct, frozen=True):
    """Opens a session. Its repr shows no password. A will is read over."""

    client_id: str
    version: Version
    clean: bool = False
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    properties: Properties = v5.NONE

    def __repr__(self) -> str:
        return f"Connect({self.client_id!r}, version={self.version})"


class Connack(Struct, frozen=True):
    """The broker's answer to CONNECT. code: 0 is yes; others mean other things in each version."""

    session_present: bool
    code: int
    properties: Properties = v5.NONE


class Publish(Struct, frozen=True, gc=False):
    """A message. packet_id is 0 with QoS 0."""

    topic: bytes
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False
    properties: Properties = v5.NONE


class Oversized(Struct, frozen=True):
    """A message whose payload of size bytes was skipped, because it is larger than allowed."""

    topic: bytes
    size: int
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False


class Puback(Struct, frozen=True):
    """A message was taken; from 0x80 on, it was refused."""

    packet_id: int
    code: int = 0


class Subscription(Struct, frozen=True):
    """One filter of a SUBSCRIBE. retained: SEND_RETAINED …, MQTT 5 only."""

    filter: str
    qos: int = 1
    retained: int = SEND_RETAINED


class Subscribe(Struct, frozen=True):
    """Asks for messages."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = v5.NONE


class Suback(Struct, frozen=True):
    """A code for each filter: the QoS that is granted, or from 0x80 on why not."""

    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = v5.NONE


class Unsubscribe(Struct, frozen=True):
    """Asks for no more messages."""

    packet_id: int
    filters: tuple[str, ...]
    properties: Properties = v5.NONE


class Unsuback(Struct, frozen=True):
    """codes: one for each filter with MQTT 5, none with 3.1.1."""

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Properties = v5.NONE


class Pingreq(Struct, frozen=True):
    """Are you there?"""


class Pingresp(Struct, frozen=True):
    """I am."""


class Disconnect(Struct, frozen=True):
    """Ends the session's connection; code and properties with MQTT 5 only."""

    code: int = 0
    properties: Properties = v5.NONE


Packet: TypeAlias = (
    Connect
    | Connack
    | Publish
    | Oversized
    | Puback
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
)


def encode(packet: Packet, version: Version) -> bytes:
    """The bytes of a packet. An Oversized cannot be written: its payload is gone."""
    kind, flags, body = _ENCODERS[type(packet)](packet, version)
    return bytes((kind << 4 | flags,)) + varint(len(body)) + body


def encode_pubacks(packet_ids: Sequence[int]) -> bytes:
    """Accept these messages, in this order. The same bytes in both versions."""
    head = b"\x40\x02"
    return b"".join([head + packet_id.to_bytes(2, "big") for packet_id in packet_ids])


_Encoded = tuple[int, int, bytes]


def _properties(properties: Properties, version: Version) -> bytes:
    return v5.pack(properties) if version == V5 else b""


def _connect(packet: Connect, version: Version) -> _Encoded:
    flags = 0x02 if packet.clean else 0
    login = b""
    if packet.username is not None:
        flags |= 0x80
        login += text(packet.username)
    if packet.password is not None:
        flags |= 0x40
        login += binary(packet.password)
    body = (
        text("MQTT")
        + bytes((version, flags))
        + packet.keep_alive_s.to_bytes(2, "big")
        + _properties(packet.properties, version)
        + text(packet.client_id)
        + login
    )
    return CONNECT, 0, body


def _connack(packet: Connack, version: Version) -> _Encoded:
    body = bytes((packet.session_present, packet.code))
    return CONNACK, 0, body + _properties(packet.properties, version)


def _publish(packet: Publish, version: Version) -> _Encoded:
    flags = packet.dup << 3 | packet.qos << 1 | packet.retain
    number = packet.packet_id.to_bytes(2, "big") if packet.qos else b""
    middle = number + _properties(packet.properties, version)
    return PUBLISH, flags, binary(packet.topic) + middle + packet.payload


def _puback(packet: Puback, version: Version) -> _Encoded:
    number = packet.packet_id.to_bytes(2, "big")
    return PUBACK, 0, number + (bytes((packet.code,)) if packet.code and version == V5 else b"")


def _subscribe(packet: Subscribe, version: Version) -> _Encoded:
    body = packet.packet_id.to_bytes(2, "big") + _properties(packet.properties, version)
    for one in packet.subscriptions:
        options = one.qos | (one.retained << 4 if version == V5 else 0)
        body += text(one.filter) + bytes((options,))
    return SUBSCRIBE, 2, body


def _suback(packet: Suback, version: Version) -> _Encoded:
    body = packet.packet_id.to_bytes(2, "big") + _properties(packet.properties, version)
    return SUBACK, 0, body + bytes(packet.codes)


def _unsubscribe(packet: Unsubscribe, version: Version) -> _Encoded:
    body = packet.packet_id.to_bytes(2, "big") + _properties(packet.properties, version)
    return UNSUBSCRIBE, 2, body + b"".join(text(one) for one in packet.filters)


def _unsuback(packet: Unsuback, version: Version) -> _Encoded:
    body = packet.packet_id.to_bytes(2, "big")
    if version == V5:
        body += v5.pack(packet.properties) + bytes(packet.codes)
    return UNSUBACK, 0, body


def _disconnect(packet: Disconnect, version: Version) -> _Encoded:
    if version == V311 or not (packet.code or packet.properties):
        return DISCONNECT, 0, b""
    return DISCONNECT, 0, bytes((packet.code,)) + v5.pack(packet.properties)


_ENCODERS: dict[type, Callable[[Any, Version], _Encoded]] = {
    Connect: _connect,
    Connack: _connack,
    Publish: _publish,
    Puback: _puback,
    Subscribe: _subscribe,
    Suback: _suback,
    Unsubscribe: _unsubscribe,
    Unsuback: _unsuback,
    Pingreq: lambda _packet, _version: (PINGREQ, 0, b""),
    Pingresp: lambda _packet, _version: (PINGRESP, 0, b""),
    Disconnect: _disconnect,
}
