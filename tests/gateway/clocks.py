"""A clock that only moves when told."""

from __future__ import annotations


class HandClock:
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
