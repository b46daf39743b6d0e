"""What the comparison of alarms finds, by small examples."""

from __future__ import annotations

import pytest

from pumpjack_core.quality import BACKFILLED, Level, Reason, quality
from tests.chaos.alarm_findings import (
    Event,
    Journaled,
    holes,
    made_up,
    misjudged,
    swapped,
    unasked,
    undone,
    unlike_its_events,
    unlike_the_end,
    unpaired,
    until_told,
    untold,
)
from tests.chaos.findings import Row
from tests.chaos.people import Deed

HI = "a" * 32
BAD = quality(Level.BAD, Reason.COMM_FAILURE)


def events(*moves: tuple[str, int], alarm_id: str = HI, late: bool = False) -> list[Event]:
    """Events 1, 2, 3 … of one alarm, each a kind and its time."""
    return [Event(at, alarm_id, kind, us, "", late) for at, (kind, us) in enumerate(moves, 1)]


def journaled(*moves: tuple[bool, int], safe: bool = True, journal: str = "j") -> list[Journaled]:
    """Transitions 1, 2, 3 … of one journal: active, and the time."""
    return [
        Journaled(journal, seq, HI, active, us, us, safe)
        for seq, (active, us) in enumerate(moves, 1)
    ]


CAME = events(("raised", 10), ("returned", 20), ("raised", 30))
TOLD = journaled((False, 5), (True, 10), (False, 20), (True, 30))


def test_what_was_journaled_and_is_on_record_in_its_order_is_no_finding() -> None:
    assert [*untold(TOLD, CAME, []), *made_up(TOLD, CAME), *swapped(TOLD, CAME)] == []
    assert [*unpaired(CAME), *holes("permian", [1, 2, 3])] == []


def test_a_number_that_is_missing_is_found() -> None:
    assert holes("permian", [1, 2, 4])


def test_an_alarm_that_is_raised_twice_without_a_return_is_found() -> None:
    assert unpaired(events(("raised", 10), ("raised", 20)))
    assert unpaired(events(("returned", 10)))
    assert unpaired(events(("raised", 10), ("raised", 5), late=True)) == []


def test_a_transition_that_is_no_event_is_found_unless_two_workers_were_at_it() -> None:
    without = [event for event in CAME if event.us != 20]
    (found,) = untold(TOLD, without, [])
    assert found.startswith("a transition was journaled and is no event, 1:")
    assert untold(TOLD, without, [(15, 25)]) == []


def test_after_two_workers_the_next_word_is_an_event_unless_the_alarm_was_so_already() -> None:
    both = [(15, 25)]
    assert untold(TOLD, CAME, both) == []
    assert untold(TOLD, CAME[:1], both) == [], "the other one never told of the return at 20"
    (found,) = untold(TOLD, CAME[:2], both)
    assert "us=30" in found, "it had returned, and the one that stayed saw it come again"


def test_what_a_new_start_tells_again_needs_no_event() -> None:
    again = [*TOLD, Journaled("j", 5, HI, True, 40, 40, True)]
    assert untold(again, CAME, []) == []


def test_a_killed_worker_may_have_journaled_what_it_did_not_know_to_be_on_disk() -> None:
    unsure = [*TOLD[:2], Journaled("j", 3, HI, False, 20, 20, False)]
    again = [*unsure, Journaled("j", 4, HI, False, 25, 25, True)]
    assert untold(again, events(("raised", 10), ("returned", 20)), []) == []
    assert untold(again, events(("raised", 10), ("returned", 25)), []) == []
    assert untold(again, events(("raised", 10)), [])


def test_an_event_that_no_worker_decided_is_found_and_one_that_is_there_too_often() -> None:
    assert made_up(TOLD[:-1], CAME)
    assert made_up(TOLD, [*CAME, Event(4, HI, "raised", 30, "")])


def test_events_in_another_order_than_the_journal_are_found() -> None:
    late_first = [CAME[1], CAME[0], CAME[2]]
    renumbered = [
        Event(number, one.alarm_id, one.kind, one.us, one.actor)
        for number, one in enumerate(late_first, 1)
    ]
    assert swapped(TOLD, renumbered)


def rows(*read: tuple[int, float | None], code: int = 0) -> list[Row]:
    return [Row(us, value, code) for us, value in read]


def test_an_alarm_that_is_not_as_the_level_says_is_found() -> None:
    read = rows((5, 50.0), (10, 60.0), (15, 90.0), (20, 59.0), (30, 70.0))
    assert misjudged("plc", "hi", read, CAME, []) == []
    assert misjudged("plc", "hi", read, CAME[:1], [])
    assert misjudged("plc", "hi", read, CAME[:1], [(20, 25)]) == []
    assert misjudged("plc", "hi", rows((22, 90.0), code=BACKFILLED), CAME, []) == []
    assert misjudged("plc", "lo", rows((12, 90.0)), CAME, [])


@pytest.mark.parametrize(
    ("condition", "newest", "active"),
    [
        ("hi", Row(9, 70.0, 0), True),
        ("lo", Row(9, 70.0, 0), False),
        ("bad_quality", Row(9, 70.0, 0), False),
    ],
)
def test_in_the_end_the_newest_reading_says_how_it_is(
    condition: str, newest: Row, active: bool
) -> None:
    read = [Row(1, 50.0, 0), newest]
    assert unlike_the_end("plc", condition, read, active, []) == []
    assert unlike_the_end("plc", condition, read, not active, [])
    assert unlike_the_end("plc", condition, read, not active, [(9, 9)]) == []


def test_after_an_outage_a_limit_is_as_the_last_value_says() -> None:
    read = [Row(1, 50.0, 0), Row(5, 70.0, 0), Row(9, None, BAD)]
    assert unlike_the_end("plc", "hi", read, True, []) == []
    assert unlike_the_end("plc", "hi", read, False, [])


def test_an_alarm_that_is_not_as_its_last_event_is_found() -> None:
    assert unlike_its_events("plc", "hi", CAME, True) == []
    assert unlike_its_events("plc", "hi", CAME, False)
    assert unlike_its_events("plc", "hi", [], False) == []
    assert unlike_its_events("plc", "hi", [], True)
    late = events(("returned", 40), late=True)
    assert unlike_its_events("plc", "hi", [*CAME, *late], True) == []


def test_after_two_workers_an_alarm_is_excused_no_longer_than_the_level_stays() -> None:
    read = rows((18, 70.0), (26, 70.0), (27, 90.0), (28, 50.0), (29, 50.0), (31, 70.0))
    both = (15, 25)
    assert until_told(both, "hi", read, CAME) == (15, 27)
    assert until_told(both, "hi", read, events(("returned", 26))) == (15, 26)
    assert until_told(both, "hi", read[:3], CAME) == (15, 30)
    # Nothing was told any more after the two: that the level fell at 28 is no event.
    excused = [until_told(both, "hi", read, CAME[:1])]
    (found,) = misjudged("plc", "hi", read, CAME[:1], excused)
    assert "50 at 28" in found


def test_a_mark_says_nothing_of_what_the_device_shows_in_the_end() -> None:
    read = [Row(1, 50.0, 0), Row(9, None, BAD)]
    for active in (True, False):
        assert unlike_the_end("plc", "bad_quality", read, active, []) == []


def test_what_a_person_was_told_and_is_not_on_record_is_found() -> None:
    deed = Deed("ann", "acknowledged", HI)
    there = [Event(4, HI, "acknowledged", 40, "ann")]
    assert undone({4: deed}, there) == []
    assert undone({4: deed}, [])
    assert undone({4: Deed("bob", "acknowledged", HI)}, there)


def test_a_person_is_not_on_record_for_more_than_he_did() -> None:
    deed = Deed("ann", "acknowledged", HI)
    there = [Event(4, HI, "acknowledged", 40, "ann")]
    assert unasked([deed], {}, there) == unasked([], {deed: 1}, there) == []
    assert unasked([], {}, there)
    assert unasked([deed], {}, [*there, Event(5, HI, "acknowledged", 41, "ann")])
