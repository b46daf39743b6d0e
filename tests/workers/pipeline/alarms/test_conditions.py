"""What each condition means, by examples; times in seconds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.tags import Alarm
from tests.workers.pipeline.alarms.well import S, Well
from tests.workers.pipeline.examples import T0_US, batch

NAN = math.nan
OUT_OF_RANGE = quality(Level.BAD, Reason.OUT_OF_RANGE)
DEVICE_BAD = quality(Level.BAD, Reason.DEVICE_BAD)
COMM_FAILURE = quality(Level.BAD, Reason.COMM_FAILURE)
STALE = quality(Level.BAD, Reason.STALE)
CLOCK = quality(Level.UNCERTAIN, Reason.CLOCK)


@pytest.mark.parametrize(
    ("condition", "values", "turns"),
    [
        ("hi", (94.9, 100.0, 95.1, 95.0), [False, True, False]),
        ("hihi", (50.0, 500.0), [False, True]),
        ("lo", (105.1, 100.0, 104.9, 105.0), [False, True, False]),
        ("lolo", (500.0, -5.0), [False, True]),
    ],
    ids=str,
)
def test_a_limit_is_over_at_the_limit_and_returns_behind_the_deadband(condition, values, turns):
    well = Well(Alarm(condition, limit=100.0, deadband=5.0))
    for at, value in enumerate(values):
        well.read(value, at)
    assert [active for active, _ in well.turns] == turns


def test_without_a_deadband_it_returns_as_soon_as_it_is_not_over():
    well = Well(Alarm("hi", limit=100.0))
    for at, value in enumerate((100.0, 100.0, math.nextafter(100.0, 0.0), 100.0)):
        well.read(value, at)
    assert well.turns == [(True, 0), (False, 2), (True, 3)]


def test_a_start_within_the_deadband_says_nothing_until_it_is_clear():
    well = Well(Alarm("hi", limit=100.0, deadband=10.0))
    well.read(95.0, 0)
    assert well.told == []
    well.read(90.0, 1)
    assert well.turns == [(False, 1)]


def test_it_is_active_only_after_the_on_delay_and_from_then_on():
    well = Well(Alarm("hi", limit=100.0, on_delay_s=5.0))
    well.read(50.0, 0)
    for at in range(1, 6):
        well.read(120.0, at)
    assert well.turns == [(False, 0)]
    well.read(121.0, 6)
    assert well.told[1:] == [("hi", True, 6.0, 121.0)]


def test_a_spike_shorter_than_the_on_delay_is_no_alarm():
    well = Well(Alarm("hi", limit=100.0, on_delay_s=5.0))
    for at, value in ((0, 50.0), (1, 120.0), (6, 50.0), (7, 120.0), (8, 50.0), (60, 50.0)):
        well.read(value, at)
        well.watch(at)
    assert well.turns == [(False, 0)]


def test_it_returns_only_after_the_off_delay_without_a_break():
    well = Well(Alarm("hi", limit=100.0, off_delay_s=10.0))
    for at, value in ((0, 120.0), (1, 50.0), (9, 120.0), (10, 50.0), (19, 50.0)):
        well.read(value, at)
    assert well.turns == [(True, 0)]
    well.read(50.0, 25)
    assert well.turns == [(True, 0), (False, 20)]


def test_a_delay_ends_by_the_clock_when_no_reading_follows():
    well = Well(Alarm("hi", limit=100.0, on_delay_s=5.0))
    well.read(120.0, 0, now=30)  # the device's clock is 30 s behind
    well.watch(35.4)
    assert well.told == []
    well.watch(35.5)
    assert well.turns == [(True, 5)]


def test_a_value_far_out_of_range_raises_its_alarm_although_its_quality_is_bad():
    well = Well(Alarm("hihi", limit=100.0))
    well.read(50.0, 0)
    well.read(9_999.0, 1, code=OUT_OF_RANGE)
    assert well.turns == [(False, 0), (True, 1)]


def test_a_value_whose_time_is_not_believed_is_judged():
    well = Well(Alarm("hihi", limit=100.0))
    well.read(120.0, 1, code=CLOCK)
    assert well.turns == [(True, 1)]


@pytest.mark.parametrize("value", [0.0, NAN], ids=["with a value", "without"])
def test_a_bad_reading_leaves_the_alarm_as_it_was(value):
    well = Well(Alarm("hi", limit=100.0), Alarm("lo", limit=10.0))
    well.read(120.0, 0)
    well.read(value, 1, code=DEVICE_BAD)
    assert well.turns == [(True, 0), (False, 0)]
    well.read(50.0, 2)
    assert well.turns[2:] == [(False, 2)]


def test_bad_quality_is_any_reason_and_stale_is_silence():
    well = Well(Alarm("bad_quality"), Alarm("stale"))
    well.read(1.0, 0)
    well.read(NAN, 1, code=DEVICE_BAD)
    assert well.told[2:] == [("bad_quality", True, 1.0, None)]
    well.read(NAN, 2, code=STALE)
    assert well.told[3:] == [("stale", True, 2.0, None)]
    well.read(1.0, 3)
    assert well.told[4:] == [("bad_quality", False, 3.0, None), ("stale", False, 3.0, None)]


def test_the_same_value_sent_again_after_an_outage_ends_it():
    """An OPC UA server sends what it has, with the time since which it has it."""
    well = Well(Alarm("stale"), Alarm("hi", limit=100.0))
    well.read(120.0, 0)
    well.read(NAN, 60, code=COMM_FAILURE)
    well.read(120.0, 0, now=90)
    assert [told[:2] for told in well.told[2:]] == [("stale", True), ("stale", False)]
    well.read(50.0, 61, now=91)
    assert well.told[-1][:3] == ("hi", False, 61.0)


def test_a_mark_at_the_workers_time_holds_up_no_device_whose_clock_is_behind():
    well = Well(Alarm("hi", limit=100.0))
    well.read(50.0, 0, now=3_600)
    well.read(NAN, 3_601, code=COMM_FAILURE)
    well.read(120.0, 2, now=3_602)
    assert well.turns == [(False, 0), (True, 2)]


def test_a_discrete_state_is_active_while_the_value_is_one_of_its_states():
    well = Well(Alarm("state", states=(0, 3)))
    for at, value in enumerate((1.0, 0.0, 3.0, 2.0, 2.0)):
        well.read(value, at)
    assert well.told == [
        ("state", False, 0.0, 1.0),
        ("state", True, 1.0, 0.0),
        ("state", False, 3.0, 2.0),
    ]


def test_a_rate_is_the_change_from_the_value_that_stood_per_ago():
    well = Well(Alarm("rate", limit=10.0, per_s=60.0))
    for at, value in ((0, 100.0), (30, 109.0), (61, 109.5), (70, 119.1), (200, 119.0)):
        well.read(value, at)
    assert well.told == [
        ("rate", False, 0.0, 0.0),
        ("rate", True, 70.0, pytest.approx(19.1)),
        ("rate", False, 121.0, pytest.approx(9.6)),
    ]


def test_a_step_of_a_tag_that_is_silent_otherwise_is_a_change_and_it_is_over_after_per():
    well = Well(Alarm("rate", limit=10.0, per_s=60.0))
    well.read(100.0, 0)
    well.read(150.0, 3_600)
    assert well.turns == [(False, 0), (True, 3_600)]
    well.watch(3_660.4)
    assert len(well.told) == 2
    well.watch(3_660.5)
    assert well.turns[2:] == [(False, 3_660)]


def test_a_rate_begins_anew_after_a_time_of_which_nothing_is_known():
    well = Well(Alarm("rate", limit=10.0, per_s=60.0))
    well.read(100.0, 0)
    well.read(NAN, 10, code=COMM_FAILURE)
    well.read(150.0, 20)
    assert well.turns == [(False, 0)]


def test_a_deviation_compares_the_newest_values_of_both_tags():
    well = Well(Alarm("deviation", limit=10.0, deadband=2.0, from_tag="q"))
    well.read(100.0, 0)
    assert well.told == []
    well.read(95.0, 1, name="q")
    well.read(85.0, 2, name="q")
    well.read(94.0, 3)
    well.read(93.0, 4)
    assert well.told == [
        ("deviation", False, 1.0, 5.0),
        ("deviation", True, 2.0, 15.0),
        ("deviation", False, 4.0, 8.0),
    ]


def test_two_tags_that_move_at_the_same_moment_do_not_deviate_in_between():
    well = Well(Alarm("deviation", limit=10.0, from_tag="q"))
    well.at_once(("p", 100.0, 0), ("q", 100.0, 0), at=0)
    well.at_once(("p", 200.0, 0), ("q", 200.0, 0), at=1)
    assert well.turns == [(False, 0)]


def test_a_suppressed_alarm_says_so_and_says_when_it_is_no_more():
    well = Well(Alarm("lo", limit=10.0, suppressed_by="q", suppressed_states=(0,)))
    well.at_once(("p", 50.0, 0), ("q", 1.0, 0), at=0)
    well.at_once(("p", 0.0, 0), ("q", 0.0, 0), at=1)
    well.read(1.0, 2, name="q")
    assert well.told == [("lo", False, 0.0, 50.0), ("lo", True, 1.0, 0.0), ("lo", True, 2.0, None)]
    assert well.suppressed == [False, True, False]


def test_what_is_late_decides_nothing_even_if_it_comes_with_newer_readings():
    well = Well(Alarm("hi", limit=100.0))
    well.read(50.0, 100)
    came = batch(
        well.tags,
        [500.0, 60.0, 500.0],
        index=[0, 0, 0],
        us=[T0_US + 50 * S, T0_US + 101 * S, T0_US + 100 * S],
        received_us=T0_US + 101 * S,
    )
    assert well.evaluator.evaluate(came, 101.0) == []


def test_readings_of_one_batch_decide_in_the_order_of_their_times():
    well = Well(Alarm("hi", limit=100.0))
    came = batch(
        well.tags,
        [50.0, 120.0, 60.0],
        index=[0, 0, 0],
        us=[T0_US + 3 * S, T0_US + 2 * S, T0_US + S],
        received_us=T0_US + 3 * S,
    )
    well._note(well.evaluator.evaluate(came, 3.0))
    assert well.turns == [(False, 1), (True, 2), (False, 3)]


def test_after_a_start_nothing_is_said_of_suppression_until_the_other_tag_was_read():
    well = Well(Alarm("lo", limit=10.0, suppressed_by="q", suppressed_states=(0,)))
    well.read(0.0, 0)
    well.read(0.0, 1, name="q")
    well.restart()
    well.read(0.0, 2)
    well.read(1.0, 3, name="q")
    assert well.turns == [(True, 0), (True, 1), (True, 2), (True, 3)]
    assert well.suppressed == [None, True, None, False]


def test_after_a_start_every_alarm_says_once_how_it_is():
    well = Well(Alarm("hi", limit=100.0), Alarm("lo", limit=10.0))
    for start in range(2):
        well.read(120.0, start)
        well.read(120.0, start + 0.5)
        well.restart()
    assert well.turns == [(True, 0), (False, 0), (True, 1), (False, 1)]


def test_an_alarm_that_cannot_be_evaluated_is_named_and_the_others_go_on():
    well = Well(
        Alarm("deviation", limit=1.0, from_tag="gone"), Alarm("hi"), Alarm("lo", limit=10.0)
    )
    well.read(5.0, 0)
    assert [told[0] for told in well.told] == ["lo"]
    assert [sentence.split(" of ")[0] for sentence in well.evaluator.unusable] == [
        "the alarm deviation",
        "the alarm hi",
    ]


def test_what_a_rate_remembers_is_bounded():
    well = Well(Alarm("rate", limit=1e9, per_s=1.0))
    n = 50_000
    came = batch(
        well.tags,
        np.arange(n, dtype=float),
        index=[0] * n,
        us=range(T0_US, T0_US + n * 10, 10),
        received_us=T0_US + S,
    )
    well.evaluator.evaluate(came, 1.0)
    (machine,) = well.evaluator._built.machines
    assert len(machine._window._entries) <= 1_026
    assert machine.measured == pytest.approx(n - 1)
