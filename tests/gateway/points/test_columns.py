"""Which columns a chart gets; pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_gateway.history import Interval, Range
from pumpjack_gateway.points.columns import (
    BUCKETS_MAX,
    READINGS_MAX,
    STEPS,
    asked_of,
    choose,
    lay_out,
    must_ask,
    recent,
)

NOW = datetime(2026, 1, 31, 12, 34, 56, 789_123, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
H, D = timedelta(hours=1), timedelta(days=1)
KEPT = NOW - 90 * D
INTERVALS: list[Interval] = ["raw", *(name for name, _ in STEPS)]


@given(
    back_us=st.integers(0, 800 * D // US),
    length_us=st.integers(1, 730 * D // US),
    points=st.integers(16, 4000),
    interval=st.sampled_from(INTERVALS),
)
def test_columns_hold_the_range_are_no_more_than_asked_and_split_no_bucket(
    back_us: int, length_us: int, points: int, interval: Interval
) -> None:
    range_ = Range(NOW - back_us * US, NOW - back_us * US + length_us * US)
    columns = lay_out(range_, points, interval)
    assert columns.start <= range_.start < range_.end <= columns.end
    assert range_.start - columns.start < columns.bucket
    assert columns.end - range_.end < columns.bucket
    assert -((columns.start - columns.end) // columns.width) <= points
    assert columns.width % columns.bucket == timedelta(0)
    assert (columns.start - EPOCH) % columns.bucket == timedelta(0)
    assert (columns.end - EPOCH) % columns.bucket == timedelta(0)


def test_columns_are_as_narrow_as_the_number_allows() -> None:
    assert lay_out(Range(NOW - D, NOW), 1500, "raw").width == timedelta(seconds=57.601)
    assert lay_out(Range(NOW - 7 * D, NOW), 1500, "1min").width == timedelta(minutes=7)


CHOICES: dict[str, tuple[timedelta, int, int | None, Interval]] = {
    "an hour is read raw without asking": (H, 8, None, "raw"),
    "a day that is not too much": (D, 8, READINGS_MAX, "raw"),
    "a day of fast tags": (D, 8, READINGS_MAX + 1, "1min"),
    "a quarter of slow tags": (89 * D, 8, 10_000, "raw"),
    "a week of fast tags": (7 * D, 8, 5_000_000, "1min"),
    "a month of eight fast tags": (30 * D, 8, 20_000_000, "5min"),
    "two years of eight": (730 * D, 8, None, "1hour"),
    "two years of one": (730 * D, 1, None, "1hour"),
    "a hundred years": (36_500 * D, 8, None, "1day"),
}


@pytest.mark.parametrize(("length", "tags", "readings", "interval"), CHOICES.values(), ids=CHOICES)
def test_what_columns_are_made_of(
    length: timedelta, tags: int, readings: int | None, interval: Interval
) -> None:
    assert choose(Range(NOW - length, NOW), tags, KEPT, readings) == interval


def test_an_hour_of_long_ago_is_made_of_aggregates() -> None:
    assert choose(Range(KEPT - H, KEPT), 8, KEPT, None) == "1min"


@given(days=st.floats(0.01, 4000), tags=st.integers(1, 8))
def test_aggregates_are_never_too_many_to_read(days: float, tags: int) -> None:
    range_ = Range(NOW - days * D, NOW)
    found = choose(range_, tags, KEPT, READINGS_MAX + 1)
    width = dict(STEPS)[found]  # type: ignore[index]
    assert tags * (range_.length / width) <= BUCKETS_MAX


def test_only_what_may_be_raw_and_is_long_is_counted_first() -> None:
    assert must_ask(Range(NOW - D, NOW), KEPT)
    assert not must_ask(Range(NOW - H, NOW), KEPT)
    assert not must_ask(Range(NOW - 91 * D, NOW), KEPT)
    interval, whole = asked_of(Range(NOW - D, NOW))
    assert (interval, whole.start.minute, whole.length) == ("1hour", 0, 25 * H)
    assert asked_of(Range(NOW - 60 * D, NOW))[0] == "1day"


@given(
    hours=st.floats(0.01, 168),
    number=st.integers(2, 200),
    at_us=st.integers(0, 60 * D // US),
)
def test_small_trends_have_all_their_columns_and_end_with_the_one_of_now(
    hours: float, number: int, at_us: int
) -> None:
    now = NOW + at_us * US
    columns = recent(now, hours, number)
    assert (columns.end - columns.start) / columns.width == number
    assert columns.end - columns.width <= now < columns.end
    assert columns.end - columns.start >= hours * H
    assert columns.width % columns.bucket == timedelta(0)
    assert (columns.start - EPOCH) % columns.width == timedelta(0)


def test_the_usual_small_trend_is_48_columns_of_ten_minutes() -> None:
    columns = recent(NOW, 8, 48)
    assert (columns.interval, columns.width) == ("5min", timedelta(minutes=10))
