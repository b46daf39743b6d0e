"""The time of a reading as payloads write it, in microseconds since the epoch, UTC. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pumpjack_core.errors import ManifestError

ReadTime = Callable[[Any], int]
"""From what stands in a payload to µs since the epoch, UTC. Raises one of NO_TIME."""
NO_TIME = (ValueError, OverflowError)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_US = 9_214_646_400_000_000
"""The year 2262, where nanoseconds of 64 bits end; later times are no times of readings."""
_PER_UNIT = {
    "unix": (1_000_000, 1),
    "unixMillis": (1_000, 1),
    "unixMicros": (1, 1),
    "unixNanos": (1, 1_000),
}
"""Factor and divisor to microseconds."""
_SHORTEST_TEXT = len("20260101T0000")


def time_reader(form: str, zone: str) -> ReadTime:
    """How times are read.

    form  auto, iso8601, unix, unixMillis, unixMicros or unixNanos (spec.mqtt.timeFormat)
    zone  IANA zone of texts without an offset; an hour that comes twice in autumn is taken for
          its first
    """
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ManifestError(
            f"spec.clock.zone: {zone!r} is no time zone; write for example America/Chicago"
        ) from None

    def iso8601(value: Any) -> int:
        if type(value) is not str:
            raise ValueError("no text")
        return _iso_us(value, local)

    def auto(value: Any) -> int:
        if type(value) is str:
            return _iso_us(value, local)
        return _sized_us(value)

    if form == "auto":
        return auto
    if form == "iso8601":
        return iso8601
    factor, divisor = _PER_UNIT[form]

    def unix(value: Any) -> int:
        if type(value) is str and value.isdecimal():
            value = int(value)
        return _scaled_us(value, factor, divisor)

    return unix


def _iso_us(text: str, zone: ZoneInfo) -> int:
    if len(text) < _SHORTEST_TEXT:
        raise ValueError("a date without a time of day")
    if text[-1] == "z":
        text = text[:-1] + "Z"
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    since = found - _EPOCH
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def _sized_us(value: Any) -> int:
    """A number by its size: seconds, milliseconds, microseconds or nanoseconds."""
    if type(value) is not int and type(value) is not float:
        raise ValueError("no number")
    size = abs(value)
    if size < 1e11:
        return _scaled_us(value, 1_000_000, 1)
    if size < 1e14:
        return _scaled_us(value, 1_000, 1)
    return _scaled_us(value, 1, 1 if size < 1e17 else 1_000)


def _scaled_us(value: Any, factor: int, divisor: int) -> int:
    if type(value) is int:
        us = value * factor // divisor
    elif type(value) is float and math.isfinite(value):
        us = round(value * factor / divisor)
    else:
        raise ValueError("no number")
    if not 0 <= us < _LATEST_US:
        raise ValueError("before 1970 or after 2262")
    return us
