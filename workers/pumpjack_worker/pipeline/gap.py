"""Times at which nothing could be read of a device, marked at both ends.

A trend must not draw a line through them, whichever end of them it shows. A mark is a reading
without a value, BAD/comm_failure:

    start   when the session was found lost; for a worker that starts anew, the microsecond after
            the last batch of the process before, however that ended; with a new journal, after the
            last reading that the database has
    end     when the session that brought the first answer was begun: the last moment at which it
            is certain that nothing was read

Where the protocol brings back what was missed (Adapter.brings_back), there is no end to mark.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.readings import Batch, Int32s, Int64s
from pumpjack_core.tags import Tag, TagTable

MISSED_INTERVALS = 2
"""A worker that starts anew sooner has missed no poll of the tag."""
OLDEST_S = 90 * 86_400.0
"""What was read before is not kept any longer by the store (design, section 6)."""


class Span(Struct, frozen=True):
    """One gap that is over.

    start_us  where its start is still to be marked, None where that was done [µs since the epoch]
    end_us    its end; never before the start
    """

    start_us: int | None
    end_us: int


class Gap:
    """Whether there is one now, of one connection. Times in µs since the epoch, UTC."""

    def __init__(self, read_until_us: int | None) -> None:
        """read_until_us: the last batch of the process before, None where there was none."""
        self._read_until_us = read_until_us
        self._is_open = True
        self._is_marked = False
        self._start_us: int | None = None
        self._tried_us: int | None = None
        self._is_new = read_until_us is None
        """Whether another process may have read that this one knows nothing of."""
        self._first_us: int | None = None
        """When the session of the first answer of all was begun; None: it is not to be marked."""

    def tries(self, now_us: int) -> None:
        """A session is being begun."""
        self._tried_us = now_us

    def begins(self, now_us: int) -> bool:
        """There is no session. Whether that is news, and every tag to be marked now."""
        if self._is_marked:
            return False
        if not self._is_open:
            self._read_until_us = None
        self._is_open = self._is_marked = True
        self._start_us = now_us
        return True

    def answered(self, *, brought_back: bool) -> Span | None:
        """The device said something. The gap that is over by that, where it is to be marked."""
        if not self._is_open:
            return None
        before_us, start_us, end_us = self._read_until_us, self._start_us, self._tried_us
        if self._is_new:
            self._is_new = False
            self._first_us = None if brought_back else end_us
        self._is_open = self._is_marked = False
        self._read_until_us = self._start_us = self._tried_us = None
        if brought_back or end_us is None:
            return None
        if before_us is not None and before_us + 1 < end_us:
            return Span(before_us + 1, end_us)
        if start_us is not None and start_us < end_us:
            return Span(None, end_us)
        return None

    def follows(self, read_until_us: int) -> Span | None:
        """The database said how far another process has read. A gap that is over, to be marked."""
        if self._is_new:
            self._is_new = False
            self._read_until_us = read_until_us or None
            return None
        first_us, self._first_us = self._first_us, None
        if not read_until_us or first_us is None or read_until_us + 1 >= first_us:
            return None
        return Span(read_until_us + 1, first_us)


def marks(tags: TagTable, span: Span, now_us: int) -> Batch | None:
    """The readings that mark a gap that is over; None where no tag missed anything by it."""
    every = np.arange(len(tags), dtype=np.int32)
    if span.start_us is None:
        return _without_value(tags, every, np.full(len(tags), span.end_us, np.int64), now_us)
    away_s = (span.end_us - span.start_us) / 1e6
    missed = every[[away_s > _patience_s(tag) for tag in tags.tags]]
    if not len(missed):
        return None
    ends = [span.end_us] if away_s > OLDEST_S else [span.start_us, span.end_us]
    times = np.repeat(np.array(ends, np.int64), len(missed))
    return _without_value(tags, np.tile(missed, len(ends)), times, now_us)


def _patience_s(tag: Tag) -> float:
    """How long a tag may have no reading without missing one [s]; 0 where it is not polled."""
    return MISSED_INTERVALS * tag.interval_s if tag.stale_s is None else 0.0


def _without_value(tags: TagTable, index: Int32s, us: Int64s, now_us: int) -> Batch:
    n = len(index)
    code = np.full(n, BAD_COMM_FAILURE, np.int16)
    return Batch(tags, index, us, np.full(n, np.nan), code, now_us)
