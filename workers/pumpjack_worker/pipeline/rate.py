"""How fast readings come."""

from __future__ import annotations

from pumpjack_core.clock import Clock


class Rate:
    """Readings a second since the last roll()."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic()
        self._count = 0
        self.per_second = 0.0

    def add(self, readings: int) -> None:
        """Count some."""
        self._count += readings

    def roll(self) -> float:
        """Close the current stretch and return its rate."""
        now = self._clock.monotonic()
        self.per_second = self._count / max(now - self._since, 1e-3)
        self._count, self._since = 0, now
        return self.per_second
