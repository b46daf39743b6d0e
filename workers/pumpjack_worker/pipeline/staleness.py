"""Tags that stopped without a word: after 3 intervals, at least 10 s, they are marked.

Tags whose protocol tells by itself that the device is away (Tag.stale_s is 0) are left to it.

A screen must never show the last good value as if it were current (design, section 2).
"""

from __future__ import annotations

import numpy as np

from pumpjack_core.clock import Clock
from pumpjack_core.quality import LEVEL_MASK, Level, Reason, quality
from pumpjack_core.readings import Batch, Int32s
from pumpjack_core.tags import STALE_INTERVALS, STALE_LEAST_S, Tag, TagTable

INTERVALS = STALE_INTERVALS
LEAST_S = STALE_LEAST_S
BAD_STALE = quality(Level.BAD, Reason.STALE)


class Staleness:
    """When each tag of a table last had a reading, and whether it is marked already."""

    def __init__(self, tags: TagTable, clock: Clock, before: Staleness | None = None) -> None:
        self.tags = tags
        self._clock = clock
        self._limit_s = np.array([_limit_s(tag) for tag in tags.tags], np.float64)
        self._seen_s = np.full(len(tags), clock.monotonic(), np.float64)
        self._marked = np.zeros(len(tags), np.bool_)
        if before is not None:
            old = {tag.key: at for at, tag in enumerate(before.tags.tags)}
            for at, tag in enumerate(tags.tags):
                if (was := old.get(tag.key)) is not None:
                    self._seen_s[at] = before._seen_s[was]
                    self._marked[at] = before._marked[was]

    def saw(self, batch: Batch) -> None:
        """Take note of a batch from the device. A BAD reading is a mark by itself."""
        self._seen_s[batch.tag_index] = self._clock.monotonic()
        self._marked[batch.tag_index] = (batch.quality & LEVEL_MASK) == Level.BAD

    def newly_stale(self) -> Batch | None:
        """A batch that marks the tags that became stale, None when there are none."""
        age_s = self._clock.monotonic() - self._seen_s
        stale = np.flatnonzero(~self._marked & (age_s > self._limit_s))
        if not len(stale):
            return None
        self._marked[stale] = True
        return without_value(self.tags, stale.astype(np.int32), BAD_STALE, self._clock.now_us())

    def all_tags(self, code: int) -> Batch:
        """A batch that marks every tag with a quality: the device is away."""
        self._marked[:] = True
        every = np.arange(len(self.tags), dtype=np.int32)
        return without_value(self.tags, every, code, self._clock.now_us())


def _limit_s(tag: Tag) -> float:
    if tag.stale_s is None:
        return max(LEAST_S, INTERVALS * tag.interval_s)
    return tag.stale_s or np.inf


def without_value(tags: TagTable, index: Int32s, code: int, now_us: int) -> Batch:
    """Readings without a value: these tags, one quality, one time."""
    n = len(index)
    return Batch(
        tags,
        index,
        np.full(n, now_us, np.int64),
        np.full(n, np.nan),
        np.full(n, code, np.int16),
        now_us,
    )
