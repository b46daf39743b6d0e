"""Values as bytes become columns: the hot path. OPC 10000-6, section 5.2.

asyncua's own decoder makes some ten objects a value (30 µs); here, values of one type that follow
each other are one view of the bytes. What is no single number is left to asyncua's decoder.
"""

# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua.ua_binary import variant_from_binary
from msgspec import Struct
from numpy.typing import NDArray

from pumpjack_core.readings import Floats, Int64s
from pumpjack_worker.adapters.opcua.status import UInt32s

EPOCH_100NS = 116_444_736_000_000_000
"""1970 in OPC UA's count: 100 ns since 1601."""
END_OF_TIME_100NS = 2_650_467_743_990_000_000
"""The end of 9999, by which servers say that they know no time, OPC 10000-6, section 5.2.2.5."""
NO_TIME = -(2**63)
EXACT_LIMIT = 2**53
"""Integers beyond it may not be what a float64 holds."""
RAW_CHARACTERS = 4_096
_SHORT_RUN = 6
"""So many values of one shape in a row are not worth a view."""

_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PICO, _SERVER_PICO = 1, 2, 4, 8, 16, 32
_NUMBERS = {
    1: "?",
    2: "b",
    3: "B",
    4: "h",
    5: "H",
    6: "i",
    7: "I",
    8: "q",
    9: "Q",
    10: "f",
    11: "d",
}
"""Built-in types that are one number."""
_REST = (
    (_STATUS, "status", "I"),
    (_SOURCE, "source", "q"),
    (_SOURCE_PICO, "source_pico", "H"),
    (_SERVER, "server", "q"),
    (_SERVER_PICO, "server_pico", "H"),
)
"""What may follow the value, in the order of the wire."""
_WIDE = (8, 9)
_NULL, _ARRAY = 0, 0x80
_HANDLE_BYTES = 4
_LEAST_BYTES = 5
"""Of a value: its handle and its encoding mask."""
_DTYPES = {"?": "?", "b": "i1", "B": "u1", "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4"} | {
    "q": "<i8",
    "Q": "<u8",
    "f": "<f4",
    "d": "<f8",
}


class Malformed(Exception):
    """The bytes are no answer of OPC UA."""


BROKEN = (
    *(struct.error, IndexError, KeyError, ValueError, TypeError, AttributeError),
    *(OverflowError, RecursionError, NotEnoughData, ua.UaError),
)
"""What reading broken bytes ends in; asyncua does not promise any of them."""


class Odd(Struct, frozen=True):
    """A value that is no single number: its row, what kind it is, and what came."""

    row: int
    is_text: bool
    raw: str


@dataclass(frozen=True, slots=True)
class Changes:
    """n values in the server's order.

    handle     uint32[n]   which monitored item, as we named it
    value      float64[n]  NaN where there is no number
    status     uint32[n]
    source_us, server_us   int64[n] microseconds since the epoch, NO_TIME where there is none
    imprecise  bool[n]     an integer that float64 may not hold; None: none is
    odd        values that are no single number
    """

    handle: UInt32s
    value: Floats
    status: UInt32s
    source_us: Int64s
    server_us: Int64s
    imprecise: NDArray[np.bool_] | None = None
    odd: tuple[Odd, ...] = ()

    def __len__(self) -> int:
        return len(self.handle)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The bytes of a value of one shape. value, status … are places among its fields, 0: none."""

    code: struct.Struct
    dtype: np.dtype[Any]
    wide: bool
    value: int
    status: int
    source: int
    server: int


@cache
def _layout(mask: int, kind: int) -> _Layout | None:
    """The shape of values with this encoding mask and type; None for those not known here."""
    if mask & ~0x3F or (mask & _VALUE and kind != _NULL and kind not in _NUMBERS):
        return None
    fields: list[tuple[str, str]] = [("handle", "I"), ("mask", "B")]
    if mask & _VALUE:
        fields.append(("kind", "B"))
        if kind != _NULL:
            fields.append(("value", _NUMBERS[kind]))
    for bit, name, code in _REST:
        if mask & bit:
            fields.append((name, code))
    place = {name: at for at, (name, _) in enumerate(fields)}
    return _Layout(
        struct.Struct("<" + "".join(code for _, code in fields)),
        np.dtype([(name, _DTYPES[code]) for name, code in fields]),
        wide=bool(mask & _VALUE) and kind in _WIDE,
        value=place.get("value", 0),
        status=place.get("status", 0),
        source=place.get("source", 0),
        server=place.get("server", 0),
    )


def noted_values(body: bytes, at: int) -> Changes:
    """The values of one DataChangeNotification that begins here."""
    (count,) = struct.unpack_from("<i", body, at)
    count = max(count, 0)
    if count * _LEAST_BYTES > len(body) - at:
        raise Malformed(f"a message of {len(body)} bytes says that it has {count} values")
    at += 4
    columns = _Columns(count)
    data = np.frombuffer(body, np.uint8)
    row = 0
    while row < count:
        mask = body[at + 4]
        kind = body[at + 5] if mask & _VALUE else _NULL
        layout = _layout(mask, kind)
        if layout is None:
            at = columns.put_odd(row, body, at)
            row += 1
            continue
        size = layout.dtype.itemsize
        run = _run(data, at, size, mask, kind, count - row)
        if run < _SHORT_RUN:
            for _ in range(run):
                columns.put(row, layout, layout.code.unpack_from(body, at))
                at += size
                row += 1
        else:
            columns.put_run(row, np.frombuffer(body, layout.dtype, run, at), layout)
            at += size * run
            row += run
    return columns.done()


def _run(  # noqa: PLR0917 - on the hot path
    data: NDArray[np.uint8], at: int, size: int, mask: int, kind: int, most: int
) -> int:
    """How many values of this shape follow each other here, at least 1."""
    most = min(most, max(1, (len(data) - at) // size))
    if most < _SHORT_RUN:
        return 1
    far = at + size * (_SHORT_RUN - 1)
    if data[far + 4] != mask or (mask & _VALUE and data[far + 5] != kind):
        return 1
    same = data[at + 4 : at + 4 + size * most : size][:most] == mask
    if mask & _VALUE:
        same &= data[at + 5 : at + 5 + size * most : size][:most] == kind
    return most if same.all() else int(same.argmin())


def plain_values(body: bytes, at: int, handles: Sequence[int]) -> tuple[Changes, int]:
    """An array of values without handles that begins here, and where it ends."""
    (count,) = struct.unpack_from("<i", body, at)
    at += 4
    if count != len(handles):
        raise Malformed(f"{count} values came for {len(handles)}")
    columns = _Columns(count)
    for row in range(count):
        mask = body[at]
        layout = _layout(mask, body[at + 1] if mask & _VALUE else _NULL)
        before = at - _HANDLE_BYTES  # where the handle would stand
        if layout is None:
            at = columns.put_odd(row, body, before)
        else:
            columns.put(row, layout, layout.code.unpack_from(body, before))
            at = before + layout.dtype.itemsize
    columns.handle[:] = handles
    return columns.done(), at


class _Columns:
    """Columns that are being filled."""

    def __init__(self, count: int) -> None:
        self.handle = np.zeros(count, np.uint32)
        self.value = np.full(count, np.nan)
        self.status = np.zeros(count, np.uint32)
        self.source = np.full(count, NO_TIME, np.int64)
        self.server = np.full(count, NO_TIME, np.int64)
        self.wide: list[NDArray[np.intp] | int] = []
        self.odd: list[Odd] = []

    def put(self, row: int, layout: _Layout, fields: tuple[Any, ...]) -> None:
        self.handle[row] = fields[0]
        if layout.value:
            number = fields[layout.value]
            self.value[row] = number
            if layout.wide and abs(number) > EXACT_LIMIT:
                self.wide.append(row)
        if layout.status:
            self.status[row] = fields[layout.status]
        if layout.source:
            self.source[row] = fields[layout.source]
        if layout.server:
            self.server[row] = fields[layout.server]

    def put_run(self, row: int, rows: NDArray[Any], layout: _Layout) -> None:
        where = slice(row, row + len(rows))
        self.handle[where] = rows["handle"]
        if layout.value:
            raw = rows["value"]
            self.value[where] = raw
            if layout.wide:
                beyond = raw > EXACT_LIMIT
                if raw.dtype.kind == "i":
                    beyond |= raw < -EXACT_LIMIT
                if beyond.any():
                    self.wide.append(np.flatnonzero(beyond) + row)
        if layout.status:
            self.status[where] = rows["status"]
        if layout.source:
            self.source[where] = rows["source"]
        if layout.server:
            self.server[where] = rows["server"]

    def put_odd(self, row: int, body: bytes, at: int) -> int:
        """A value that asyncua must read. Where it ends."""
        self.handle[row], mask = struct.unpack_from("<IB", body, at)
        at += 5
        if mask & _VALUE:
            if body[at] & _ARRAY and struct.unpack_from("<i", body, at + 1)[0] > len(body) - at:
                raise Malformed("an array is longer than the message that holds it")
            buffer = Buffer(body, at)
            variant = variant_from_binary(buffer)
            at = buffer.cur_pos
            is_text = not variant.is_array and variant.VariantType in _TEXTS
            text = variant.Value if is_text else f"{variant.VariantType.name}: {variant.Value!r}"
            self.odd.append(Odd(row, is_text, str(text)[:RAW_CHARACTERS]))
        if mask & _STATUS:
            (self.status[row],) = struct.unpack_from("<I", body, at)
            at += 4
        if mask & _SOURCE:
            (self.source[row],) = struct.unpack_from("<q", body, at)
            at += 8
        at += 2 if mask & _SOURCE_PICO else 0
        if mask & _SERVER:
            (self.server[row],) = struct.unpack_from("<q", body, at)
            at += 8
        return at + (2 if mask & _SERVER_PICO else 0)

    def done(self) -> Changes:
        imprecise = None
        if self.wide:
            imprecise = np.zeros(len(self.handle), np.bool_)
            for rows in self.wide:
                imprecise[rows] = True
        return Changes(
            self.handle,
            self.value,
            self.status,
            _microseconds(self.source),
            _microseconds(self.server),
            imprecise,
            tuple(self.odd),
        )


_TEXTS = (ua.VariantType.String, ua.VariantType.LocalizedText)


def _microseconds(filetime: Int64s) -> Int64s:
    """A column of times; what is not between 1601 and the end of 9999 is none."""
    is_time = (filetime > 0) & (filetime < END_OF_TIME_100NS)
    return np.where(is_time, (filetime - EPOCH_100NS) // 10, NO_TIME)


def joined(parts: list[Changes]) -> Changes:
    """The values of several parts of a message, one after the other."""
    if not parts:
        return NOTHING
    odd: list[Odd] = []
    before = 0
    for part in parts:
        odd += [Odd(one.row + before, one.is_text, one.raw) for one in part.odd]
        before += len(part)
    imprecise = None
    if any(part.imprecise is not None for part in parts):
        imprecise = np.concatenate(
            [
                np.zeros(len(part), np.bool_) if part.imprecise is None else part.imprecise
                for part in parts
            ]
        )
    return Changes(
        np.concatenate([part.handle for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.status for part in parts]),
        np.concatenate([part.source_us for part in parts]),
        np.concatenate([part.server_us for part in parts]),
        imprecise,
        tuple(odd),
    )


NOTHING = _Columns(0).done()
