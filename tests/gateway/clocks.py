"""Clocks that tests move."""

from __future__ import annotations

from pumpjack_core.clock import SystemClock


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, *, wall_s: float = 1_800_000_000.0) -> None:
        self._wall_s = wall_s
        self._monotonic_s = 1000.0

    def now_us(self) -> int:
        return round(self._wall_s * 1_000_000)

    def monotonic(self) -> float:
        return self._monotonic_s

    def forward(self, seconds: float) -> None:
        self._wall_s += seconds
        self._monotonic_s += seconds


class ShiftedClock:
    """The machine's clock, and what it was moved forward by."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._shift_s = 0.0

    def now_us(self) -> int:
        return self._real.now_us() + round(self._shift_s * 1_000_000)

    def monotonic(self) -> float:
        return self._real.monotonic() + self._shift_s

    def forward(self, seconds: float) -> None:
        self._shift_s += seconds
