"""Readings as they come in, until they are a batch."""

from __future__ import annotations

import numpy as np

from pumpjack_core.readings import Batch, Floats, Int16s, Int32s, Int64s
from pumpjack_core.tags import TagTable

_Part = tuple[Int32s, Floats, Int16s, int | Int64s]


class Columns:
    """What was read in one round: parts, each with one time of receipt, or times of their own."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, tag_index: Int32s, value: Floats, quality: Int16s, us: int | Int64s) -> None:
        """Readings that were received together, or at these times [µs since the epoch, UTC]."""
        if len(tag_index):
            self._parts.append((tag_index, value, quality, us))

    def add_bad(self, tag_index: Int32s, code: int, us: int) -> None:
        """These tags have no value, for the reason in this quality."""
        n = len(tag_index)
        self.add(tag_index, np.full(n, np.nan), np.full(n, code, np.int16), us)

    def extend(self, other: Columns) -> None:
        """All that another has."""
        self._parts += other._parts

    def take(self, tags: TagTable, received_us: int) -> Batch:
        """Everything so far as one batch; nothing stays."""
        parts, self._parts = self._parts, []
        return Batch(
            tags=tags,
            tag_index=np.concatenate([part[0] for part in parts]),
            source_us=np.concatenate([np.broadcast_to(part[3], len(part[0])) for part in parts]),
            value=np.concatenate([part[1] for part in parts]),
            quality=np.concatenate([part[2] for part in parts]),
            received_us=received_us,
        )
