"""Alarms that are added, changed or left as they were; times in seconds."""

from __future__ import annotations

import math

import pytest

from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.tags import Alarm, TagTable
from tests.workers.pipeline.alarms.well import S, Well
from tests.workers.pipeline.examples import T0_US, batch, tag

NAN = math.nan
DEVICE_BAD = quality(Level.BAD, Reason.DEVICE_BAD)
STALE = quality(Level.BAD, Reason.STALE)


def test_alarms_that_stay_as_they_were_keep_their_state_when_tags_change():
    hi = Alarm("hi", limit=100.0, on_delay_s=5.0)
    well = Well(hi)
    well.read(120.0, 0)
    renamed = Alarm("hi", limit=100.0, on_delay_s=5.0, priority=1, message="Open the choke")
    well.become(TagTable((tag("new"), tag("p", alarms=(renamed,)))))
    well._note(
        well.evaluator.evaluate(
            batch(well.tags, [120.0], index=[1], us=T0_US + 5 * S, received_us=T0_US + 5 * S), 5.0
        )
    )
    assert well.turns == [(True, 5)]
    well.become(TagTable((tag("p", alarms=(renamed, Alarm("lo", limit=1.0))),)))
    well.read(120.0, 6)
    assert well.told[1:] == [("lo", False, 5.0, 120.0)]


def test_an_alarm_that_was_changed_says_anew_how_it_is():
    well = Well(Alarm("hi", limit=100.0))
    well.read(120.0, 0)
    well.become(TagTable((tag("p", alarms=(Alarm("hi", limit=200.0),)), tag("q"))))
    well.read(120.0, 1)
    assert well.turns == [(True, 0), (False, 0)], "of the value that stands"


@pytest.mark.parametrize(
    ("value", "code", "alarm"),
    [
        (0.0, 0, Alarm("state", states=(0,))),
        (120.0, 0, Alarm("hi", limit=100.0)),
        (NAN, DEVICE_BAD, Alarm("bad_quality")),
        (NAN, STALE, Alarm("stale")),
    ],
    ids=lambda each: getattr(each, "condition", None),
)
def test_an_alarm_that_is_added_is_raised_by_what_stands_also_if_nothing_more_is_read(
    value, code, alarm
):
    well = Well(Alarm("rate", limit=1e6))
    well.read(1.0, 0)
    well.read(value, 1, code=code)
    told = len(well.told)
    well.become(TagTable((tag("p", alarms=(Alarm("rate", limit=1e6), alarm)), tag("q"))))
    well.watch(2.0)
    assert [each[:2] for each in well.told[told:]] == [(alarm.condition, True)]
    well.watch(3.0)
    assert len(well.told) == told + 1


def test_an_alarm_that_is_added_is_raised_with_the_next_reading_although_nothing_changes():
    well = Well(Alarm("hi", limit=100.0))
    well.read(0.0, 0)
    well.become(TagTable((tag("p", alarms=(Alarm("state", states=(0,)),)), tag("q"))))
    well.read(0.0, 1)
    assert well.told[1:] == [("state", True, 0.0, 0.0)]


def test_an_alarm_that_is_added_knows_values_that_changed_nothing_before():
    well = Well(Alarm("lo", limit=1.0))
    for at, value in enumerate((50.0, 60.0, 120.0)):
        well.read(value, at)
    well.become(TagTable((tag("p", alarms=(Alarm("hi", limit=100.0),)), tag("q"))))
    well.watch(3.0)
    assert well.told[1:] == [("hi", True, 2.0, 120.0)]


def test_the_delay_of_an_alarm_that_is_added_runs_from_then_on():
    well = Well()
    well.read(120.0, 0)
    well.become(TagTable((tag("p", alarms=(Alarm("hi", limit=100.0, on_delay_s=5.0),)), tag("q"))))
    well.watch(60.0)
    assert well.told == []
    well.watch(65.5)
    assert well.turns == [(True, 5)]


def test_an_alarm_that_nothing_suppresses_any_more_says_so_at_once_and_keeps_its_state():
    well = Well(Alarm("state", states=(1,), suppressed_by="q", suppressed_states=(0,)))
    well.read(0.0, 0, name="q")
    well.read(1.0, 1)
    well.read(NAN, 2, code=DEVICE_BAD)
    assert (well.turns, well.suppressed) == ([(True, 1)], [True])
    well.become(TagTable((tag("p", alarms=(Alarm("state", states=(1,)),)), tag("q"))))
    well.watch(3.0)
    assert (well.turns[1:], well.suppressed[1:]) == ([(True, 2)], [False])
