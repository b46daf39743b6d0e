"""What a new process makes of readings that come again; times in seconds."""

from __future__ import annotations

from pumpjack_core.tags import Alarm, TagTable
from pumpjack_worker.pipeline.alarms.known import decode
from tests.workers.pipeline.alarms.well import Well
from tests.workers.pipeline.examples import tag

HI = Alarm("hi", limit=100.0)


def come_and_gone(*alarms: Alarm) -> Well:
    """One whose alarm came at 2 and went at 3; told is forgotten."""
    well = Well(*alarms)
    for at, value in ((1, 50.0), (2, 120.0), (3, 50.0)):
        well.read(value, at)
    assert well.turns == [(False, 1), (True, 2), (False, 3)]
    well.told.clear()
    return well


def test_readings_that_come_again_after_a_restart_raise_nothing_and_the_newest_says_how_it_is():
    well = come_and_gone(HI)
    well.restart()
    well.read(50.0, 1, now=10)
    well.read(120.0, 2, now=10)
    assert well.told == []
    well.read(50.0, 3, now=10)
    assert well.turns == [(False, 3)]
    well.read(120.0, 11)
    assert well.turns == [(False, 3), (True, 11)]


def test_what_was_kept_while_no_process_was_there_is_judged_in_its_order():
    well = come_and_gone(HI)
    well.restart()
    for at, value in ((2, 120.0), (4, 130.0), (5, 60.0)):
        well.read(value, at, now=10)
    assert well.turns == [(True, 4), (False, 5)]


def test_a_tag_that_says_again_what_it_said_last_is_known_to_the_new_process():
    well = Well(Alarm("hi", limit=100.0, on_delay_s=30.0))
    well.read(120.0, 5)
    well.restart()
    well.read(120.0, 5, now=20, first=5)
    well.watch(40.0)
    assert well.turns == []
    well.read(120.0, 50)
    assert well.turns == [(True, 35)]


def test_with_other_tags_after_the_restart_those_that_stay_are_known():
    well = come_and_gone(HI)
    well.restart(TagTable((tag("q"), tag("p", alarms=(HI,)))))
    well.at_once(("q", 120.0, 0), at=2, now=10)  # by position that is p
    assert well.told == []
    well.at_once(("q", 120.0, 0), at=4, now=10)
    assert well.turns == [(True, 4)]


def test_a_worker_clock_that_was_set_back_while_no_process_was_there_stops_nothing():
    well = Well(HI)
    well.read(50.0, 3_600)
    well.restart()
    well.read(120.0, 1)
    well.read(120.0, 2)
    assert well.turns == [(False, 3_600), (True, 1)]


def test_what_is_damaged_is_not_known():
    well = come_and_gone(HI)
    blob = well.evaluator.known()
    assert decode(blob, well.tags) is not None
    for damaged in (b"", blob[:-1], blob[:20] + b"?" + blob[21:]):
        assert decode(damaged, well.tags) is None


def test_where_nothing_has_alarms_nothing_is_kept():
    assert Well().evaluator.known() == b""
