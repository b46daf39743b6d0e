"""Times of payloads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.errors import ManifestError
from pumpjack_worker.adapters.mqtt.times import NO_TIME, time_reader

NEW_YEAR = 1_767_225_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "written", "us"),
    [
        ("auto", "2026-01-01T00:00:00Z", NEW_YEAR),
        ("auto", "2026-01-01t00:00:00z", NEW_YEAR),
        ("auto", "2026-01-01 00:00:00", NEW_YEAR),
        ("auto", "20260101T000000Z", NEW_YEAR),
        ("auto", "2026-01-01T01:30:00.25+01:30", NEW_YEAR + 250_000),
        ("auto", "2026-01-01T00:00:00.123456789Z", NEW_YEAR + 123_456),
        ("auto", 1_767_225_600, NEW_YEAR),
        ("auto", 1_767_225_600.5, NEW_YEAR + 500_000),
        ("auto", 1_767_225_600_123, NEW_YEAR + 123_000),
        ("auto", 1_767_225_600_123.5, NEW_YEAR + 123_500),
        ("auto", 1_767_225_600_123_456, NEW_YEAR + 123_456),
        ("auto", 1_767_225_600_123_456_789, NEW_YEAR + 123_456),
        ("iso8601", "2026-01-01T00:00:00Z", NEW_YEAR),
        ("unix", 1_767_225_600, NEW_YEAR),
        ("unix", "1767225600", NEW_YEAR),
        ("unix", 0, 0),
        ("unixMillis", 1_767_225_600_123, NEW_YEAR + 123_000),
        ("unixMicros", 1_767_225_600_123_456, NEW_YEAR + 123_456),
        ("unixNanos", 1_767_225_600_123_456_789, NEW_YEAR + 123_456),
    ],
)
def test_a_time_is_read(form: str, written: Any, us: int) -> None:
    assert time_reader(form, "UTC")(written) == us


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("auto", "yesterday"),
        ("auto", ""),
        ("auto", "2026-01-01"),
        ("auto", "2026-13-01T00:00:00Z"),
        ("auto", "1767225600"),
        ("auto", None),
        ("auto", True),
        ("auto", []),
        ("auto", -1),
        ("auto", float("nan")),
        ("auto", float("inf")),
        ("auto", 10**30),
        ("iso8601", 1_767_225_600),
        ("unix", "2026-01-01T00:00:00Z"),
        ("unix", 1_767_225_600_000_000),
        ("unixMillis", True),
    ],
)
def test_what_is_no_time_is_not_taken_for_one(form: str, written: Any) -> None:
    with pytest.raises(NO_TIME):
        time_reader(form, "UTC")(written)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "America/Chicago", "Asia/Kolkata"]),
)
def test_a_time_with_an_offset_is_that_instant_in_any_zone(when: datetime, zone: str) -> None:
    us = (when - EPOCH) // timedelta(microseconds=1)
    written = when.astimezone(ZoneInfo(zone)).isoformat()
    if len(written.split("+")[-1].split("-")[-1]) == 5:  # offsets in whole minutes
        assert time_reader("auto", "Europe/Berlin")(written) == us


def test_a_time_without_an_offset_is_in_the_zone_of_the_connection() -> None:
    read = time_reader("auto", "America/Chicago")
    assert read("2026-01-01T00:00:00") == NEW_YEAR + 6 * 3_600_000_000
    assert read("2026-07-01T00:00:00") == read("2026-07-01T05:00:00Z")


def test_the_hour_that_comes_twice_in_autumn_is_taken_for_its_first() -> None:
    read = time_reader("auto", "America/Chicago")
    assert read("2026-11-01T01:30:00") == read("2026-11-01T06:30:00Z")


def test_a_zone_that_is_none_is_told() -> None:
    with pytest.raises(ManifestError, match="is no time zone"):
        time_reader("auto", "Mars/Olympus")
