"""Whatever clocks do, by examples; times in seconds."""

from __future__ import annotations

import pytest

from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.tags import Alarm
from tests.workers.pipeline.alarms.well import S, Well
from tests.workers.pipeline.examples import T0_US


def test_a_device_clock_that_jumped_ahead_and_came_back_holds_its_alarms_for_a_moment_only():
    well = Well(Alarm("hi", limit=100.0))
    well.read(50.0, 240, now=0)
    for now in range(1, 11):
        well.read(120.0, now)
        assert well.turns == [(False, 240)]
    well.read(120.0, 11)
    assert well.turns == [(False, 240), (True, 11)]


def test_a_late_reading_of_a_device_that_is_ahead_decides_nothing():
    well = Well(Alarm("hi", limit=100.0))
    for now in range(30):
        well.read(50.0, now + 240, now=now)
        well.read(500.0, now + 200, now=now)
    assert well.turns == [(False, 240)]


def test_a_device_clock_that_was_set_back_an_hour_is_believed_after_five_minutes_and_told_before():
    well = Well(Alarm("hi", limit=100.0))
    well.read(50.0, 3_600)
    for now in range(3_601, 3_901):
        well.read(120.0, now - 3_600, now=now)
    assert well.turns == [(False, 3_600)]
    assert well.evaluator.held(T0_US + 3_900 * S) == 1
    well.read(120.0, 301, now=3_901)
    assert well.turns == [(False, 3_600), (True, 301)]
    assert well.evaluator.held(T0_US + 3_902 * S) == 0


def test_values_that_say_nothing_new_count_too_while_a_device_clock_is_back():
    well = Well(Alarm("hi", limit=100.0))
    well.read(50.0, 3_600)
    for now in range(3_601, 3_900):
        well.read(50.0, now - 3_600, now=now)
    assert well.evaluator.held(T0_US + 3_900 * S) == 1
    well.read(50.0, 301, now=3_901)
    well.read(120.0, 302, now=3_902)
    assert well.turns == [(False, 3_600), (True, 302)]


def test_a_worker_clock_that_was_set_back_stops_nothing():
    well = Well(Alarm("hi", limit=100.0, on_delay_s=2.0))
    well.read(50.0, 3_600)
    well.read(120.0, 3_601)
    well.read(120.0, 1)
    well.read(120.0, 3)
    assert well.turns == [(False, 3_600), (True, 3)]


@pytest.mark.parametrize("alarm", [(True, 5.0, 0.0), (False, 0.0, 5.0)], ids=["on", "off"])
def test_a_worker_clock_that_was_set_back_ends_no_delay_of_a_tag_that_is_not_read_again(alarm):
    becomes, on_delay_s, off_delay_s = alarm
    well = Well(Alarm("hi", limit=100.0, on_delay_s=on_delay_s, off_delay_s=off_delay_s))
    well.read(50.0 if becomes else 120.0, 3_600, now=0)
    well.read(120.0 if becomes else 50.0, 3_700, now=100)
    well.read(1.0, 3_701, name="q", now=40)
    well.watch(104.0)
    assert len(well.told) == 1
    well.watch(105.5)
    assert well.turns[1:] == [(becomes, 3_705)]


def test_a_worker_clock_that_was_set_back_ends_a_rate_of_a_tag_that_is_not_read_again():
    well = Well(Alarm("rate", limit=10.0, per_s=60.0))
    well.read(100.0, 3_600, now=0)
    well.read(150.0, 3_700, now=100)
    well.read(1.0, 3_701, name="q", now=40)
    well.watch(161.0)
    assert well.turns == [(False, 3_600), (True, 3_700), (False, 3_760)]


@pytest.mark.parametrize("lasted_s", [4, 40, 400])
def test_what_comes_again_with_the_time_of_its_first_receipt_is_no_clock_that_was_set_back(
    lasted_s,
):
    well = Well(Alarm("hi", limit=100.0))
    well.read(120.0, 10)
    well.read(50.0, 10 + lasted_s)
    told = list(well.turns)
    for second in range(lasted_s):
        well.read(120.0, 10.2 + second, now=20 + lasted_s, first=10.5 + second)
    assert well.turns == told == [(True, 10), (False, 10 + lasted_s)]
    well.read(120.0, 21 + lasted_s)
    assert well.turns[2:] == [(True, 21 + lasted_s)]


def test_a_silence_that_comes_again_is_over():
    well = Well(Alarm("stale"))
    well.read(50.0, 10)
    well.read(50.0, 20)
    well.read(float("nan"), 12, code=BAD_COMM_FAILURE, now=21, first=12)
    assert well.turns == [(False, 10)]


def test_a_worker_clock_that_was_set_back_between_receipt_and_judging_stops_nothing():
    well = Well(Alarm("hi", limit=100.0))
    well.read(50.0, 3_600)
    well.read(50.0, 3_601, now=1, first=3_601)
    well.read(120.0, 2)
    assert well.turns == [(False, 3_600), (True, 2)]
