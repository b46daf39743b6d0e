"""Which times values get around an outage."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pumpjack_core.quality import BACKFILLED, GOOD
from pumpjack_worker.adapters.opcua.decode import NO_TIME
from pumpjack_worker.adapters.opcua.times import Times

S_US = 1_000_000
NOW_US = 1_800_000_000 * S_US
LOST_US = NOW_US - 10 * S_US
LAST_US = NOW_US - 40 * S_US

Row = tuple[float, int, int]


def judged(times: Times, *rows: tuple[float, int], server_us: int = NOW_US) -> list[Row]:
    """Values and source times of the one tag, as they are delivered: value, quality, time."""
    n = len(rows)
    value = np.array([one for one, _ in rows])
    timed = times.judge(
        np.zeros(n, np.int32),
        source_us=np.array([us for _, us in rows], np.int64),
        server_us=np.full(n, server_us, np.int64),
        value=value,
        code=np.zeros(n, np.int16),
        received_us=NOW_US,
    )
    found: Any = zip(
        value[timed.rows].tolist(), timed.quality.tolist(), timed.us.tolist(), strict=True
    )
    return list(found)


def after_an_outage(*, catching_up: bool = False) -> Times:
    times = Times(1, "device")
    judged(times, (1.0, LAST_US), server_us=LAST_US)
    times.lost(LOST_US)
    times.catching_up = catching_up
    return times


def test_a_value_that_changed_in_an_outage_is_told_at_its_time_and_that_it_holds() -> None:
    changed_us = LOST_US - 5 * S_US
    assert judged(after_an_outage(), (2.0, changed_us)) == [
        (2.0, GOOD | BACKFILLED, changed_us),
        (2.0, GOOD, NOW_US),
    ]


def test_a_value_that_changed_in_an_outage_of_hours_is_told_at_its_time_too() -> None:
    times = Times(1, "device")
    judged(times, (1.0, LAST_US - 20_000 * S_US), server_us=LAST_US)
    times.lost(LAST_US - 10_000 * S_US)
    changed_us = LAST_US - 5_000 * S_US
    assert judged(times, (2.0, changed_us)) == [
        (2.0, GOOD | BACKFILLED, changed_us),
        (2.0, GOOD, NOW_US),
    ]


def test_a_value_that_did_not_change_is_told_once() -> None:
    assert judged(after_an_outage(), (1.0, LAST_US)) == [(1.0, GOOD, NOW_US)]


def test_a_worker_that_starts_anew_tells_what_changed_since_the_one_before() -> None:
    times = Times(1, "device", LAST_US - 9_000 * S_US)
    times.lost(LAST_US - 9_000 * S_US)
    changed_us = LAST_US - 5_000 * S_US
    assert judged(times, (2.0, changed_us)) == [
        (2.0, GOOD | BACKFILLED, changed_us),
        (2.0, GOOD, NOW_US),
    ]


def test_of_several_that_waited_the_last_holds() -> None:
    first_us, second_us = LOST_US - 5 * S_US, LOST_US - 4 * S_US
    assert judged(after_an_outage(), (2.0, first_us), (3.0, second_us)) == [
        (2.0, GOOD | BACKFILLED, first_us),
        (3.0, GOOD | BACKFILLED, second_us),
        (3.0, GOOD, NOW_US),
    ]


def test_what_the_server_kept_is_told_at_its_time_and_never_as_newer_than_what_follows() -> None:
    times = after_an_outage(catching_up=True)
    kept_us, newer_us = LOST_US - 5 * S_US, LOST_US + S_US
    assert judged(times, (2.0, kept_us)) == [(2.0, GOOD | BACKFILLED, kept_us)]
    assert judged(times, (3.0, newer_us)) == [(3.0, GOOD, newer_us)]


def test_what_the_server_kept_is_told_to_hold_when_all_is_read() -> None:
    times = after_an_outage(catching_up=True)
    kept_us = LOST_US - 5 * S_US
    judged(times, (2.0, kept_us))
    times.catching_up = False
    assert judged(times, (2.0, kept_us)) == [(2.0, GOOD, NOW_US)]


def test_the_first_value_of_all_is_told_once() -> None:
    assert judged(Times(1, "device"), (1.0, LAST_US)) == [(1.0, GOOD, LAST_US)]
    year_ago_us = NOW_US - 365 * 86_400 * S_US
    assert judged(Times(1, "device"), (1.0, year_ago_us)) == [(1.0, GOOD, NOW_US)]


def test_a_value_without_any_time_gets_that_of_its_receipt() -> None:
    times = after_an_outage()
    ((value, code, us),) = judged(times, (math.pi, NO_TIME), server_us=NO_TIME)
    assert (value, code, us) == (math.pi, GOOD, NOW_US)
