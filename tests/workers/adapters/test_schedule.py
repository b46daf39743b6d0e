"""Whose turn it is: hours of a line, simulated in moments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from pumpjack_worker.adapters.polled.schedule import PROBE_SHARE, Probe, Read, Schedule, Wait

ONE_S = frozenset({1.0})


class Line:
    """A serial line behind a gateway, in simulated time.

    answers_s  unit to how long one reading of it takes; None: it does not answer
    reads      unit to how often all of it was read
    """

    def __init__(
        self,
        answers_s: dict[int, float | None],
        intervals: frozenset[float] = ONE_S,
        *,
        timeout_s: float = 1.0,
        retries: int = 1,
    ) -> None:
        self.answers_s = answers_s
        self.timeout_s = timeout_s
        self.retries = retries
        self.now = 0.0
        self.reads: Counter[int] = Counter()
        self.read_at: dict[int, list[float]] = {unit: [] for unit in answers_s}
        self.probe_time_s = 0.0
        self.schedule = Schedule(timeout_s, origin=0.0, uniform=lambda _low, high: high)
        self.schedule.set_work(dict.fromkeys(answers_s, intervals), 0.0)

    def run(self, until: float, also: Callable[[], None] = lambda: None) -> None:
        while self.now < until:
            also()
            action = self.schedule.next(self.now)
            if isinstance(action, Wait):
                assert action.until > self.now, "it must not spin"
                self.now = min(action.until, until)
            elif isinstance(action, Probe):
                self._probe(action)
            else:
                self._read(action)

    def _read(self, read: Read) -> None:
        takes_s = self.answers_s[read.unit]
        if takes_s is not None and takes_s <= self.timeout_s:
            self.read_at[read.unit].append(self.now)
            self.now += takes_s
            self.reads[read.unit] += 1
            self.schedule.answered(read.unit, self.now)
            return
        attempts = 1 + self.retries if self.schedule.is_trusted(read.unit) else 1
        lost_s = attempts * self.timeout_s
        self.now += lost_s
        self.schedule.failed(read.unit, self.now, took_s=lost_s, silent=True)

    def _probe(self, probe: Probe) -> None:
        takes_s = self.answers_s[probe.unit]
        answered = takes_s is not None and takes_s <= probe.timeout_s
        spent_s = takes_s if answered and takes_s is not None else probe.timeout_s
        self.now += spent_s
        self.probe_time_s += spent_s
        if answered:
            self.schedule.revived(probe.unit, self.now)
        else:
            self.schedule.failed(probe.unit, self.now, took_s=spent_s, silent=True)
            if takes_s is not None:
                self.schedule.heard(probe.unit, self.now)


def test_each_interval_keeps_its_rate_and_does_not_drift() -> None:
    line = Line({1: 0.013}, frozenset({1.0}))
    line.run(1000.0)
    assert line.reads[1] == 1000
    assert line.read_at[1] == pytest.approx([float(slot) for slot in range(1000)])


def test_intervals_that_meet_are_read_together() -> None:
    schedule = Schedule(1.0, origin=0.0)
    schedule.set_work({1: frozenset({1.0, 5.0})}, 0.0)
    taken = []
    for second in range(11):
        action = schedule.next(float(second))
        assert isinstance(action, Read)
        taken.append(sorted(action.intervals))
    assert taken == [[1.0, 5.0] if second % 5 == 0 else [1.0] for second in range(11)]


def test_slots_that_passed_are_skipped_and_counted() -> None:
    line = Line({1: 2.5}, timeout_s=10.0)
    line.run(100.0)
    assert line.reads[1] == 40
    assert line.schedule.skipped == 58  # of the slots 0 to 97, all but 40


def test_a_saturated_line_is_shared_fairly() -> None:
    line = Line(dict.fromkeys(range(1, 8), 0.3))
    line.run(210.0)
    assert max(line.reads.values()) - min(line.reads.values()) <= 1


def test_a_dead_unit_leaves_its_neighbours_their_rate() -> None:
    for dead in (1, 3):
        for interval in (0.2, 0.5, 1.0, 5.0):
            units: dict[int, float | None] = dict.fromkeys(range(10, 10 + dead))
            line = Line({1: 0.02, **units}, frozenset({interval}))
            line.run(600.0)
            possible = 600.0 / interval
            assert line.reads[1] >= 0.8 * possible, (dead, interval)
            assert line.probe_time_s <= (PROBE_SHARE + 0.01) * 600.0


def test_a_dead_unit_on_a_busy_line_takes_no_more_than_its_share() -> None:
    line = Line({1: 0.19, 2: None}, frozenset({0.2}))
    line.run(600.0)
    assert line.probe_time_s <= (PROBE_SHARE + 0.01) * 600.0
    assert line.reads[1] >= 0.8 * 3000


def test_a_unit_that_comes_back_is_soon_read_again() -> None:
    line = Line({1: 0.02, 2: 0.02, 3: None})
    line.run(300.0)
    line.answers_s[3] = 0.02
    line.run(340.0)
    assert line.reads[3] >= 5


def test_a_unit_that_answers_only_short_questions_does_not_hold_up_the_line() -> None:
    line = Line({1: 0.02, 2: 0.02})
    original = line._read

    def read(action: Read) -> None:
        if action.unit == 2:  # its probes are answered, its blocks are not
            line.answers_s[2] = None
            original(action)
            line.answers_s[2] = 0.02
        else:
            original(action)

    line._read = read  # type: ignore[method-assign]
    line.run(600.0)
    assert line.reads[1] >= 0.8 * 600


def test_many_dead_units_leave_the_living_their_rate() -> None:
    units: dict[int, float | None] = {**dict.fromkeys(range(10, 30)), 1: 0.02}
    line = Line(units)
    line.run(60.0)  # the first contact with each costs a time-out
    before, probed_s = line.reads[1], line.probe_time_s
    line.run(660.0)
    assert line.reads[1] - before >= 0.95 * 600
    assert line.probe_time_s - probed_s <= (PROBE_SHARE + 0.01) * 600.0


def test_units_that_die_together_do_not_hold_up_the_living() -> None:
    line = Line(dict.fromkeys(range(1, 21), 0.02))
    line.run(10.5)
    line.answers_s |= dict.fromkeys(range(1, 20))
    before = line.reads[20]
    line.run(50.5)
    assert line.reads[20] - before >= 18, "one poll between two time-outs, retries and all"


@pytest.mark.parametrize("since_s", [60.0, 90.0, 120.0, 150.0])
def test_a_slow_unit_is_found_though_probes_are_short(since_s: float) -> None:
    line = Line({1: 0.02, 2: None})
    line.run(since_s)
    line.answers_s[2] = 0.9
    line.run(since_s + 40.0)
    assert line.reads[2] >= 5, "an answer that came too late shows that it is there"


def test_a_unit_that_was_well_again_is_probed_soon_when_it_fails_once_more() -> None:
    line = Line({1: 0.02, 2: None})
    line.run(300.0)
    line.answers_s[2] = 0.02
    line.run(400.0)
    line.answers_s[2] = None
    line.run(403.0)
    line.answers_s[2] = 0.02
    before = line.reads[2]
    line.run(408.0)
    assert line.reads[2] > before


def test_units_that_stay_keep_their_slots_when_tags_change() -> None:
    line = Line({1: 0.01, 2: 0.01})
    changes = iter(range(10**6))

    def change() -> None:
        units = (1, 2) if next(changes) % 2 else (1,)
        line.schedule.set_work(dict.fromkeys(units, ONE_S), line.now)

    line.run(100.0, also=change)
    assert line.read_at[1] == pytest.approx([float(slot) for slot in range(100)], abs=0.02)


def test_when_all_are_silent_it_says_so() -> None:
    schedule = Schedule(1.0, origin=0.0)
    schedule.set_work({1: ONE_S, 2: ONE_S}, 0.0)
    schedule.failed(1, 1.0, took_s=2.0, silent=True)
    assert not schedule.all_silent
    schedule.failed(2, 2.0, took_s=2.0, silent=False)
    assert not schedule.all_silent, "a busy unit is there"
    schedule.failed(2, 3.0, took_s=1.0, silent=True)
    assert schedule.all_silent
    schedule.revived(2, 4.0)
    assert not schedule.all_silent
