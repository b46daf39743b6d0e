"""The kinds of condition: when each is met, and between which values nothing changes."""

from __future__ import annotations

import math

from pumpjack_core.alarms import ABOVE, BELOW
from pumpjack_core.tags import Alarm
from pumpjack_worker.pipeline.alarms.machine import Machine, Out
from pumpjack_worker.pipeline.alarms.signal import UNKNOWN, Signal
from pumpjack_worker.pipeline.alarms.window import Window


class Above(Machine):
    """hihi, hi: at the limit or above; over again below it, at the deadband's end or lower."""

    def __init__(self, alarm: Alarm, own: Signal, suppressor: Signal | None) -> None:
        super().__init__(alarm, own, suppressor)
        self._limit = _limit(alarm)
        self._back = min(self._limit - alarm.deadband, math.nextafter(self._limit, -math.inf))

    def verdict(self) -> bool | None:
        own = self._own
        if own.is_held or own.value is None:
            return None
        return _between(own.value >= self._limit, own.value <= self._back)

    def band(self) -> tuple[float, float]:
        lower = -math.inf if self.is_over is False else self._back
        return (lower, math.inf if self.is_over else self._limit)


class Below(Machine):
    """lo, lolo: at the limit or below; over again above it, at the deadband's end or higher."""

    def __init__(self, alarm: Alarm, own: Signal, suppressor: Signal | None) -> None:
        super().__init__(alarm, own, suppressor)
        self._limit = _limit(alarm)
        self._back = max(self._limit + alarm.deadband, math.nextafter(self._limit, math.inf))

    def verdict(self) -> bool | None:
        own = self._own
        if own.is_held or own.value is None:
            return None
        return _between(own.value <= self._limit, own.value >= self._back)

    def band(self) -> tuple[float, float]:
        upper = math.inf if self.is_over is False else self._back
        return (-math.inf if self.is_over else self._limit, upper)


class Rate(Machine):
    """The limit or further from the value that stood `per` ago, or from the first known since.

    A reading that does not count begins anew: nobody knows how the value came to the next one.
    """

    follows_every_reading = True

    def __init__(self, alarm: Alarm, own: Signal, suppressor: Signal | None) -> None:
        super().__init__(alarm, own, suppressor)
        self._limit = _limit(alarm)
        self._back = _back(alarm)
        self._window = Window(round(alarm.per_s * 1e6))

    def verdict(self) -> bool | None:
        if self._own.is_held:
            return None
        change = self._window.change
        return _between(change >= self._limit, change <= self._back)

    @property
    def measured(self) -> float | None:
        return self._window.change

    @property
    def is_running(self) -> bool:
        return self.due_us is not None or self._window.turns_us is not None

    def advance(self, until_us: int, out: Out) -> None:
        while True:
            turns_us = self._window.turns_us
            if turns_us is not None and turns_us < until_us and _first(turns_us, self.due_us):
                self._window.turn(turns_us)
                if not self._own.is_held:
                    self._judge(turns_us, out)
            elif self.due_us is not None and self.due_us < until_us:
                self._tell(self.due_us, out)
            else:
                return

    def step(self, us: int, now_s: float, out: Out) -> None:
        self._go_on(us)
        value = self._own.value
        if self._own.is_held or value is None:
            self._window.clear()
        else:
            self._window.add(us, value)
        super().step(us, now_s, out)

    def marked(self, us: int, now_s: float, out: Out) -> None:  # noqa: ARG002
        self._window.clear()

    def begin_anew(self, us: int) -> None:
        super().begin_anew(us)
        self._window.clear()

    def take_over(self, before: Machine) -> None:
        super().take_over(before)
        assert isinstance(before, Rate)
        self._window = before._window


class Deviation(Machine):
    """The limit or further from the newest value of another tag, either way."""

    follows_every_reading = True

    def __init__(self, alarm: Alarm, own: Signal, suppressor: Signal | None, other: Signal) -> None:
        super().__init__(alarm, own, suppressor)
        self._other = other
        self.looks_at.append(other.at)
        self._limit = _limit(alarm)
        self._back = _back(alarm)

    def verdict(self) -> bool | None:
        distance = self.measured
        if self._own.is_held or self._other.is_held or distance is None:
            return None
        return _between(distance >= self._limit, distance <= self._back)

    @property
    def measured(self) -> float | None:
        own, other = self._own.value, self._other.value
        return None if own is None or other is None else abs(own - other)


class Discrete(Machine):
    """state: the value is one of the states."""

    def __init__(self, alarm: Alarm, own: Signal, suppressor: Signal | None) -> None:
        super().__init__(alarm, own, suppressor)
        self._met_in = frozenset(map(float, alarm.states))

    def verdict(self) -> bool | None:
        own = self._own
        if own.is_held or own.value is None:
            return None
        return own.value in self._met_in

    def band(self) -> tuple[float, float]:
        return around(self._own.value)


class OfQuality(Machine):
    """Of the quality alone. The worker's own word counts as the device's does."""

    @property
    def measured(self) -> float | None:
        return None

    def marked(self, us: int, now_s: float, out: Out) -> None:
        self.advance(us, out)
        self.step(us, now_s, out)


class BadQuality(OfQuality):
    """The newest reading is BAD, for whatever reason."""

    def verdict(self) -> bool | None:
        return None if self._own.code == UNKNOWN else self._own.is_bad


class Stale(OfQuality):
    """Nothing new is heard of the tag: it is late, or the way to it is lost."""

    def verdict(self) -> bool | None:
        return None if self._own.code == UNKNOWN else self._own.is_silent


KINDS: dict[str, type[Machine]] = {
    **dict.fromkeys(ABOVE, Above),
    **dict.fromkeys(BELOW, Below),
    "rate": Rate,
    "state": Discrete,
    "bad_quality": BadQuality,
    "stale": Stale,
    "deviation": Deviation,
}
LIMITED = (*ABOVE, *BELOW, "rate", "deviation")
"""Conditions with a limit."""


def machine_of(
    alarm: Alarm, own: Signal, suppressor: Signal | None, other: Signal | None
) -> Machine:
    """The machine of an alarm. other: what a deviation is taken from."""
    if alarm.condition == "deviation":
        assert other is not None
        return Deviation(alarm, own, suppressor, other)
    return KINDS[alarm.condition](alarm, own, suppressor)


def around(value: float | None) -> tuple[float, float]:
    """The band that holds this value alone."""
    if value is None:
        return (math.inf, -math.inf)
    return (math.nextafter(value, -math.inf), math.nextafter(value, math.inf))


def _between(is_met: bool, is_over: bool) -> bool | None:
    """Within the deadband neither is said."""
    if is_met:
        return True
    return False if is_over else None


def _limit(alarm: Alarm) -> float:
    assert alarm.limit is not None, f"{alarm.condition} without a limit"
    return alarm.limit


def _back(alarm: Alarm) -> float:
    """Of a distance; 0 always returns."""
    limit = _limit(alarm)
    return max(0.0, min(limit - alarm.deadband, math.nextafter(limit, 0.0)))


def _first(us: int, other_us: int | None) -> bool:
    return other_us is None or us <= other_us
