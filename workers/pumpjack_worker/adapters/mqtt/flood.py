"""A bound on what is quarantined: a device that only sends nonsense must not fill the store."""

from __future__ import annotations

from collections import Counter

from pumpjack_core.log import get_logger
from pumpjack_core.readings import Quarantined

PER_S = 10.0
BURST = 100.0
RAW_CHARACTERS = 4_096

_log = get_logger("worker.mqtt")


class Flood:
    """Keeps samples of what is no reading: 100 at once, 10 a second; the rest is counted.

    errors  reason to how many were counted and not kept, since take()
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._room = BURST
        self._at_us = 0
        self._kept: list[Quarantined] = []
        self.dropped = 0
        self.errors: Counter[str] = Counter()

    def add(self, tag_index: int, us: int, reason: str, raw: str) -> None:
        """Keep a sample, or count it."""
        if self._room < 1.0:
            if not self.dropped:
                _log.warning(
                    "more is quarantined than is kept; the rest is counted by its reason",
                    broker=self._peer,
                    reason=reason,
                )
            self.dropped += 1
            self.errors[reason] += 1
            return
        self._room -= 1.0
        self._kept.append(Quarantined(tag_index, us, reason, raw[:RAW_CHARACTERS]))

    def count(self, reason: str, number: int = 1) -> None:
        """Count without a sample."""
        self.errors[reason] += number

    def refill(self, now_us: int) -> None:
        """Time passed: there is room for more samples."""
        passed_s = max(0, now_us - self._at_us) / 1e6
        self._at_us = now_us
        self._room = min(BURST, self._room + passed_s * PER_S)
        if self._room >= BURST:
            self.dropped = 0

    def take(self) -> tuple[tuple[Quarantined, ...], dict[str, int]]:
        """What was kept and what was counted since the last time."""
        kept, self._kept = tuple(self._kept), []
        errors, self.errors = dict(self.errors), Counter()
        return kept, errors
