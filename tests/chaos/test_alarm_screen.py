"""What a client notices of alarms, by small examples."""

from __future__ import annotations

from typing import Any

from tests.chaos.alarm_screen import AlarmView


def alarm(state: str, event_no: int | None, *, confirmed: bool = True) -> dict[str, Any]:
    event = None if event_no is None else {"eventNo": event_no}
    return {
        "type": "alarm",
        "alarmId": "a",
        "state": state,
        "event": event,
        "confirmed": confirmed,
    }


def view(event_no: int = 7) -> AlarmView:
    view = AlarmView()
    view.take({"type": "alarms", "eventNo": event_no, "alarms": []})
    return view


def test_events_that_follow_one_another_are_shown_and_one_that_is_missing_is_noticed() -> None:
    seen = view()
    seen.take(alarm("unacknowledged", 8))
    assert (seen.event_no, seen.states, seen.unsaid) == (8, {"a": "unacknowledged"}, [])
    seen.take(alarm("normal", 10))
    assert (seen.states, len(seen.unsaid)) == ({}, 1)


def test_what_is_not_confirmed_has_no_number_and_waits() -> None:
    seen = view()
    seen.take(alarm("unacknowledged", None, confirmed=False))
    assert (seen.event_no, seen.unconfirmed) == (7, {"a"})
    seen.take(alarm("unacknowledged", 8))
    assert (seen.unsaid, seen.unconfirmed) == ([], set())


def test_a_slow_client_goes_on_from_the_event_that_it_was_told() -> None:
    seen = view()
    one = alarm("acknowledged", None)
    seen.take({"type": "alarms-conflated", "eventNo": 12, "messages": 5, "alarms": [one]})
    seen.take(alarm("normal", 13))
    assert (seen.unsaid, seen.states) == ([], {})
