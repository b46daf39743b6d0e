"""Alarm floods: when more come than a person can handle (ANSI/ISA-18.2-2016, 16.5.3; EEMUA 191).

A flood begins with the 11th new alarm within 10 minutes, and ends when fewer than 5 are left in
the last 10 minutes. Alarms are counted for the whole tenant, by the time at which they were raised.
Pure: times are microseconds since the epoch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from pumpjack_core.clock import US_PER_S

WINDOW_S = 600
WINDOW_US = WINDOW_S * US_PER_S
BEGINS_ABOVE = 10
ENDS_BELOW = 5
SEEN_MAX = 20_000


class Span(Struct, frozen=True):
    """A flood, from its first moment to its end; end_us None: it goes on."""

    start_us: int
    end_us: int | None


class Once:
    """Which alarms were counted already: each is told of by its worker, and then stored."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], None] = {}

    def is_news(self, alarm_id: str, at_us: int) -> bool:
        """Whether an alarm that was raised then is to be counted; only the first time."""
        if (alarm_id, at_us) in self._seen:
            return False
        self._seen[alarm_id, at_us] = None
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        return True


class Meter:
    """Takes new alarms in as they come, and knows whether there is a flood."""

    def __init__(self) -> None:
        self._window: deque[int] = deque()
        self._since_us: int | None = None
        self.ended: list[Span] = []

    def add(self, at_us: int) -> None:
        """One new alarm. One that comes late counts as of the newest before it."""
        if self._window:
            at_us = max(at_us, self._window[-1])
        self._move_to(at_us)
        self._window.append(at_us)
        if self._since_us is None and len(self._window) > BEGINS_ABOVE:
            self._since_us = at_us

    def since_us(self, now_us: int) -> int | None:
        """When the flood began that is on now; None: there is none."""
        self._move_to(now_us)
        return self._since_us

    def new(self, now_us: int) -> int:
        """How many came within the last 10 minutes."""
        self._move_to(now_us)
        return len(self._window)

    def _move_to(self, now_us: int) -> None:
        window = self._window
        if self._since_us is not None:
            # fewer than 5 are left once the fifth newest is out of the window
            end_us = window[-ENDS_BELOW] + WINDOW_US
            if end_us <= now_us:
                self.ended.append(Span(self._since_us, end_us))
                self._since_us = None
        while window and window[0] + WINDOW_US <= now_us:
            window.popleft()


def floods(raised_us: Iterable[int], now_us: int) -> list[Span]:
    """Every flood among the alarms raised at these times, in order."""
    meter = Meter()
    for at_us in raised_us:
        meter.add(at_us)
    since_us = meter.since_us(now_us)
    return meter.ended + ([Span(since_us, None)] if since_us is not None else [])
