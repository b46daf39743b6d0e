"""The status: what changes it, and what does not."""

from __future__ import annotations

from msgspec.structs import replace

from pumpjack_core.clock import iso_us
from pumpjack_core.manifests.resolve import RejectedTag
from pumpjack_operator.describe import ConnectionKnown, connection_status
from pumpjack_operator.facts import Facts, Pod, Report

NOW_US = 1_800_000_000_000_000
S = 1_000_000


def known(now_us: int = NOW_US, generation: int = 1, **report) -> ConnectionKnown:
    """A connection of which all is well, its worker having spoken just now."""
    said = {"read_at": iso_us(now_us), "stored_at": iso_us(now_us)}
    facts = Facts(
        wanted_hash="h",
        now_us=now_us,
        mappings=1,
        mapped=3,
        pod=Pod("running"),
        report=Report("connected", "h", **{**said, **report}),
    )
    return ConnectionKnown(generation, facts, "10.1.7.20:502", "scada-pad7")


def at(status, type_):
    (found,) = (one for one in status.conditions if one.type == type_)
    return found


def test_readings_that_go_on_change_nothing_for_a_quarter_of_an_hour():
    first = connection_status(known(), None)
    assert first.last_reading_time == "2027-01-15T08:00:00Z"
    for seconds in (1, 60, 899):
        assert connection_status(known(NOW_US + seconds * S), first) == first
    later = connection_status(known(NOW_US + 901 * S), first)
    assert later == replace(first, last_reading_time="2027-01-15T08:15:00Z")


def test_a_condition_keeps_its_time_until_its_status_changes():
    first = connection_status(known(), None)
    away = {"state": "disconnected", "reason": "Timeout"}
    then = known(NOW_US + 60 * S)
    lost = replace(then, facts=replace(then.facts, report=replace(then.facts.report, **away)))
    second = connection_status(lost, first)
    assert at(second, "Connected").last_transition_time == "2027-01-15T08:01:00Z"
    assert at(second, "Ready").last_transition_time == "2027-01-15T08:00:00Z"
    other = replace(lost, facts=replace(lost.facts, now_us=NOW_US + 120 * S))
    other = replace(
        other, facts=replace(other.facts, report=replace(other.facts.report, reason="Refused"))
    )
    third = connection_status(other, second)
    assert at(third, "Connected").reason == "Refused"
    assert at(third, "Connected").last_transition_time == "2027-01-15T08:01:00Z"


def test_every_condition_names_the_generation_that_it_speaks_of():
    status = connection_status(known(generation=7), connection_status(known(), None))
    assert status.observed_generation == 7
    assert {one.observed_generation for one in status.conditions} == {7}


def test_50_rejected_tags_are_named_and_all_are_counted():
    lost = tuple(RejectedTag("n/c", "n/m", f"t{at}", "x" * 600) for at in range(70))
    given = known()
    given = replace(given, facts=replace(given.facts, rejected=70), rejected=lost)
    status = connection_status(given, None)
    assert (status.rejected_tags_total, len(status.rejected_tags)) == (70, 50)
    assert status.rejected_tags[0].mapping == "m"
    assert len(status.rejected_tags[0].reason) == 512


def test_a_worker_that_does_not_answer_leaves_what_it_said_last():
    first = connection_status(known(), None)
    silent = known()
    silent = replace(silent, facts=replace(silent.facts, report=None))
    status = connection_status(silent, first)
    assert status.applied_config_hash == "h"
    assert status.last_reading_time == first.last_reading_time
