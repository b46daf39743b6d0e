"""What the journal could not take, kept on record until it can."""

from __future__ import annotations

import msgspec

from pumpjack_core.clock import iso_us
from pumpjack_core.readings import Quarantined


class Hole:
    """Readings that could not be journalled, from first to last."""

    def __init__(self, from_us: int) -> None:
        self._from_us = from_us
        self._batches = 0
        self._readings = 0

    def add(self, readings: int) -> None:
        """Count one more batch that was lost."""
        self._batches += 1
        self._readings += readings

    def join(self, other: Hole) -> None:
        """Take in one that lies beside it: both are one."""
        self._from_us = min(self._from_us, other._from_us)
        self._batches += other._batches
        self._readings += other._readings

    def note(self, to_us: int) -> Quarantined:
        """What goes on record in the database."""
        raw = {
            "from": iso_us(self._from_us),
            "to": iso_us(to_us),
            "batches": self._batches,
            "readings": self._readings,
        }
        return Quarantined(-1, self._from_us, "not_stored", msgspec.json.encode(raw).decode())
