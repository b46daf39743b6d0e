"""What a history request means: its range, its interval, its page. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

Interval = Literal["raw", "1min", "5min", "1hour", "1day"]
AggregateInterval = Literal["1min", "5min", "1hour", "1day"]

SOURCES: dict[Interval, str] = {
    "raw": "scada_readings",
    "1min": "scada_readings_1min",
    "5min": "scada_readings_5min",
    "1hour": "scada_readings_1hour",
    "1day": "scada_readings_1day",
}
NAME_PATTERN = r"^[^\x00-\x1f\x7f]+$"
"""Of wells and tags: no control characters (PostgreSQL's text cannot hold NUL)."""
DEFAULT_RANGE = timedelta(hours=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_RAW_UP_TO = timedelta(days=1)
_STEP_LENGTH: dict[Interval, timedelta] = {
    "raw": timedelta(seconds=1),
    "1min": timedelta(minutes=1),
    "5min": timedelta(minutes=5),
    "1hour": timedelta(hours=1),
    "1day": timedelta(days=1),
}
_STEPS: tuple[tuple[timedelta, AggregateInterval], ...] = (
    (timedelta(days=7), "1min"),
    (timedelta(days=30), "1hour"),
)


class Range(Struct, frozen=True):
    """From start, up to but without end."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


class After(Struct, frozen=True, array_like=True):
    """The last row of a page: the next page begins after it."""

    time: datetime
    tag_name: str
    tag_id: int


class Query(Struct, frozen=True):
    """One page of a well's history.

    tag_names  empty: all tags of the well
    limit      rows of the page; one more is read, to see whether there is another page
    """

    well_id: str
    tag_names: tuple[str, ...]
    range: Range
    interval: Interval
    limit: int
    after: After | None = None

    @property
    def source(self) -> str:
        """The view that it is read from."""
        return SOURCES[self.interval]


def windows(query: Query, tags: int) -> Iterator[Range]:
    """The rest of the range in pieces, each four times as long as the one before.

    The first is as long as it takes to fill the page when each tag has a row in every step.
    """
    if tags == 0:
        return
    at = query.after.time if query.after is not None else query.range.start
    length = _STEP_LENGTH[query.interval] * (query.limit // tags + 1)
    while at < query.range.end:
        until = min(query.range.end, at + length)
        yield Range(at, until)
        at, length = until, length * 4


def parse_time(text: str) -> datetime:
    """An instant as ISO 8601 with its offset. Raises ValueError with a sentence.

    >>> parse_time("2026-01-31T06:30:00+02:00")
    datetime.datetime(2026, 1, 31, 4, 30, tzinfo=datetime.timezone.utc)
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "; a + in a URL is written %2B" if " " in text else ""
        raise ValueError(
            f"{text[:40]!r} is no time; write ISO 8601 with its offset, "
            f"for example 2026-01-31T06:30:00Z{hint}"
        ) from error
    if time.tzinfo is None:
        raise ValueError(
            f"{text[:40]!r} has no offset, so it could be any of a day's hours; "
            "end it with Z for UTC, or with an offset such as -06:00"
        )
    try:
        time = time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text[:40]!r} is out of all calendars") from error
    if not EARLIEST <= time <= LATEST:
        raise ValueError(f"{text[:40]!r} is not between the years 1970 and 2200")
    return time


def parse_range(start: str | None, end: str | None, now: datetime) -> Range:
    """The range asked for; by default the last hour. Raises ValueError with a sentence."""
    last = parse_time(end) if end is not None else now
    first = parse_time(start) if start is not None else last - DEFAULT_RANGE
    if first >= last:
        raise ValueError("start is not before end; give a range with some time in it")
    return Range(first, last)


def choose_interval(range_: Range, now: datetime, raw_kept: timedelta) -> Interval:
    """What to read when no interval is given: fine enough to draw, few enough to carry."""
    if range_.length <= _RAW_UP_TO and range_.start >= now - raw_kept:
        return "raw"
    return choose_aggregate(range_)


def choose_aggregate(range_: Range) -> AggregateInterval:
    """The same among the aggregates."""
    for longest, interval in _STEPS:
        if range_.length <= longest:
            return interval
    return "1day"
