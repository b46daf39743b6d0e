"""Bytes of a controller as numbers, and numbers as bytes. Pure; big-endian as all of S7."""

from __future__ import annotations

import struct

from pumpjack_worker.adapters.s7.address import S7Address

_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}


def value_of(address: S7Address, content: bytes) -> float:
    """The raw value that these bytes of an address hold."""
    if address.bit is not None:
        return float(content[0] >> address.bit & 1)
    return float(struct.unpack(_FORMATS[address.data_type], content)[0])


def bytes_of(address: S7Address, value: float) -> bytes:
    """The bytes of a raw value; one byte, 0 or 1, for a bit."""
    if address.bit is not None:
        return bytes([value != 0])
    number = value if address.data_type.startswith("float") else int(value)
    return struct.pack(_FORMATS[address.data_type], number)
