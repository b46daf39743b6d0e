"""The one back-off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.backoff import Backoff


@given(st.integers(1, 200), st.floats(0.01, 5), st.floats(5, 100))
def test_delays_stay_between_half_the_first_and_the_most(attempts, first_s, most_s):
    pause = Backoff(first_s=first_s, most_s=most_s)
    delays = [pause.next_s() for _ in range(attempts)]
    assert all(first_s / 2 <= delay <= most_s for delay in delays)


def test_delays_double_until_the_most_and_begin_anew_after_a_success():
    pause = Backoff(first_s=1, most_s=8, uniform=lambda _low, high: high)
    assert [pause.next_s() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    pause.reset()
    assert pause.next_s() == 1


def test_two_workers_do_not_knock_together():
    one, other = (Backoff(first_s=1, most_s=60) for _ in range(2))
    assert [one.next_s() for _ in range(8)] != [other.next_s() for _ in range(8)]
