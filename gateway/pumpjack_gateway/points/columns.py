"""Which columns a chart gets, and what they are made of. Pure.

Columns of aggregates are whole buckets: a column is a multiple of the bucket, and the range begins
and ends with one, so that no bucket lies in two columns.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pumpjack_gateway.history import AggregateInterval, Interval, Range

READINGS_MAX = 400_000
"""Read raw up to so many; 4 tags at a reading a second for a day are 345,600. In a field of many
tags each reading is in another page of the table: more would take too long."""
BUCKETS_MAX = 200_000
"""Of aggregates the finest width with at most so many."""
RAW_UNASKED = timedelta(hours=1)
"""So short a range is read raw without an estimate of how much it is."""
STEPS: tuple[tuple[AggregateInterval, timedelta], ...] = (
    ("1min", timedelta(minutes=1)),
    ("5min", timedelta(minutes=5)),
    ("1hour", timedelta(hours=1)),
    ("1day", timedelta(days=1)),
)
_WIDTH: dict[Interval, timedelta] = {"raw": timedelta(milliseconds=1), **dict(STEPS)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Columns(Struct, frozen=True):
    """Columns [start + k * width, start + (k + 1) * width) up to end; the last may be shorter."""

    interval: Interval
    start: datetime
    end: datetime
    width: timedelta

    @property
    def bucket(self) -> timedelta:
        """Width of what a column is made of; 1 ms for readings, the resolution of columns."""
        return _WIDTH[self.interval]


def lay_out(range_: Range, points: int, interval: Interval) -> Columns:
    """At most `points` columns of equal width that hold the range.

    The range grows to whole buckets of the interval, or milliseconds for raw.
    """
    unit = _WIDTH[interval]
    start = floor(range_.start, unit)
    end = start + -((start - range_.end) // unit) * unit
    units = (end - start) // unit
    return Columns(interval, start, end, -(-units // points) * unit)


def choose(range_: Range, tags: int, raw_from: datetime, readings: int | None) -> Interval:
    """Raw where it is still kept and not too much, else the finest aggregate that is not too much.

    readings: an estimate of how many the range has, None where it was not made (see must_ask).
    """
    if range_.start >= raw_from and (readings is None or readings <= READINGS_MAX):
        return "raw"
    for name, width in STEPS:
        if tags * (range_.length / width) <= BUCKETS_MAX:
            return name
    return "1day"


def must_ask(range_: Range, raw_from: datetime) -> bool:
    """Whether it takes an estimate of the number of readings to choose."""
    return range_.start >= raw_from and range_.length > RAW_UNASKED


def asked_of(range_: Range) -> tuple[AggregateInterval, Range]:
    """Which aggregates estimate the number of readings, and over which whole buckets."""
    name, width = STEPS[2] if range_.length <= timedelta(days=7) else STEPS[3]
    whole = lay_out(range_, 1, name)
    return name, Range(whole.start, max(whole.end, whole.start + width))


def recent(now: datetime, hours: float, columns: int) -> Columns:
    """So many columns up to the one that holds now, of at least so many hours together.

    Columns begin at multiples of their width, so that they stay the same as time goes on.
    """
    wanted = timedelta(hours=hours) / columns
    interval, step = next((one for one in reversed(STEPS) if one[1] <= wanted), STEPS[0])
    width = -(-wanted // step) * step
    end = floor(now, width) + width
    return Columns(interval, end - columns * width, end, width)


def floor(time: datetime, unit: timedelta) -> datetime:
    """The last multiple of the unit since the epoch that is not after the time."""
    return _EPOCH + (time - _EPOCH) // unit * unit
