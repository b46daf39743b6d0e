"""Who is at a well, from what gateways say of one another; no server needed."""

from __future__ import annotations

from pumpjack_gateway.presence.messages import Person, Roster
from pumpjack_gateway.presence.register import GONE_S, PEOPLE_MAX, Register

WELL, OTHER = "pad7-3", "pad7-4"


def person(name: str, since: str = "2026-01-31T06:30:00Z") -> Person:
    return Person(name, name, None, "viewer", since)


def roster(revision: int, *, whole: bool = False, **wells: list[Person]) -> Roster:
    told = {name.replace("_", "-"): people for name, people in wells.items()}
    return Roster("g2", "t", revision, whole, told)


def names(register: Register, well_id: str = WELL) -> list[str]:
    return [one.client_id for one in register.people(well_id)]


def test_whoever_came_first_comes_first_wherever_it_came_in() -> None:
    register = Register()
    register.arrive(WELL, person("late", "2026-01-31T08:00:00Z"))
    register.hear(roster(1, whole=True, pad7_3=[person("early")]), 0.0)
    assert names(register) == ["early", "late"]


def test_those_who_left_are_gone_here_and_there() -> None:
    register = Register()
    register.arrive(WELL, person("ann"))
    register.hear(roster(1, whole=True, pad7_3=[person("joe")]), 0.0)
    register.news.clear()
    register.depart(WELL, "ann")
    assert not register.hear(roster(2, pad7_3=[]), 1.0)
    assert names(register) == []
    assert register.news == {WELL}


def test_a_roster_of_everything_leaves_out_who_is_gone() -> None:
    register = Register()
    register.hear(roster(1, whole=True, pad7_3=[person("joe")]), 0.0)
    register.news.clear()
    register.hear(roster(7, whole=True, pad7_4=[person("joe")]), 1.0)
    assert (names(register), names(register, OTHER)) == ([], ["joe"])
    assert register.news == {WELL, OTHER}


def test_a_roster_that_was_missed_shows_and_everything_is_wanted() -> None:
    register = Register()
    assert register.hear(roster(5, pad7_3=[person("joe")]), 0.0), "nothing was known of it before"
    register.hear(roster(5, whole=True, pad7_3=[person("joe")]), 0.0)
    assert not register.hear(roster(6, pad7_4=[person("eve")]), 0.0)
    assert register.hear(roster(8, pad7_4=[]), 0.0)
    assert names(register, OTHER) == ["eve"], "what is known stays until everything came"


def test_a_beat_of_another_revision_shows_that_something_was_missed() -> None:
    register = Register()
    register.hear(roster(5, whole=True, pad7_3=[person("joe")]), 0.0)
    assert not register.hear_beat("g2", 5, 1.0)
    assert register.hear_beat("g2", 6, 2.0)
    assert register.hear_beat("g3", 1, 2.0), "never heard before"


def test_a_gateway_that_beats_stays_and_one_that_does_not_takes_its_people_along() -> None:
    register = Register()
    register.hear(roster(1, whole=True, pad7_3=[person("joe")]), 0.0)
    register.hear_beat("g2", 1, GONE_S - 1)
    register.expire(GONE_S + 1)
    assert names(register) == ["joe"]
    register.news.clear()
    register.expire(2 * GONE_S)
    assert names(register) == []
    assert register.news == {WELL}


def test_a_crowd_is_told_up_to_a_number() -> None:
    register = Register()
    for number in range(PEOPLE_MAX + 20):
        register.arrive(WELL, person(f"p{number:03}"))
    assert len(register.people(WELL)) == len(register.all_here()[WELL]) == PEOPLE_MAX
