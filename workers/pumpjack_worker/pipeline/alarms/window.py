"""The values of a tag over the last `per`: what a rate of change is taken from."""

from __future__ import annotations

from collections import deque

PARTS = 1_024
"""Readings closer than this part of `per` are taken together: memory is bounded."""


class Window:
    """The value that stood at the beginning of the last `per`, and those since. Times in µs."""

    def __init__(self, per_us: int) -> None:
        self._per_us = per_us
        self._entries: deque[tuple[int, float]] = deque()

    @property
    def change(self) -> float:
        """How far the newest value is from the one that stood at the beginning, either way."""
        return abs(self._entries[-1][1] - self._entries[0][1]) if self._entries else 0.0

    @property
    def turns_us(self) -> int | None:
        """When the next value stands at the beginning, None when the newest does."""
        return self._entries[1][0] + self._per_us if len(self._entries) > 1 else None

    def add(self, us: int, value: float) -> None:
        """A newer value."""
        found = self._entries
        if len(found) > 1 and found[-1][0] - found[-2][0] < self._per_us // PARTS:
            found.pop()
        found.append((us, value))
        self.turn(us)

    def turn(self, us: int) -> None:
        """It is us now."""
        while (turns_us := self.turns_us) is not None and turns_us <= us:
            self._entries.popleft()

    def clear(self) -> None:
        """Nothing is known of the time between what was and what comes."""
        self._entries.clear()
