"""When a connection's silence is an alarm: the rules, without any server."""

from __future__ import annotations

from itertools import count

import pytest

from pumpjack_core.wire import DeviceState, Heartbeat
from pumpjack_gateway.alarms.lines import Known, Lines

HERE = Known("ops/pad7", retired=False, drained=False)
_numbers = count()


class Line:
    """One connection and a clock."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.lines = Lines(self.now_s)
        self._last: Heartbeat | None = None

    def beat(self, state: DeviceState = "connected", message: str | None = None) -> None:
        self._last = Heartbeat(
            epoch="e",
            tenant_id="permian",
            connection_id=HERE.connection_id,
            source_protocol="modbus-tcp",
            at=str(next(_numbers)),
            wells={},
            stored_seq=0,
            state=state,
            reason=None,
            message=message,
            journal_batches=0,
            journal_bytes=0,
            journal_oldest_s=0.0,
            rejected_tags=0,
            config_hash="",
        )
        self.lines.hear(self._last, self.now_s)

    def beats(self, seconds: float, state: DeviceState = "connected") -> bool | None:
        """Heartbeats every 2 s for so long; the verdict then."""
        for _ in range(int(seconds / 2)):
            self.now_s += 2
            self.beat(state)
        return self.failed()

    def silence(self, seconds: float) -> bool | None:
        """The same old heartbeat stays in the hash for so long; the verdict then."""
        for _ in range(int(seconds)):
            self.now_s += 1
            if self._last is not None:
                self.lines.hear(self._last, self.now_s)
        return self.failed()

    def failed(self, known: Known = HERE) -> bool | None:
        verdict = self.lines.verdict(known, self.now_s)
        return None if verdict is None else verdict.failed


@pytest.fixture
def line() -> Line:
    return Line()


def test_three_missed_heartbeats_are_a_failure_and_one_that_comes_again_ends_it(line: Line) -> None:
    assert line.beats(10) is False
    assert line.silence(5) is False
    assert line.silence(1) is True
    assert line.beats(2) is False


def test_a_connection_that_is_never_heard_fails_after_three_heartbeats(line: Line) -> None:
    assert line.silence(5) is None
    assert line.silence(1) is True


def test_one_that_ended_with_nothing_left_and_is_not_heard_of_does_not_fail(line: Line) -> None:
    line.silence(100)
    assert line.failed(Known("ops/pad7", retired=False, drained=True)) is None


def test_a_device_that_is_away_for_ten_seconds_is_a_failure(line: Line) -> None:
    line.beats(10)
    assert line.beats(8, "disconnected") is None
    assert line.beats(4, "connecting") is True  # trying again is still away
    assert line.beats(2) is False


def test_a_device_that_comes_and_goes_within_ten_seconds_is_none(line: Line) -> None:
    for _ in range(5):
        assert line.beats(6, "disconnected") is None
        assert line.beats(4) is False


def test_a_suspended_connection_does_not_fail_while_its_worker_is_heard(line: Line) -> None:
    line.beats(4)
    assert line.beats(600, "suspended") is False
    assert line.silence(59) is False
    assert line.silence(1) is True
    assert line.beats(2, "suspended") is False


def test_the_last_word_of_a_suspended_worker_that_is_gone_does_not_count_for_ever(
    line: Line,
) -> None:
    """A replica that takes the lease finds it, and nobody says how old it is."""
    line.beat("suspended")
    assert line.silence(59) is None
    assert line.silence(1) is True
    assert line.failed(Known("ops/pad7", retired=True, drained=False)) is False


def test_a_connection_that_is_read_again_has_three_heartbeats_as_any_other(line: Line) -> None:
    line.beats(10, "suspended")
    assert line.beats(2) is False
    assert line.silence(6) is True


def test_an_orderly_stop_is_a_failure_after_a_minute_only(line: Line) -> None:
    line.beats(4)
    line.now_s += 2
    line.beat("stopped")
    assert line.silence(59) is None
    assert line.silence(1) is True


def test_a_worker_that_is_moved_within_the_minute_raises_nothing(line: Line) -> None:
    line.beats(4)
    line.now_s += 2
    line.beat("stopped")
    assert line.silence(40) is None
    assert line.beats(4, "connecting") is None
    assert line.beats(2) is False


def test_a_deleted_connection_does_not_fail_and_ends_what_it_raised(line: Line) -> None:
    line.beats(4)
    line.silence(30)
    assert line.failed() is True
    assert line.failed(Known("ops/pad7", retired=True, drained=False)) is False


def test_an_old_heartbeat_that_a_new_replica_finds_proves_nothing(line: Line) -> None:
    """A replica that takes the lease must not clear the alarm of a dead worker."""
    line.beat("connected")
    assert line.failed() is None
    assert line.silence(5) is None
    assert line.silence(1) is True


def test_after_redis_was_away_connections_have_time_to_be_heard_again(line: Line) -> None:
    line.beats(10)
    line.now_s += 300
    line.lines.listen_again(line.now_s, 20.0)
    assert line.failed() is None, "neither failed nor well"
    assert line.silence(19) is None
    assert line.silence(1) is True


def test_after_redis_was_away_the_alarm_of_a_dead_worker_is_not_cleared(line: Line) -> None:
    line.beats(10)
    assert line.silence(10) is True
    line.lines.listen_again(line.now_s, 20.0)
    assert line.silence(10) is None
    assert line.beats(2) is False


def test_why_a_device_is_away_is_told(line: Line) -> None:
    for _ in range(7):
        line.now_s += 2
        line.beat("disconnected", "nothing listens on 10.1.7.20:502")
    verdict = line.lines.verdict(HERE, line.now_s)
    assert verdict is not None
    assert "nothing listens on 10.1.7.20:502" in verdict.why
