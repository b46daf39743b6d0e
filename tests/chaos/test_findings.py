"""What the comparison of sent and stored finds, by small examples."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pumpjack_core.quality import BAD_COMM_FAILURE, SHIFTED, Level, Reason, quality
from tests.chaos.findings import (
    Evidence,
    Row,
    by_clock,
    disordered,
    invented,
    misdated,
    missing,
    outside,
    repeats_what_holds,
    twice,
    unstamped,
)
from tests.chaos.ledger import Ledger, Sent
from tests.chaos.line import Jump

S = 1_000_000
START_US = 1_790_000_000 * S
HOUR_US = 3_600 * S
CLOCK = quality(Level.UNCERTAIN, Reason.CLOCK)


def tag(
    stored: Sequence[float | None],
    *,
    sent: int = 5,
    us: Sequence[int] | None = None,
    codes: Sequence[int] | None = None,
    timed: bool = False,
    quarantined: Sequence[float] = (),
) -> Evidence:
    """A tag that sent 1, 2, 3 … a second apart, and what is stored of it."""
    ledger = Ledger("permian", "ops/plc", "pad7-1", "casing")
    for number in range(1, sent + 1):
        at_us = START_US + number * S
        ledger.sent[float(number)] = Sent(at_us, at_us if timed else None)
    times = us or [START_US + int(value or 0) * S for value in stored]
    qualities = codes or [0] * len(stored)
    rows = [Row(*row) for row in zip(times, stored, qualities, strict=True)]
    return Evidence(ledger, rows, quarantined)


def test_what_is_stored_as_it_was_sent_is_no_finding() -> None:
    whole = tag([1.0, 2.0, 3.0, 4.0, 5.0], timed=True)
    assert missing(whole, whole.ledger.sent, "sent") == []
    found = [*invented(whole), *twice(whole), *misdated(whole)]
    assert [*found, *disordered(whole, []), *unstamped(whole, [])] == []


def test_a_value_that_is_not_there_is_named_with_its_tag() -> None:
    (found,) = missing(tag([1.0, 2.0, 5.0]), [1.0, 2.0, 3.0, 4.0], "acknowledged")
    assert found == "permian/pad7-1/casing: acknowledged and not stored, 2: 3, 4"


def test_a_value_that_is_kept_in_quarantine_is_not_missing() -> None:
    assert missing(tag([1.0], quarantined=[2.0]), [1.0, 2.0], "sent") == []


@pytest.mark.parametrize(
    ("stored", "quarantined"), [([1.0, 2.0, 2.0], ()), ([1.0, 2.0], (2.0,)), ([1.0], (2.0, 2.0))]
)
def test_a_value_that_is_there_twice_is_found_wherever_it_is(
    stored: list[float], quarantined: tuple[float, ...]
) -> None:
    (found,) = twice(tag(stored, quarantined=quarantined))
    assert found.endswith("stored more than once, 1: 2")


def test_what_a_tag_shows_may_be_told_again_after_the_mark_of_an_outage_and_nowhere_else() -> None:
    codes = [0, 0, BAD_COMM_FAILURE, 0]
    held = tag([1.0, 2.0, None, 2.0], us=[1, 2, 3, 4], codes=codes)
    assert twice(held, repeats_what_holds(held.rows)) == []
    older = tag([1.0, 2.0, None, 1.0], us=[1, 2, 3, 4], codes=codes)
    assert twice(older, repeats_what_holds(older.rows))
    unmarked = tag([1.0, 2.0, 2.0], us=[1, 2, 3])
    assert twice(unmarked, repeats_what_holds(unmarked.rows))


def test_a_value_that_nobody_sent_is_found() -> None:
    assert invented(tag([1.0, 9.0])) == [
        "permian/pad7-1/casing: stored and never sent, 1: 9",
    ]


def test_a_value_at_another_time_than_its_own_is_found_unless_it_is_marked() -> None:
    us = [START_US + S, START_US + 2 * S + 1]
    assert misdated(tag([1.0, 2.0], us=us, timed=True))
    for code in (SHIFTED, CLOCK):
        assert misdated(tag([1.0, 2.0], us=us, codes=[0, code], timed=True)) == []


def test_values_out_of_order_are_found() -> None:
    us = [START_US, START_US + S, START_US + 2 * S]
    (found,) = disordered(tag([1.0, 3.0, 2.0], us=us), [])
    assert found.endswith("1: 2")


def test_a_clock_that_was_an_hour_off_has_an_order_of_its_own() -> None:
    jump = Jump(START_US, START_US + 10 * S, 3_600)
    us = [START_US + S, START_US + 3 * S, START_US + HOUR_US + 2 * S]
    mixed = tag([1.0, 3.0, 2.0], us=us)
    assert disordered(mixed, [jump]) == []
    assert unstamped(mixed, [jump]) == []
    assert unstamped(mixed, [])
    us = [START_US + S, START_US + HOUR_US + 3 * S, START_US + HOUR_US + 4 * S]
    assert disordered(tag([1.0, 3.0, 2.0], us=us), [jump])


def test_what_a_wrong_clock_stamped_may_stand_at_its_own_time_too_but_only_once_at_each() -> None:
    jump = Jump(START_US, START_US + 10 * S, 3_600)
    own, off = START_US + 2 * S, START_US + 2 * S + HOUR_US
    right, wrong = by_clock(tag([2.0, 2.0], us=[own, off]), [jump])
    assert [*twice(right), *twice(wrong)] == []
    right, wrong = by_clock(tag([2.0, 2.0, 2.0], us=[own, off, off + 1]), [jump])
    assert twice(right) == []
    assert twice(wrong)
    right, wrong = by_clock(tag([2.0, 2.0], us=[own, off]), [])
    assert twice(right)


def test_what_was_sent_in_trouble_is_told_from_what_was_not() -> None:
    ledger = tag([]).ledger
    trouble = [(START_US + 2 * S, START_US + 3 * S)]
    assert outside(ledger.sent, ledger, trouble) == {1.0, 4.0, 5.0}
