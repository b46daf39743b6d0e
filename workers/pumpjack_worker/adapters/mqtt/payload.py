"""From payloads to columns of readings. No I/O.

A payload is JSON; a bare number is JSON as well. What stands where a number belongs becomes:

    12.5, 12, true, false   the value (1 and 0 for true and false)
    null                    BAD/device_bad
    NaN, Infinity           BAD/not_a_number, bare in any case, or in JSON as Python writes it
    "12.5", on, ERROR       quarantined text_value: text is never taken for a number
    {…}, […]                quarantined no_number
    several at once         quarantined several_values, unless there are as many times
    nothing                 counted missing_value, and quarantined once until it is there again
    what is no JSON         quarantined unparsable, where a path looks into it
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec
import numpy as np

from pumpjack_core.quality import BAD_DEVICE, GOOD, Level, Reason, quality
from pumpjack_core.readings import Batch, Floats, Int16s
from pumpjack_worker.adapters.mqtt.flood import RAW_CHARACTERS, Flood
from pumpjack_worker.adapters.mqtt.paths import MISSING, Path
from pumpjack_worker.adapters.mqtt.routes import Group, Route, Routes
from pumpjack_worker.adapters.mqtt.times import NO_TIME, ReadTime

EXACT_LIMIT = 2**53
NOT_EXACT = quality(Level.UNCERTAIN, Reason.PRECISION)
NOT_A_NUMBER = quality(Level.BAD, Reason.NOT_A_NUMBER)
OUT_OF_RANGE = quality(Level.BAD, Reason.OUT_OF_RANGE)
OF_UNKNOWN_AGE = quality(Level.UNCERTAIN, Reason.STALE)
"""Of a reading without a time of its own that waited at the broker for nobody knows how long."""

_decode = msgspec.json.Decoder().decode
_NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_NUMBER = re.compile(rb"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\s*")
_NO_NUMBER = re.compile(rb"\s*[+-]?(?:nan|inf(?:inity)?)\s*", re.IGNORECASE)
_RAW_BYTES = 4 * RAW_CHARACTERS


_BARE: Final = object()
"""A payload that is no JSON."""
_SEVERAL: Final = object()
"""Several values where one belongs."""


class Columns:
    """Readings as they come in, until they are a batch.

    read() takes one payload; take() gives all so far.
    """

    def __init__(self, routes: Routes, read_time: ReadTime, flood: Flood) -> None:
        self.routes = routes
        self._read_time = read_time
        self._flood = flood
        self._missing: set[int] = set()
        self._index: list[int] = []
        self._us: list[int] = []
        self._value: list[float] = []
        self._codes: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._index)

    def read(self, route: Route, payload: bytes, us: int, *, aged: bool = False) -> None:
        """Take the readings of one payload.

        us    when it was received [µs since the epoch, UTC]: the time of what has none of its own
        aged  it waited at the broker: then such readings are of unknown age
        """
        try:
            document = _decode(payload)
        except _NOT_JSON:
            document = self._not_strict(payload)
        if route.whole:
            first = len(self._index)
            self._whole(route, document, payload, us)
            if aged:
                self._age_from(first)
        for group in route.groups:
            if document is _BARE:
                self._flood.add(route.tags[0], us, "unparsable", as_text(payload))
                return
            self._group(group, document, payload, us, aged=aged)

    def add_bad(self, index: int, code: int, us: int) -> None:
        """A tag has no value, for the reason in this quality."""
        self._codes.append((len(self._index), code))
        self._index.append(index)
        self._us.append(us)
        self._value.append(np.nan)

    def take(self, received_us: int) -> Batch:
        """Everything so far as one batch; nothing stays."""
        routes = self.routes
        index = np.array(self._index, np.int32)
        raw = self._value
        value = _floats(raw)
        code = np.full(len(index), GOOD, np.int16)
        if self._codes:
            rows, codes = zip(*self._codes, strict=True)
            code[list(rows)] = codes
        _mark_inexact(raw, value, code)
        outside = (value < routes.low[index]) | (value > routes.high[index])
        if outside.any():
            code[outside] = OUT_OF_RANGE
        with np.errstate(over="ignore", invalid="ignore"):
            if routes.scale is not None:
                value = value * routes.scale[index]
            if routes.offset is not None:
                value = value + routes.offset[index]
        finite = np.isfinite(value)
        if not finite.all():
            value[~finite] = np.nan
            code[~finite & (code & 0b11 != Level.BAD)] = NOT_A_NUMBER
        batch = Batch(routes.tags, index, np.array(self._us, np.int64), value, code, received_us)
        self._index, self._us, self._value, self._codes = [], [], [], []
        return batch

    def _not_strict(self, payload: bytes) -> Any:
        """JSON with NaN and Infinity in it, as Python and others write it; else _BARE."""
        try:
            return json.loads(payload.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return _BARE

    def _whole(self, route: Route, document: Any, payload: bytes, us: int) -> None:
        value = _bare_number(payload) if document is _BARE else document
        for index in route.whole:
            if value is _BARE:
                reason = "text_value" if payload.strip() else "empty_payload"
                self._flood.add(index, us, reason, as_text(payload))
            else:
                self._add(index, value, us)

    def _group(self, group: Group, document: Any, payload: bytes, us: int, *, aged: bool) -> None:
        if group.time is not None:
            if not group.time.is_one:
                self._rows(group, group.time, document, payload, us)
                return
            try:
                us = self._read_time(group.time.one(document))
            except NO_TIME:
                self._flood.add(group.members[0][0], us, "bad_time", as_text(payload))
                return
        first = len(self._index)
        flat = document if type(document) is dict else {}
        for index, path in group.members:
            key = path.key
            if key is not None:
                value = flat.get(key, MISSING)
            elif path.is_one:
                value = path.one(document)
            else:
                value = self._only(path, document)
            kind = type(value)
            if kind is float or kind is int or kind is bool:
                self._index.append(index)
                self._us.append(us)
                self._value.append(value)
                if self._missing:
                    self._missing.discard(index)
            else:
                self._odd(index, value, us, payload)
        if aged and group.time is None:
            self._age_from(first)

    def _rows(self, group: Group, time: Path, document: Any, payload: bytes, us: int) -> None:
        """Several readings a message: as many values as times."""
        for index, path in group.members:
            try:
                values, times = path.all(document), time.all(document)
            except ValueError:
                self._flood.add(index, us, "unparsable", as_text(payload))
                continue
            if not values:
                self._odd(index, MISSING, us, payload)
            elif len(values) != len(times):
                self._flood.add(index, us, "bad_time", as_text(payload))
            else:
                for value, written in zip(values, times, strict=True):
                    self._row(index, value, written, us)

    def _row(self, index: int, value: Any, written: Any, us: int) -> None:
        try:
            own_us = self._read_time(written)
        except NO_TIME:
            self._flood.add(index, us, "bad_time", f"{_json(value)} at {_json(written)}")
        else:
            self._add(index, value, own_us)

    def _only(self, path: Path, document: Any) -> Any:
        """The one value of a path that may find several."""
        try:
            found = path.all(document)
        except ValueError:
            return _SEVERAL
        if not found:
            return MISSING
        return found[0] if len(found) == 1 else _SEVERAL

    def _add(self, index: int, value: Any, us: int, payload: bytes = b"") -> None:
        kind = type(value)
        if kind is float or kind is int or kind is bool:
            self._index.append(index)
            self._us.append(us)
            self._value.append(value)
            self._missing.discard(index)
        else:
            self._odd(index, value, us, payload)

    def _odd(self, index: int, value: Any, us: int, payload: bytes) -> None:
        """What stands where a number belongs and is none."""
        if value is MISSING:
            if index in self._missing:
                self._flood.count("missing_value")
                return
            self._missing.add(index)
            self._flood.add(index, us, "missing_value", as_text(payload))
            return
        self._missing.discard(index)
        if value is None:
            self.add_bad(index, BAD_DEVICE, us)
        elif value is _SEVERAL:
            self._flood.add(index, us, "several_values", as_text(payload))
        else:
            reason = "text_value" if type(value) is str else "no_number"
            self._flood.add(index, us, reason, _json(value))

    def _age_from(self, first: int) -> None:
        """Rows from here on are of unknown age, as far as they are not BAD anyway."""
        marked: set[int] = set()
        for row, _ in reversed(self._codes):
            if row < first:
                break
            marked.add(row)
        self._codes += [
            (row, OF_UNKNOWN_AGE) for row in range(first, len(self._index)) if row not in marked
        ]


def as_text(payload: bytes) -> str:
    """A payload as it may be kept: its beginning, what is no UTF-8 in hexadecimal digits."""
    return payload[:_RAW_BYTES].decode(errors="backslashreplace")[:RAW_CHARACTERS]


def _json(value: Any) -> str:
    try:
        written = json.dumps(value, ensure_ascii=False)
    except RecursionError:  # writing needs more of the stack than reading did
        return "nested too deeply to be written down"
    return as_text(written.encode(errors="backslashreplace"))


def _bare_number(payload: bytes) -> Any:
    """A number that JSON does not know: +5, .5, 007, NaN; else _BARE."""
    if _NO_NUMBER.fullmatch(payload):
        return float("nan")
    return float(payload) if _NUMBER.fullmatch(payload) else _BARE


def _floats(raw: list[float]) -> Floats:
    try:
        return np.array(raw, np.float64)
    except OverflowError:  # an integer of hundreds of digits
        return np.array([_float(value) for value in raw], np.float64)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _mark_inexact(raw: list[float], value: Floats, code: Int16s) -> None:
    """Integers that float64 cannot hold exactly."""
    for row in np.flatnonzero(np.abs(value) >= EXACT_LIMIT).tolist():
        if type(raw[row]) is int and abs(raw[row]) > EXACT_LIMIT and code[row] == GOOD:
            code[row] = NOT_EXACT
