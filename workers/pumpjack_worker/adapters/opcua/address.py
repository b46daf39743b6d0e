"""Addresses of tags: the node ids of OPC UA as text, OPC 10000-6, section 5.3.1.10.

    [ns=NUMBER;|nsu=URI;](i=NUMBER|s=TEXT|g=GUID|b=BASE64)

A URI stays the same when a server renumbers its namespaces; a number may not.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from pumpjack_core.errors import AddressError

DATA_TYPES = (
    *("bool", "int16", "uint16", "int32", "uint32"),
    *("int64", "uint64", "float32", "float64"),
)
MOST_NUMBER = 2**32 - 1
MOST_NAMESPACE = 2**16 - 1
MOST_CHARACTERS = 4_096
"""A server must take node ids of this length, OPC 10000-3, section 8.2.4."""
_RIGHT = "write for example ns=2;s=well-1.casing_pressure, nsu=urn:vendor:plc;s=tag or i=2258"

Kind = Literal["i", "s", "g", "b"]


class OpcuaAddress(Struct, frozen=True):
    """One node.

    namespace   its number, or its URI
    identifier  i: a number, s: text, g: a UUID's text, b: bytes
    """

    namespace: int | str
    kind: Kind
    identifier: int | str | bytes

    def index(self, namespaces: Sequence[str]) -> int:
        """The number of its namespace at a server with these. Raises AddressError."""
        if isinstance(self.namespace, int):
            return self.namespace
        try:
            return namespaces.index(self.namespace)
        except ValueError:
            raise AddressError(
                f"the server has no namespace {self.namespace}; it has {', '.join(namespaces)}"
            ) from None


def parse_address(text: str, data_type: str) -> OpcuaAddress:
    """Read an address. Raises AddressError with a sentence that says what would be right."""
    if data_type not in DATA_TYPES:
        raise AddressError(
            f"{text}: values of type {data_type} are not stored yet; use one of "
            f"{', '.join(DATA_TYPES)}"
        )
    if len(text) > MOST_CHARACTERS:
        raise AddressError(f"{text[:40]}…: a node id has at most {MOST_CHARACTERS:,} characters")
    namespace, rest = _namespace(text)
    kind, equals, identifier = rest.partition("=")
    if not equals or kind not in ("i", "s", "g", "b"):
        raise AddressError(f"{text!r} is no node id; {_RIGHT}")
    if not identifier:
        raise AddressError(f"{text}: nothing stands behind {kind}=; {_RIGHT}")
    if kind == "i":
        return OpcuaAddress(namespace, "i", _number(text, identifier, "i", MOST_NUMBER))
    if kind == "g":
        return OpcuaAddress(namespace, "g", _guid(text, identifier))
    if kind == "b":
        return OpcuaAddress(namespace, "b", _bytes(text, identifier))
    return OpcuaAddress(namespace, "s", identifier)


def _namespace(text: str) -> tuple[int | str, str]:
    if text.startswith("nsu="):
        # A URI may hold what looks like an end: the identifier begins at the last that fits.
        for mark in (";i=", ";s=", ";g=", ";b="):
            uri, found, identifier = text[4:].partition(mark)
            if found and uri:
                return uri, mark[1:] + identifier
        raise AddressError(f"{text!r} has no identifier behind its namespace; {_RIGHT}")
    if text.startswith("ns="):
        number, found, rest = text[3:].partition(";")
        if not found:
            raise AddressError(f"{text!r} has no identifier behind its namespace; {_RIGHT}")
        return _number(text, number, "ns", MOST_NAMESPACE), rest
    return 0, text


def _number(text: str, digits: str, name: str, most: int) -> int:
    if not (digits.isascii() and digits.isdigit()) or int(digits) > most:
        raise AddressError(f"{text}: {name}= takes a number from 0 to {most}, not {digits!r}")
    return int(digits)


def _guid(text: str, identifier: str) -> str:
    try:
        return str(uuid.UUID(identifier))
    except ValueError:
        raise AddressError(
            f"{text}: g= takes a GUID such as 72962b91-fa75-4ae6-8d28-b404dc7daf63"
        ) from None


def _bytes(text: str, identifier: str) -> bytes:
    try:
        return base64.b64decode(identifier, validate=True)
    except binascii.Error:
        raise AddressError(f"{text}: b= takes Base64 such as M/RbKBsRVkePCePcx24oRA==") from None
