"""The properties of MQTT 5 packets (OASIS MQTT 5.0, 2.2.2), to bytes and back. No I/O.

A mapping of identifier to value: int for bytes, numbers and variable byte integers, str for UTF-8
strings, bytes for binary data, a list of pairs for user properties, a list of int for the
subscription identifiers of a PUBLISH.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAYLOAD_FORMAT = 0x01
MESSAGE_EXPIRY = 0x02
CONTENT_TYPE = 0x03
RESPONSE_TOPIC = 0x08
CORRELATION_DATA = 0x09
SUBSCRIPTION_ID = 0x0B
SESSION_EXPIRY = 0x11
ASSIGNED_CLIENT_ID = 0x12
SERVER_KEEP_ALIVE = 0x13
AUTHENTICATION_METHOD = 0x15
AUTHENTICATION_DATA = 0x16
REQUEST_PROBLEM = 0x17
WILL_DELAY = 0x18
REQUEST_RESPONSE = 0x19
RESPONSE_INFORMATION = 0x1A
SERVER_REFERENCE = 0x1C
REASON_STRING = 0x1F
RECEIVE_MAXIMUM = 0x21
TOPIC_ALIAS_MAXIMUM = 0x22
TOPIC_ALIAS = 0x23
MAXIMUM_QOS = 0x24
RETAIN_AVAILABLE = 0x25
USER_PROPERTY = 0x26
MAXIMUM_PACKET_SIZE = 0x27
WILDCARD_AVAILABLE = 0x28
SUBSCRIPTION_ID_AVAILABLE = 0x29
SHARED_AVAILABLE = 0x2A

Properties = Mapping[int, Any]
NONE: Properties = {}

_VARIABLE = 0
_SIZES = {
    PAYLOAD_FORMAT: 1,
    MESSAGE_EXPIRY: 4,
    SUBSCRIPTION_ID: _VARIABLE,
    SESSION_EXPIRY: 4,
    SERVER_KEEP_ALIVE: 2,
    REQUEST_PROBLEM: 1,
    WILL_DELAY: 4,
    REQUEST_RESPONSE: 1,
    RECEIVE_MAXIMUM: 2,
    TOPIC_ALIAS_MAXIMUM: 2,
    TOPIC_ALIAS: 2,
    MAXIMUM_QOS: 1,
    RETAIN_AVAILABLE: 1,
    MAXIMUM_PACKET_SIZE: 4,
    WILDCARD_AVAILABLE: 1,
    SUBSCRIPTION_ID_AVAILABLE: 1,
    SHARED_AVAILABLE: 1,
}
"""Numbers, and on how many bytes they are written; 0: as a variable byte integer."""
_BINARY = frozenset({CORRELATION_DATA, AUTHENTICATION_DATA})
_TEXTS = frozenset(
    {
        CONTENT_TYPE,
        RESPONSE_TOPIC,
        ASSIGNED_CLIENT_ID,
        AUTHENTICATION_METHOD,
        RESPONSE_INFORMATION,
        SERVER_REFERENCE,
        REASON_STRING,
    }
)
_REPEATED = frozenset({SUBSCRIPTION_ID, USER_PROPERTY})


class Malformed(ValueError):
    """These bytes are no MQTT. Says what is wrong with them."""


def varint(number: int) -> bytes:
    """A variable byte integer, of 0 to 268,435,455 (1.5.5)."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer at a position, and where it ends. Raises Malformed, IndexError."""
    number = 0
    for shift in (0, 7, 14, 21):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise Malformed("a length of more than four bytes")


def read_binary(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes behind a length of two bytes, and where they end. Raises Malformed."""
    start = at + 2
    end = start + int.from_bytes(data[at:start], "big")
    if start > len(data) or end > len(data):
        raise Malformed("a string that ends behind its packet")
    return data[start:end], end


def read_text(data: bytes, at: int) -> tuple[str, int]:
    """UTF-8 behind a length of two bytes, and where it ends. Raises Malformed."""
    raw, end = read_binary(data, at)
    try:
        return raw.decode(), end
    except UnicodeDecodeError:
        raise Malformed("a string that is no UTF-8") from None


def binary(content: bytes) -> bytes:
    """Bytes behind their length of two bytes."""
    return len(content).to_bytes(2, "big") + content


def text(content: str) -> bytes:
    """UTF-8 behind its length of two bytes."""
    return binary(content.encode())


def pack(properties: Properties) -> bytes:
    """Properties with their length in front."""
    parts: list[bytes] = []
    for name, value in properties.items():
        for one in value if name in _REPEATED else (value,):
            parts += (bytes((name,)), _pack_one(name, one))
    content = b"".join(parts)
    return varint(len(content)) + content


def unpack(data: bytes, at: int, stop: int | None = None) -> tuple[Properties, int]:
    """Properties at a position, and where they end. Raises Malformed.

    stop  where their packet ends, None: with the data
    """
    stop = len(data) if stop is None else stop
    try:
        size, at = read_varint(data, at)
    except IndexError:
        raise Malformed("properties without a length") from None
    end = at + size
    if end > stop:
        raise Malformed("properties that end behind their packet")
    if not size:
        return NONE, end
    found: dict[int, Any] = {}
    inner, position = data[at:end], 0
    while position < size:
        name = inner[position]
        value, position = _unpack_one(inner, name, position + 1)
        if name in _REPEATED:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise Malformed(f"property 0x{name:02x} twice")
        else:
            found[name] = value
    return found, end


def _pack_one(name: int, value: Any) -> bytes:
    if name == USER_PROPERTY:
        return text(value[0]) + text(value[1])
    if name in _TEXTS:
        return text(value)
    if name in _BINARY:
        return binary(value)
    size = _SIZES[name]
    return int(value).to_bytes(size, "big") if size else varint(value)


def _unpack_one(data: bytes, name: int, at: int) -> tuple[Any, int]:
    if name == USER_PROPERTY:
        key, at = read_text(data, at)
        value, at = read_text(data, at)
        return (key, value), at
    if name in _TEXTS:
        return read_text(data, at)
    if name in _BINARY:
        return read_binary(data, at)
    size = _SIZES.get(name)
    if size is None:
        raise Malformed(f"property 0x{name:02x}, which MQTT does not know")
    if size == _VARIABLE:
        try:
            return read_varint(data, at)
        except IndexError:
            raise Malformed("a property that ends behind its packet") from None
    if at + size > len(data):
        raise Malformed("a property that ends behind its packet")
    return int.from_bytes(data[at : at + size], "big"), at + size
