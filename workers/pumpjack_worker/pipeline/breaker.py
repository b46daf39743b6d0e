"""A circuit breaker: after some failures in a row, ask nothing of a server for a while.

Source: M. Nygard, "Release It!", Pragmatic Bookshelf 2007, chapter 5.
"""

from __future__ import annotations

from typing import Literal

from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock

State = Literal["closed", "open", "half-open"]


class Breaker:
    """closed: calls go through. open: they are spared. half-open: one call tries."""

    def __init__(self, clock: Clock, *, failures: int = 3, pause: Backoff | None = None) -> None:
        self._clock = clock
        self._limit = failures
        self._failures = 0
        self._pause = pause or Backoff(first_s=0.5, most_s=10.0)
        self._opens_until = 0.0
        self.state: State = "closed"

    def allows(self) -> bool:
        """Whether to make the call now."""
        if self.state == "open" and self._clock.monotonic() >= self._opens_until:
            self.state = "half-open"
        return self.state != "open"

    def succeeded(self) -> bool:
        """Tell of a call that worked. Returns whether the server was away before it."""
        was_away = self._failures > 0
        self._failures = 0
        self._pause.reset()
        self.state = "closed"
        return was_away

    def failed(self) -> bool:
        """Tell of a call that failed. Returns whether it is the first of an outage."""
        self._failures += 1
        if self.state == "half-open" or self._failures >= self._limit:
            self.state = "open"
            self._opens_until = self._clock.monotonic() + self._pause.next_s()
        return self._failures == 1
