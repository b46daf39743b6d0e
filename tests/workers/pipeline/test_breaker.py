"""The circuit breaker round Redis."""

from __future__ import annotations

import pytest

from pumpjack_core.backoff import Backoff
from pumpjack_worker.pipeline.breaker import Breaker
from tests.workers.pipeline.examples import StillClock


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def breaker(clock):
    pause = Backoff(first_s=1, most_s=8, uniform=lambda _low, high: high)
    return Breaker(clock, failures=3, pause=pause)


def test_three_failures_in_a_row_open_it(breaker):
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert breaker.state == "open"
    assert not breaker.allows()


def test_one_success_between_failures_keeps_it_closed(breaker):
    for _ in range(2):
        breaker.failed()
        breaker.failed()
        assert breaker.succeeded()
    assert breaker.state == "closed"


def test_after_a_pause_one_call_tries_and_its_failure_opens_it_for_longer(breaker, clock):
    for _ in range(3):
        breaker.failed()
    clock.advance(1.0)
    assert breaker.allows()
    breaker.failed()
    clock.advance(1.0)
    assert not breaker.allows()
    clock.advance(1.0)
    assert breaker.allows()
    assert breaker.succeeded()
    assert breaker.state == "closed"


def test_a_first_success_tells_of_no_outage(breaker):
    assert not breaker.succeeded()


def test_only_the_first_failure_of_an_outage_is_news(breaker):
    assert [breaker.failed() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert breaker.failed()
