"""One alarm's condition in time: determined, delayed, active or not. Pure; times are source times.

A value stands until the next one that counts. What is true of it becomes the state once it has
been true for the delay, without the reading that ends it: a reading at the very moment decides.
Nothing goes back in time: a transition is never before the one before it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from pumpjack_core.alarms import Transition
from pumpjack_core.tags import Alarm
from pumpjack_worker.pipeline.alarms.signal import Signal

Out = list[Transition]
NEVER_US = -(1 << 62)


class Machine(ABC):
    """The state of one alarm of one tag.

    at         position of its tag in the table
    looks_at   positions of the other tags that decide with its own
    is_over    whether the condition is met now, before any delay; None: not known yet
    is_active  what was told last; None: nothing yet
    is_suppressed  what was told last of that; None: the other tag was not read yet
    due_us     when is_over becomes what is told, None while both agree
    """

    follows_every_reading = False
    """Whether each reading of its tag matters, not only those that cross a threshold."""

    def __init__(self, alarm: Alarm, own: Signal, suppressor: Signal | None) -> None:
        self.alarm = alarm
        self.at = own.at
        self.looks_at: list[int] = []
        self._own = own
        self._suppressor = suppressor
        self._states = frozenset(map(float, alarm.suppressed_states))
        self._on_us = round(alarm.on_delay_s * 1e6)
        self._off_us = round(alarm.off_delay_s * 1e6)
        self.is_over: bool | None = None
        self.is_active: bool | None = None
        self.is_suppressed: bool | None = None
        self.due_us: int | None = None
        self._told_us = NEVER_US
        self._seen_us, self._seen_s = NEVER_US, 0.0
        self._may_begin_anew = False

    # What a kind of condition says

    @abstractmethod
    def verdict(self) -> bool | None:
        """Whether the condition is met by what is known now; None: that does not say."""

    @property
    def measured(self) -> float | None:
        """What verdict() holds against the limit."""
        return self._own.value

    def band(self) -> tuple[float, float]:
        """Between these, both excluded, no value of the tag changes anything."""
        return (-math.inf, math.inf)

    @property
    def is_running(self) -> bool:
        """Whether something may change by time alone."""
        return self.due_us is not None

    @property
    def is_news(self) -> bool:
        """Whether what is known says more than was ever judged: only after tags changed."""
        if self.is_over is None:
            return self.verdict() is not None
        return self.is_active is not None and self._suppressed() is not self.is_suppressed

    # What happens

    def advance(self, until_us: int, out: Out) -> None:
        """Have become due what becomes due before until_us."""
        if self.due_us is not None and self.due_us < until_us:
            self._tell(self.due_us, out)

    def step(self, us: int, now_s: float, out: Out) -> None:
        """Judge what was just taken over, of time us, at now_s of the worker's own clock."""
        self._go_on(us)
        self._seen_us, self._seen_s = us, now_s
        self._judge(us, out)

    def marked(self, us: int, now_s: float, out: Out) -> None:  # noqa: B027 - values stand
        """The worker itself says that nothing is heard of the tag."""

    def passed(self, now_s: float, out: Out) -> None:
        """No reading has come; by the worker's own clock it is now now_s."""
        until_us = self._seen_us + math.floor((now_s - self._seen_s) * 1e6)
        self.advance(until_us + 1, out)

    def suppressor_moved(self, us: int, out: Out) -> None:
        """Tell when the tag that suppresses this alarm took or left one of its states."""
        if self.is_active is not None and self._suppressed() is not self.is_suppressed:
            self._append(us, None, out)

    def clock_went_back(self, us: int) -> None:
        """The tag's time may go on at us, before what was: a reading tells. Delays go on."""
        self._may_begin_anew = True
        self._told_us = min(self._told_us, us)

    def begin_anew(self, us: int) -> None:
        """The tag's time begins anew at us: delays run again, what was told may be later."""
        self.due_us = None
        self._told_us = min(self._told_us, us)

    def take_over(self, before: Machine) -> None:
        """Go on where the same alarm was in the table before."""
        for name in (
            "is_over",
            "is_active",
            "is_suppressed",
            "due_us",
            "_told_us",
            "_seen_us",
            "_seen_s",
            "_may_begin_anew",
        ):
            setattr(self, name, getattr(before, name))

    def _go_on(self, us: int) -> None:
        if self._may_begin_anew and us < self._seen_us:
            self.begin_anew(us)
        self._may_begin_anew = False

    def _judge(self, us: int, out: Out) -> None:
        verdict = self.verdict()
        if verdict is not None and verdict is not self.is_over:
            self.is_over = verdict
            self.due_us = None
        if self.is_over is None:
            return
        if self.is_over is self.is_active:
            self.due_us = None
        else:
            if self.due_us is None:
                self.due_us = us + (self._on_us if self.is_over else self._off_us)
            if self.due_us <= us:
                self._tell(self.due_us, out)
        if self._suppressor is not None:
            self.suppressor_moved(us, out)

    def _tell(self, us: int, out: Out) -> None:
        self.is_active = self.is_over
        self.due_us = None
        self._append(us, self.measured, out)

    def _append(self, us: int, value: float | None, out: Out) -> None:
        self._told_us = max(us, self._told_us)
        self.is_suppressed = self._suppressed()
        out.append(
            Transition(
                self.at,
                self.alarm.condition,
                bool(self.is_active),
                self._told_us,
                value,
                self.is_suppressed,
            )
        )

    def _suppressed(self) -> bool | None:
        """None as long as the suppressor was not read."""
        if self._suppressor is None:
            return False
        value = self._suppressor.value
        return None if value is None else value in self._states
