"""Quality as one number."""

from __future__ import annotations

import pytest

from pumpjack_core import quality as q
from pumpjack_core.quality import Level, Reason


def test_a_plain_good_reading_is_zero():
    assert q.quality(Level.GOOD) == 0


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("backfilled", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
def test_every_quality_reads_back_and_fits_a_smallint(level, reason, backfilled, shifted):
    code = q.quality(level, reason, backfilled=backfilled, shifted=shifted)
    assert 0 <= code < 2**15
    assert (q.level_of(code), q.reason_of(code)) == (level, reason)
    assert bool(code & q.BACKFILLED) == backfilled
    assert bool(code & q.SHIFTED) == shifted
    assert q.level_text(code) == level.name
    assert q.reason_text(code) == (None if reason is Reason.NONE else reason.name.lower())


def test_the_stored_numbers_never_change():
    assert {reason.name: int(reason) for reason in Reason} == {
        "NONE": 0,
        "OUT_OF_RANGE": 1,
        "ANOMALY": 2,
        "STALE": 3,
        "COMM_FAILURE": 4,
        "DEVICE_BAD": 5,
        "CLOCK": 6,
        "NOT_A_NUMBER": 7,
        "DEVICE_UNCERTAIN": 8,
        "PRECISION": 9,
        "CONFIG_ERROR": 10,
        "NOT_STORED": 11,
        "SENSOR_FAILURE": 12,
        "OUT_OF_SERVICE": 13,
        "LAST_KNOWN": 14,
        "LOCAL_OVERRIDE": 15,
    }
