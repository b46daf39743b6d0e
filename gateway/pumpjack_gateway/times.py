"""Microseconds since the epoch as times in UTC, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


def time_of(us: int) -> datetime:
    """The time, to the microsecond."""
    return _EPOCH + timedelta(microseconds=us)


def us_since_epoch(time: datetime) -> int:
    """Microseconds since the epoch of a time with an offset."""
    return (time - _EPOCH) // _US
