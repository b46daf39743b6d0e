"""Whose turn it is on the line. Pure: times come in, decisions go out; no I/O and no clock.

Each unit has the intervals of its tags. An interval's slots lie at origin + n * interval for all
units, so what shares an interval is read together and nothing drifts. A slot that passed while
the line was busy is skipped and counted, never made up for.

A unit that does not answer backs off alone. It is then probed: one short request, at a moment
when the line is free if there is one, and never for more than a tenth of the line's time, so that
its neighbours behind the same gateway keep their rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from pumpjack_core.backoff import Backoff

LONGEST_BACKOFF_S = 30.0
PROBE_SHARE = 0.1
"""Most of the line's time that probes may take while another unit is alive."""
PROBE_PATIENCE_S = 2.0
"""How long a probe waits for the line to be free before it takes its turn all the same."""
SHORTEST_PROBE_S = 0.05
LONG_PROBE_EVERY = 4
"""Every fourth probe waits for the whole time-out, for a unit that is slow and not dead."""


class Read(Struct, frozen=True):
    """Read the tags of this unit that have these intervals [s]."""

    unit: int
    intervals: frozenset[float]


class Probe(Struct, frozen=True):
    """Ask this silent unit for one thing, and wait so long at most."""

    unit: int
    timeout_s: float


class Wait(Struct, frozen=True):
    """Nothing is due before this time [monotonic s]."""

    until: float


Action = Read | Probe | Wait
FOREVER = float("inf")


@dataclass(slots=True)
class _Unit:
    """One unit.

    next_slot    interval to the number of the slot that is read next
    probe_at     when it may be probed; None while it is alive
    silent       gave no answer at all, as against being busy
    trusted      answered a whole read since it last failed
    answered_at  when it last did
    """

    next_slot: dict[float, int]
    backoff: Backoff
    probe_at: float | None = None
    silent: bool = False
    trusted: bool = False
    answered_at: float = -FOREVER
    probes: int = 0

    @property
    def alive(self) -> bool:
        return self.probe_at is None


@dataclass(slots=True)
class Schedule:
    """The decisions. Call next() and report what came of it by answered(), failed(), revived().

    timeout_s  of one request
    origin     where all slots begin [monotonic s]
    skipped    slots that passed while the line was busy
    """

    timeout_s: float
    origin: float
    uniform: Callable[[float, float], float] | None = None
    skipped: int = 0
    _units: dict[int, _Unit] = field(default_factory=dict)
    _probes_from: float = 0.0  # the share of the line that probes may take is used up until then
    _failed_at: float = -FOREVER  # when a unit last failed

    def set_work(self, work: Mapping[int, frozenset[float]], now: float) -> None:
        """Take these units and intervals from now on; those that stay keep their slots."""
        before, self._units = self._units, {}
        for unit, intervals in work.items():
            state = before.get(unit) or _Unit({}, self._backoff(min(intervals)))
            state.next_slot = {
                interval: state.next_slot.get(interval, self._slot(interval, now))
                for interval in intervals
            }
            self._units[unit] = state

    def make_due(self, work: Mapping[int, Iterable[float]], now: float) -> None:
        """Have these intervals of units read at once: tags came to them, or are read elsewhere."""
        for unit, intervals in work.items():
            for interval in intervals:
                self._units[unit].next_slot[interval] = self._slot(interval, now)

    def restart(self, now: float) -> None:
        """Make everything due: after a new session nothing that is shown should be old."""
        for state in self._units.values():
            self._all_due(state, now)

    def next(self, now: float) -> Action:
        """What to do now. A Read is taken as done: its slots do not come again."""
        alive = [(self._due_at(state), unit) for unit, state in self._units.items() if state.alive]
        due_at, unit = min(alive, key=lambda due: due[0], default=(FOREVER, -1))
        probe = self._probe(now, due_at)
        if isinstance(probe, Probe):
            return probe
        if due_at > now:
            return Wait(min(due_at, probe.until))
        # Where one unit failed others may: those that answered last go first, so that several
        # that die together do not hold up the living for the sum of their time-outs.
        kept_waiting = [unit for due_at, unit in alive if due_at <= min(now, self._failed_at)]
        if kept_waiting:
            unit = max(kept_waiting, key=lambda unit: self._units[unit].answered_at)
        return Read(unit, self._take_slots(unit, now))

    def answered(self, unit: int, now: float) -> None:
        """All that was asked of the unit was answered."""
        state = self._units.get(unit)
        if state is not None:
            state.trusted = True
            state.answered_at = now
            state.backoff.reset()

    def failed(self, unit: int, now: float, *, took_s: float, silent: bool) -> None:
        """The unit did not answer, or could not. took_s is what that cost the line."""
        state = self._units.get(unit)
        if state is None:
            return
        if not (state.alive and state.trusted):
            self._probes_from = now + took_s * (1 / PROBE_SHARE - 1)
        self._failed_at = now
        state.silent = silent
        state.trusted = False
        state.probe_at = now + state.backoff.next_s()

    def heard(self, unit: int, now: float) -> None:
        """An answer of the unit came too late: it is slow, not dead, so probe it again at once."""
        state = self._units.get(unit)
        if state is not None and not state.alive:
            state.probe_at = now

    def revived(self, unit: int, now: float) -> None:
        """The unit answered a probe: read all of it, but trust it only after that."""
        state = self._units.get(unit)
        if state is not None:
            state.probe_at = None
            state.silent = False
            state.probes = 0
            self._all_due(state, now)

    def is_trusted(self, unit: int) -> bool:
        """Whether the unit may have its retries: it answered when it was last read."""
        return self._units[unit].trusted

    def is_away(self, unit: int) -> bool:
        """Whether the unit failed, and has not answered since."""
        state = self._units.get(unit)
        return state is not None and not state.alive

    @property
    def units(self) -> tuple[int, ...]:
        """The units, those that wait longest for a probe first."""
        ordered = sorted(self._units.items(), key=lambda item: item[1].probe_at or 0.0)
        return tuple(unit for unit, _ in ordered)

    @property
    def all_silent(self) -> bool:
        """Whether no unit answers at all."""
        return bool(self._units) and all(
            state.silent and not state.alive for state in self._units.values()
        )

    def _backoff(self, shortest_s: float) -> Backoff:
        first = min(shortest_s, LONGEST_BACKOFF_S)
        return Backoff(first_s=first, most_s=LONGEST_BACKOFF_S, uniform=self.uniform)

    def _slot(self, interval: float, now: float) -> int:
        """Number of the newest slot that has begun."""
        return int((now - self.origin) // interval)

    def _all_due(self, state: _Unit, now: float) -> None:
        for interval in state.next_slot:
            state.next_slot[interval] = self._slot(interval, now)

    def _due_at(self, state: _Unit) -> float:
        return min(
            (self.origin + slot * interval for interval, slot in state.next_slot.items()),
            default=FOREVER,
        )

    def _take_slots(self, unit: int, now: float) -> frozenset[float]:
        state = self._units.pop(unit)
        self._units[unit] = state  # to the end: among equals the one served longest ago is next
        due: set[float] = set()
        for interval, slot in state.next_slot.items():
            if self.origin + slot * interval <= now:
                newest = max(slot, self._slot(interval, now))
                self.skipped += newest - slot
                state.next_slot[interval] = newest + 1
                due.add(interval)
        return frozenset(due)

    def _probe(self, now: float, live_due_at: float) -> Probe | Wait:
        """The probe to make now, or when to think of one again."""
        waiting = [
            (state.probe_at, unit)
            for unit, state in self._units.items()
            if state.probe_at is not None
        ]
        if not waiting:
            return Wait(FOREVER)
        probe_at, unit = min(waiting)
        alone = live_due_at == FOREVER
        allowed = probe_at if alone else max(probe_at, self._probes_from)
        if now < allowed:
            return Wait(allowed)
        state = self._units[unit]
        long = (state.probes + 1) % LONG_PROBE_EVERY == 0
        short = min(self.timeout_s, max(self.timeout_s / 4, SHORTEST_PROBE_S))
        timeout_s = self.timeout_s if long or alone else short
        if now + timeout_s > live_due_at and now < allowed + PROBE_PATIENCE_S:
            return Wait(allowed + PROBE_PATIENCE_S)
        state.probes += 1
        return Probe(unit, timeout_s)
