"""From the bytes of an answer to columns of values. Pure, vectorised, nothing per reading.

A DecodePlan is made once for a block; decode() then gathers each value's bytes in big-endian
order by one index array per data type, so word and byte orders cost nothing. Byte order of a
register: MODBUS Application Protocol V1.1b3, 4.2; order of bits: 6.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pumpjack_core.quality import GOOD, Level, Reason, quality
from pumpjack_core.readings import Floats, Int16s, Int32s
from pumpjack_worker.adapters.modbus_tcp.address import ModbusAddress

NOT_A_NUMBER = quality(Level.BAD, Reason.NOT_A_NUMBER)
NOT_EXACT = quality(Level.UNCERTAIN, Reason.PRECISION)
EXACT_LIMIT = 2**53
"""Integers up to here are the same as float64; past it, neighbours fall together."""

DTYPES: dict[str, np.dtype[np.generic]] = {
    "int16": np.dtype(">i2"),
    "uint16": np.dtype(">u2"),
    "int32": np.dtype(">i4"),
    "uint32": np.dtype(">u4"),
    "int64": np.dtype(">i8"),
    "uint64": np.dtype(">u8"),
    "float32": np.dtype(">f4"),
    "float64": np.dtype(">f8"),
}

Bytes = NDArray[np.uint8]
Indices = NDArray[np.intp]


class Located(Struct, frozen=True):
    """A tag with its address: where its value comes from and what becomes of it.

    tag_index      position in the tag table
    scale, offset  value = raw * scale + offset
    """

    tag_index: int
    address: ModbusAddress
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Values of one data type: row i of gather holds the byte positions of value i."""

    dtype: np.dtype[np.generic]
    gather: Indices

    def read(self, data: Bytes, value: Floats, code: Int16s) -> None:
        raw = data[self.gather].view(self.dtype)[:, 0]
        value[:] = raw
        if self.dtype.kind in "iu" and self.dtype.itemsize == 8:
            code[(raw > EXACT_LIMIT) | (raw < -EXACT_LIMIT)] = NOT_EXACT


@dataclass(frozen=True, slots=True)
class _Bits:
    """Single bits: the byte of each and how far it lies from that byte's lowest bit."""

    byte: Indices
    shift: Bytes

    def read(self, data: Bytes, value: Floats, _code: Int16s) -> None:
        value[:] = (data[self.byte] >> self.shift) & 1


@dataclass(frozen=True, slots=True)
class DecodePlan:
    """How the payload of one block becomes n readings.

    tag_index      int32[n]    whose readings they are
    scale, offset  float64[n]  or None where all are 1 and 0
    parts          slices of the columns with what fills them
    """

    tag_index: Int32s
    scale: Floats | None
    offset: Floats | None
    parts: tuple[tuple[slice, _Numbers | _Bits], ...]


def decode_plan(start: int, located: Sequence[Located]) -> DecodePlan:
    """Prepare for the answers to a request that begins at offset start."""
    ordered = sorted(located, key=lambda one: (one.address.data_type, one.address.offset))
    parts: list[tuple[slice, _Numbers | _Bits]] = []
    done = 0
    for data_type, group in groupby(ordered, key=lambda one: one.address.data_type):
        addresses = [one.address for one in group]
        rows = slice(done, done + len(addresses))
        parts.append((rows, _part(start, data_type, addresses)))
        done = rows.stop
    scale = np.array([one.scale for one in ordered], np.float64)
    offset = np.array([one.offset for one in ordered], np.float64)
    return DecodePlan(
        tag_index=np.array([one.tag_index for one in ordered], np.int32),
        scale=None if (scale == 1.0).all() else scale,
        offset=None if (offset == 0.0).all() else offset,
        parts=tuple(parts),
    )


def decode(plan: DecodePlan, payload: bytes) -> tuple[Floats, Int16s]:
    """The readings of one answer: value float64[n] and quality int16[n], as in plan.tag_index.

    payload: the registers or packed bits behind the byte count. NaN and infinities become NaN
    with BAD/not_a_number; integers that float64 cannot hold exactly are UNCERTAIN/precision.
    """
    data = np.frombuffer(payload, np.uint8)
    value = np.empty(len(plan.tag_index))
    code = np.full(len(value), GOOD, np.int16)
    for rows, part in plan.parts:
        part.read(data, value[rows], code[rows])
    with np.errstate(over="ignore", invalid="ignore"):
        if plan.scale is not None:
            value *= plan.scale
        if plan.offset is not None:
            value += plan.offset
    finite = np.isfinite(value)
    if not finite.all():
        value[~finite] = np.nan
        code[~finite] = NOT_A_NUMBER
    return value, code


def _part(start: int, data_type: str, addresses: Sequence[ModbusAddress]) -> _Numbers | _Bits:
    if data_type != "bool":
        rows = [_byte_positions(start, address) for address in addresses]
        return _Numbers(DTYPES[data_type], np.array(rows, np.intp))
    bits = [_bit_position(start, address) for address in addresses]
    return _Bits(
        np.array([byte for byte, _ in bits], np.intp),
        np.array([shift for _, shift in bits], np.uint8),
    )


def _byte_positions(start: int, address: ModbusAddress) -> list[int]:
    """Where the value's bytes lie in the payload, the most significant first."""
    first = 2 * (address.offset - start)
    words = range(address.count)
    if address.order in ("CDAB", "DCBA"):
        words = words[::-1]
    low_first = address.order in ("BADC", "DCBA")
    pair = (1, 0) if low_first else (0, 1)
    return [first + 2 * word + byte for word in words for byte in pair]


def _bit_position(start: int, address: ModbusAddress) -> tuple[int, int]:
    at = address.offset - start
    if address.bit is None:
        return at // 8, at % 8
    high = address.bit >= 8
    swapped = address.order == "BADC"
    return 2 * at + (high == swapped), address.bit % 8
