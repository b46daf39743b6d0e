"""What becomes of a reading: a table of cases, and laws that hold for any batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_core.quality import BACKFILLED, Level, Reason, level_text, quality, reason_text
from pumpjack_core.readings import Batch
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.validate import Validator
from tests.workers.pipeline.examples import T0_US, batch, table, tag

SECOND = 1_000_000
MINUTE = 60 * SECOND
YEAR = 365 * 86_400 * SECOND
TAGS = TagTable((tag("pressure", low=0.0, high=5000.0), tag("free")))
BAD_DEVICE = quality(Level.BAD, Reason.DEVICE_BAD)
UNSURE = quality(Level.UNCERTAIN, Reason.DEVICE_UNCERTAIN)


def validator(tags: TagTable = TAGS) -> Validator:
    return Validator(tags, max_future_s=300, max_age_s=90 * 86_400)


CASES = {
    "a value in its range is GOOD": (120.0, 0, 0, "GOOD", None, 120.0),
    "a value above its range is BAD and kept": (5000.1, 0, 0, "BAD", "out_of_range", 5000.1),
    "a value below its range is BAD and kept": (-0.1, 0, 0, "BAD", "out_of_range", -0.1),
    "the ends of the range belong to it": (5000.0, 0, 0, "GOOD", None, 5000.0),
    "NaN is BAD without a value": (math.nan, 0, 0, "BAD", "not_a_number", None),
    "infinity is BAD without a value": (math.inf, 0, 0, "BAD", "not_a_number", None),
    "what the device calls BAD stays so, in its words": (
        9999.0,
        0,
        BAD_DEVICE,
        "BAD",
        "device_bad",
        9999.0,
    ),
    "BAD without a value keeps its reason": (math.nan, 0, BAD_DEVICE, "BAD", "device_bad", None),
    "what the device doubts and is in range stays doubted": (
        7.0,
        0,
        UNSURE,
        "UNCERTAIN",
        "device_uncertain",
        7.0,
    ),
    "out of range outdoes the device's doubt": (-7.0, 0, UNSURE, "BAD", "out_of_range", -7.0),
    "a clock 4 minutes ahead is believed": (1.0, 4 * MINUTE, 0, "GOOD", None, 1.0),
    "a clock 6 minutes ahead is not": (1.0, 6 * MINUTE, 0, "UNCERTAIN", "clock", 1.0),
    "a clock of 2090 is not": (1.0, 64 * YEAR, 0, "UNCERTAIN", "clock", 1.0),
    "a wrong clock does not hide a wrong value": (
        -1.0,
        64 * YEAR,
        0,
        "BAD",
        "out_of_range",
        -1.0,
    ),
}


@pytest.mark.parametrize(
    ("value", "ahead", "given_quality", "level", "reason", "kept"), CASES.values(), ids=CASES
)
def test_one_reading(value, ahead, given_quality, level, reason, kept):
    came = batch(TAGS, [value], us=T0_US + ahead, quality=given_quality)
    judged = validator().judge(came).batch
    code = int(judged.quality[0])
    assert (level_text(code), reason_text(code)) == (level, reason)
    assert (None if np.isnan(judged.value[0]) else judged.value[0]) == kept


def test_a_reading_of_a_clock_that_is_ahead_is_stored_at_its_receipt_and_the_offset_told():
    judged = validator().judge(batch(TAGS, [1.0, 2.0], us=[T0_US + 600 * SECOND, T0_US]))
    assert judged.batch.source_us.tolist() == [T0_US, T0_US]
    assert judged.clock_offset_s == 600.0
    assert validator().judge(batch(TAGS, [1.0])).clock_offset_s is None


def test_a_clock_of_1970_is_quarantined_with_its_value_and_the_neighbour_stays():
    judged = validator().judge(batch(TAGS, [1.5, 2.5], us=[86_400 * SECOND, T0_US]))
    assert judged.batch.value.tolist() == [2.5]
    (kept_out,) = judged.quarantined
    assert (kept_out.tag_index, kept_out.us, kept_out.reason) == (0, 86_400 * SECOND, "too_old")
    assert "1.5" in kept_out.raw
    assert judged.errors == {"too_old": 1}


def test_the_batch_that_came_in_is_not_changed():
    came = batch(TAGS, [9999.0, math.inf])
    validator().judge(came)
    assert came.quality.tolist() == [0, 0]
    assert came.value.tolist() == [9999.0, math.inf]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.integers(-(10**17), 10**17),
            st.floats(),
            st.sampled_from([0, BAD_DEVICE, UNSURE]),
        ),
        max_size=50,
    )
)
@settings(deadline=None)
def test_no_reading_is_ever_dropped_and_no_number_is_stored_that_is_none(rows):
    index, ahead, values, codes = zip(*rows, strict=True) if rows else ((), (), (), ())
    came = batch(TAGS, values, index=index, us=[T0_US + a for a in ahead], quality=codes)
    judged = validator().judge(came)
    assert len(judged.batch) + len(judged.quarantined) == len(rows)
    bad = (judged.batch.quality & 3) == 2
    assert not np.isinf(judged.batch.value).any()
    assert bad[np.isnan(judged.batch.value)].all()
    assert (judged.batch.source_us <= T0_US + 300 * SECOND).all()


def test_a_backfilled_reading_that_is_marked_stays_marked_as_backfilled():
    late = quality(Level.GOOD, backfilled=True)
    judged = validator().judge(batch(TAGS, [-1.0, math.nan], quality=[late, late]))
    assert [(reason_text(code), code & BACKFILLED) for code in judged.batch.quality.tolist()] == [
        ("out_of_range", BACKFILLED),
        ("not_a_number", BACKFILLED),
    ]


# Anomalies

WATCHED = TagTable((tag("flow", z_score=6.0, z_window=32), tag("other", z_score=6.0, z_window=32)))


def feed(judge: Validator, values, at: int = 0) -> list[str | None]:
    reasons = []
    for value in values:
        code = int(judge.judge(batch(WATCHED, [value], index=[at])).batch.quality[0])
        reasons.append(reason_text(code))
    return reasons


def noise(n: int, seed: int = 1) -> list[float]:
    return (100 + np.random.default_rng(seed).normal(0, 1, n)).tolist()


def test_a_spike_in_noise_is_uncertain_and_kept():
    judge = validator(WATCHED)
    feed(judge, noise(40))
    found = judge.judge(batch(WATCHED, [150.0], index=[0])).batch
    assert reason_text(int(found.quality[0])) == "anomaly"
    assert level_text(int(found.quality[0])) == "UNCERTAIN"
    assert found.value.tolist() == [150.0]


def test_spikes_do_not_hide_the_next_spike():
    judge = validator(WATCHED)
    feed(judge, noise(40))
    values = [1000.0 if n % 4 == 3 else value for n, value in enumerate(noise(32, seed=2))]
    reasons = feed(judge, values)
    assert [reason == "anomaly" for reason in reasons] == [value == 1000.0 for value in values]


def test_a_new_level_becomes_normal_within_its_window():
    judge = validator(WATCHED)
    feed(judge, noise(40))
    reasons = feed(judge, [value + 50 for value in noise(40, seed=3)])
    assert reasons[0] == "anomaly"
    assert reasons[-8:] == [None] * 8


def test_nothing_is_anomalous_before_half_a_window_was_seen():
    assert set(feed(validator(WATCHED), [1.0, 1e6] * 7)) == {None}


def test_a_constant_tag_that_moves_by_its_last_digit_is_not_anomalous():
    judge = validator(WATCHED)
    feed(judge, [100.0] * 40)
    assert feed(judge, [100.1]) == [None]
    assert feed(judge, [150.0]) == ["anomaly"]


def test_what_a_device_kept_and_sends_later_is_marked_so_and_its_range_still_holds():
    tags = TagTable((tag("flow", low=0.0, high=200.0),))
    times = [T0_US - 86_400 * SECOND, T0_US - 5 * MINUTE - 1, T0_US - 4 * MINUTE, T0_US]
    came = batch(tags, [999.0, 1.0, 1.0, 1.0], index=[0] * 4, us=times)
    found = validator(tags).judge(came).batch
    assert [bool(code & BACKFILLED) for code in found.quality.tolist()] == [
        True,
        True,
        False,
        False,
    ]
    assert [reason_text(code) for code in found.quality.tolist()] == ["out_of_range", *[None] * 3]
    assert found.source_us.tolist() == times


def test_what_was_kept_is_no_anomaly_and_teaches_nothing_about_what_is_going_on_now():
    judge = validator(WATCHED)
    feed(judge, noise(40))
    yesterday = [T0_US - 86_400 * SECOND + at * SECOND for at in range(200)]
    kept = batch(WATCHED, [150.0] * 200, index=[0] * 200, us=yesterday)
    found = judge.judge(kept)
    assert "anomaly" not in found.errors
    assert {reason_text(code) for code in found.batch.quality.tolist()} == {None}
    assert feed(judge, [100.0, 150.0]) == [None, "anomaly"]


def test_each_tag_has_its_own_window():
    judge = validator(WATCHED)
    feed(judge, noise(40), at=0)
    assert feed(judge, [150.0], at=1) == [None]


def test_many_readings_at_once_are_judged_as_if_they_came_in_steps():
    values = [*noise(64), 150.0, *noise(20, seed=5), 20.0, 100.0]
    at_once = validator(WATCHED)
    found = at_once.judge(batch(WATCHED, values, index=[0] * len(values))).batch
    anomalous = [at for at, code in enumerate(found.quality.tolist()) if code]
    assert anomalous == [64, 85]


def test_a_window_survives_an_edit_of_the_tags():
    before = validator(WATCHED)
    feed(before, noise(40))
    edited = TagTable((tag("new"), *WATCHED.tags))
    after = Validator(edited, max_future_s=300, max_age_s=1e6, before=before)
    came = Batch(edited, *_columns(batch(WATCHED, [150.0], index=[1])), T0_US)
    assert reason_text(int(after.judge(came).batch.quality[0])) == "anomaly"


def _columns(b: Batch):
    return b.tag_index, b.source_us, b.value, b.quality


def test_bad_readings_do_not_enter_the_window():
    tags = TagTable((tag("flow", low=0.0, high=200.0, z_score=6.0, z_window=32),))
    judge = validator(tags)
    for value in [*noise(40), *[9999.0] * 40]:
        judge.judge(batch(tags, [value]))
    found = judge.judge(batch(tags, [100.0])).batch
    assert int(found.quality[0]) == 0


def test_a_table_without_tags_judges_nothing():
    empty = table()
    assert len(validator(empty).judge(batch(empty, [])).batch) == 0
