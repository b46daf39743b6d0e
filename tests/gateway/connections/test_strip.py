"""The last day of a connection in quarter hours."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from pumpjack_gateway.connections.strip import COLUMNS, strip

NOW = datetime(2026, 1, 31, 12, 7, 30, tzinfo=UTC)


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def test_a_state_from_before_the_day_fills_it() -> None:
    found = strip([(ago(400), "connected")], NOW, NOW)
    assert found.states == ["connected"] * COLUMNS
    assert found.start == datetime(2026, 1, 30, 12, 15, tzinfo=UTC)


def test_an_outage_of_a_moment_marks_its_quarter_hour_and_a_restart_does_not() -> None:
    moment = datetime(2026, 1, 31, 6, 1, tzinfo=UTC)
    for seconds, state, wanted in ((30, "disconnected", 1), (4, "disconnected", 0), (4, "none", 0)):
        changes = [
            (ago(400), "connected"),
            (moment, state),
            (moment + timedelta(seconds=seconds), "connected"),
        ]
        assert len(Counter(strip(changes, NOW, NOW).states)) == 1 + wanted


def test_an_outage_across_a_border_marks_both() -> None:
    border = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)
    changes = [
        (ago(400), "connected"),
        (border - timedelta(seconds=60), "connecting"),
        (border + timedelta(seconds=60), "connected"),
    ]
    assert Counter(strip(changes, NOW, NOW).states) == {"connected": 94, "down": 2}


def test_what_was_not_heard_is_empty() -> None:
    found = strip([(ago(400), "connected")], ago(2), NOW)
    assert Counter(found.states) == {"connected": 87, "none": 9}
    assert found.states[-1] == "none"


def test_a_connection_that_is_new_shows_what_is_known_of_it() -> None:
    found = strip([(NOW - timedelta(seconds=20), "connected")], NOW, NOW)
    assert Counter(found.states) == {"none": 95, "connected": 1}


def test_suspended_is_neither_down_nor_connected() -> None:
    changes = [(ago(10), "connected"), (ago(5), "suspended")]
    assert strip(changes, NOW, NOW).states[-1] == "suspended"


def test_one_that_was_never_told_of_is_empty() -> None:
    assert set(strip([], None, NOW).states) == {"none"}
