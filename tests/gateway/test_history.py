"""Ranges, intervals, windows and cursors; pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_gateway.cursors import Cursor, Cursors
from pumpjack_gateway.history import (
    After,
    Interval,
    Query,
    Range,
    choose_interval,
    parse_range,
    parse_time,
    windows,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEPT = timedelta(days=90)
H, D = timedelta(hours=1), timedelta(days=1)


def ago(start: timedelta, end: timedelta = timedelta(0)) -> Range:
    return Range(NOW - start, NOW - end)


INTERVALS: dict[str, tuple[Range, Interval]] = {
    "an hour": (ago(H), "raw"),
    "exactly a day": (ago(D), "raw"),
    "a day and a moment": (ago(D + timedelta(microseconds=1)), "1min"),
    "a week": (ago(7 * D), "1min"),
    "more than a week": (ago(8 * D), "1hour"),
    "a month": (ago(30 * D), "1hour"),
    "a year": (ago(365 * D), "1day"),
    "an hour as long ago as raw is kept": (ago(KEPT, KEPT - H), "raw"),
    "an hour longer ago": (ago(KEPT + H, KEPT), "1min"),
}


@pytest.mark.parametrize(("range_", "interval"), INTERVALS.values(), ids=INTERVALS)
def test_the_interval_for(range_: Range, interval: Interval) -> None:
    assert choose_interval(range_, NOW, KEPT) == interval


TIMES = {
    "2026-01-31T06:30:00Z": (6, 30, 0),
    "2026-01-31T06:30:00.250000+00:00": (6, 30, 250_000),
    "2026-01-31T00:30:00-06:00": (6, 30, 0),
    "2026-01-31 06:30Z": (6, 30, 0),
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_read_with_its_offset(text: str) -> None:
    hour, minute, micro = TIMES[text]
    assert parse_time(text) == datetime(2026, 1, 31, hour, minute, 0, micro, tzinfo=UTC)


def test_a_range_without_times_is_the_last_hour() -> None:
    assert parse_range(None, None, NOW) == ago(H)


def test_a_range_with_an_end_only_is_the_hour_before_it() -> None:
    assert parse_range(None, "2026-01-31T06:00:00Z", NOW) == ago(7 * H, 6 * H)


@given(
    hours=st.floats(0.01, 10_000),
    tags=st.integers(1, 500),
    limit=st.integers(1, 5000),
    done=st.floats(0, 0.99),
)
def test_windows_are_the_whole_rest_of_the_range_and_few(
    hours: float, tags: int, limit: int, done: float
) -> None:
    range_ = Range(NOW - hours * H, NOW)
    after = After(range_.start + done * range_.length, "flow", 7)
    query = Query("w", (), range_, "raw", limit, after)
    found = list(windows(query, tags))
    assert found[0].start == after.time
    assert found[-1].end == range_.end
    assert all(one.end == other.start for one, other in pairwise(found))
    assert len(found) <= 16


def test_without_tags_there_is_nothing_to_search() -> None:
    assert list(windows(Query("w", (), ago(H), "raw", 10), 0)) == []


CURSOR = Cursor(ago(H), "raw", After(NOW, "flow", 7))
QUESTION = ("readings", "permian", "w", ["flow"], None, None, None)


def test_a_cursor_is_read_as_it_was_written() -> None:
    cursors = Cursors("secret")
    assert cursors.read(cursors.write(CURSOR, QUESTION), QUESTION) == CURSOR


@given(at=st.integers(0, 200), letter=st.sampled_from("ABCabc019-_"))
def test_a_cursor_that_was_touched_is_refused(at: int, letter: str) -> None:
    cursors = Cursors("secret")
    text = cursors.write(CURSOR, QUESTION)
    at %= len(text) - 1  # the last letter has bits that mean nothing
    if text[at] == letter:
        return
    with pytest.raises(ValueError, match="does not belong"):
        cursors.read(text[:at] + letter + text[at + 1 :], QUESTION)


def test_a_cursor_of_another_tenant_is_refused() -> None:
    cursors = Cursors("secret")
    text = cursors.write(CURSOR, QUESTION)
    with pytest.raises(ValueError, match="does not belong"):
        cursors.read(text, ("readings", "bakken", *QUESTION[2:]))


def test_a_cursor_of_another_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="does not belong"):
        Cursors("other").read(Cursors("secret").write(CURSOR, QUESTION), QUESTION)
