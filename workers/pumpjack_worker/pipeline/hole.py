"""What the journal could not take: on record, and marked in the series, once it takes again.

A trend must not draw a line through it. A mark is a reading without a value, BAD/not_stored, where
the first and where the last reading of a tag was lost.
"""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct

from pumpjack_core.clock import iso_us
from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable

BAD_NOT_STORED = quality(Level.BAD, Reason.NOT_STORED)
TagKey = tuple[str, ...]


class Loss(Struct, frozen=True):
    """How much was lost: receipt of the first and of the last batch [µs], batches, readings."""

    from_us: int
    to_us: int
    batches: int
    readings: int

    def plus(self, other: Loss) -> Loss:
        """Both as one."""
        return Loss(
            min(self.from_us, other.from_us),
            max(self.to_us, other.to_us),
            self.batches + other.batches,
            self.readings + other.readings,
        )


class Hole:
    """Readings that could not be journalled, from first to last."""

    def __init__(self, loss: Loss) -> None:
        """loss: what is known of it already, by whoever ran before too."""
        self.loss = loss
        self._ends: dict[TagKey, tuple[int, int]] = {}
        """Time of the first and of the last reading that a tag lost [µs]."""

    @classmethod
    def of(cls, batch: Batch) -> Hole:
        """One that begins with this batch."""
        hole = cls(_loss(batch))
        hole._see(batch)
        return hole

    def add(self, batch: Batch) -> None:
        """One more batch was lost."""
        self.loss = self.loss.plus(_loss(batch))
        self._see(batch)

    def join(self, other: Hole) -> None:
        """Take in one that lies beside it: both are one."""
        self.loss = self.loss.plus(other.loss)
        for key, (first, last) in other._ends.items():
            self._widen(key, first, last)

    def note(self) -> Quarantined:
        """What goes on record in the database."""
        raw = {
            "from": iso_us(self.loss.from_us),
            "to": iso_us(self.loss.to_us),
            "batches": self.loss.batches,
            "readings": self.loss.readings,
        }
        text = msgspec.json.encode(raw).decode()
        return Quarantined(-1, self.loss.from_us, "not_stored", text)

    def marks(self, tags: TagTable, now_us: int) -> Batch:
        """The readings that mark it, of the tags that are still read."""
        index: list[int] = []
        times: list[int] = []
        for at, tag in enumerate(tags.tags):
            for us in sorted(set(self._ends.get(tag.key, ()))):
                index.append(at)
                times.append(us)
        n = len(index)
        return Batch(
            tags,
            np.array(index, np.int32),
            np.array(times, np.int64),
            np.full(n, np.nan),
            np.full(n, BAD_NOT_STORED, np.int16),
            now_us,
        )

    def _see(self, batch: Batch) -> None:
        if not len(batch):
            return
        order = np.argsort(batch.tag_index, kind="stable")
        index, times = batch.tag_index[order], batch.source_us[order]
        begins = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
        first = np.minimum.reduceat(times, begins).tolist()
        last = np.maximum.reduceat(times, begins).tolist()
        for at, low, high in zip(index[begins].tolist(), first, last, strict=True):
            self._widen(batch.tags.tags[at].key, low, high)

    def _widen(self, key: TagKey, first: int, last: int) -> None:
        low, high = self._ends.get(key, (first, last))
        self._ends[key] = (min(low, first), max(high, last))


def _loss(batch: Batch) -> Loss:
    return Loss(batch.received_us, batch.received_us, 1, len(batch))
