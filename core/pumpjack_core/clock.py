"""The one clock. Times are int microseconds since 1970-01-01 UTC; durations are float seconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

US_PER_S = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AWAKE_OR_ASLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # elsewhere than on Linux


class Clock(Protocol):
    """What tells the time. Tests pass their own."""

    def now_us(self) -> int:
        """Wall time in microseconds since the epoch, UTC; jumps when the machine's clock does."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for time-outs and intervals."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Wall time in microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


def since_boot_s() -> float:
    """Seconds that never jump and go on while the machine sleeps, for what must not happen late."""
    return time.clock_gettime(_AWAKE_OR_ASLEEP)


def iso_us(us: int) -> str:
    """Write a time as ISO 8601 in UTC with microseconds: 2026-01-31T06:30:00.000000Z."""
    return str(np.datetime64(us, "us")) + "Z"


def us_of(text: str) -> int:
    """Read a time that ISO 8601 writes, with its offset from UTC. Raises ValueError.

    >>> us_of("2026-01-31T07:30:00.5+01:00") == us_of("2026-01-31T06:30:00.500000Z")
    True
    """
    since = datetime.fromisoformat(text.upper().replace(",", ".")).astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * US_PER_S + since.microseconds


def iso_us_column(us: NDArray[np.int64]) -> list[str]:
    """Write a column of times as ISO 8601 in UTC with microseconds."""
    text: list[str] = np.datetime_as_string(us.view("M8[us]"), unit="us", timezone="UTC").tolist()
    return text
