"""What was lost between the server and us: what is read back, and what can only be told. No I/O.

A loss is read back from the server's history where there is one. For the tags without, it is put
on record as a `gap`, and its ends are marked BAD/comm_failure, so that no trend draws a line
through it; unless the first value after it says that nothing changed meanwhile.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.quality import BAD_COMM_FAILURE
from pumpjack_core.readings import Batch, Int32s, Int64s, Quarantined, no_readings
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.opcua.backfill import WAIT_FOR_LIVE_S, Backfill
from pumpjack_worker.adapters.opcua.decode import NO_TIME
from pumpjack_worker.adapters.opcua.publishing import Lost

RESTART_MARGIN_US = 60 * 1_000_000
"""A memo holds one time for all tags, and the clocks behind one server differ. What is read back
and was stored already is a duplicate to the database."""
OVERFLOW_PAUSE_S = 10.0
"""A queue that overflows all the time is read back together once in so long."""

Made = tuple[Batch, tuple[Quarantined, ...], Counter[str]]


class Losses:
    """Those of one tag table.

    made      what is to be delivered of them
    lost_us   when the session was lost, None where none was or its gap is begun [µs]
    backfill  what is being read back
    is_news   whether next_due() has another answer than when it was last asked
    """

    def __init__(self, clock: Clock, before_us: int) -> None:
        """before_us: up to when another worker delivered, NO_TIME without one [µs]."""
        self._clock = clock
        self._before_us = before_us
        self._overflows: dict[int, tuple[int, int]] = {}
        self._overflow_from = -OVERFLOW_PAUSE_S
        self.made: deque[Made] = deque()
        self.lost_us: int | None = None if before_us == NO_TIME else before_us
        self.is_new_start = before_us != NO_TIME
        self.backfill: Backfill | None = None
        self.is_news = False

    def session_lost(self) -> None:
        """Who reads is told so, and marks every tag."""
        if self.lost_us is None:
            self.lost_us = self._clock.now_us()

    def nothing_lost(self) -> None:
        """The server goes on where it left off."""
        self.lost_us = None

    def begin(self, why: str, told_us: Int64s, tags: TagTable, *, in_session: bool = False) -> None:
        """Values may be missing since the last of each tag, which is in told_us.

        in_session: nobody was told of a lost session, so that the start is to be marked too.
        """
        lost_us = self._clock.now_us() if self.lost_us is None else self.lost_us
        is_new_start, self.is_new_start, self.lost_us = self.is_new_start, False, None
        since_us = self._before_us
        if since_us == NO_TIME and not (told_us != NO_TIME).any():
            return  # nothing was ever delivered
        if since_us != NO_TIME:
            since_us -= RESTART_MARGIN_US
        before = np.where(told_us == NO_TIME, since_us, told_us)
        start_us = NO_TIME
        if is_new_start:
            start_us = self._before_us + 1
        elif in_session:
            start_us = int(before.max()) + 1
        self.is_news = True
        old = self.backfill
        told = told_us[told_us != NO_TIME]
        self.backfill = Backfill(
            why,
            lost_us,
            since_us=int(told.max()) if len(told) else self._before_us,
            before=before,
            after=np.full(len(tags), NO_TIME, np.int64),
            start=np.full(len(tags), start_us, np.int64),
            due_at=self._clock.monotonic() + WAIT_FOR_LIVE_S,
            until_us=self._clock.now_us(),
        )
        if old is not None:
            was_begun = old.begun
            self.backfill.take_over(old)
            if was_begun:
                self.end(old, tags)  # of the tags without a history

    def overflowed(self, place: int, before_us: int, after_us: int) -> None:
        """The server's queue was full between these two values of a tag."""
        if before_us == NO_TIME or after_us - before_us <= 1:
            return
        known = self._overflows.get(place)
        if known is not None:
            before_us, after_us = min(known[0], before_us), max(known[1], after_us)
        self._overflows[place] = before_us, after_us
        self.is_news = True

    def next_due(self) -> float | None:
        """When there is something to read back [s, monotonic]."""
        self.is_news = False
        if self.backfill is not None:
            return self.backfill.due_at
        return self._overflow_from + OVERFLOW_PAUSE_S if self._overflows else None

    def due(self, tags: TagTable) -> Backfill | None:
        """What is to be read back now."""
        now = self._clock.monotonic()
        due_at = self.next_due()
        if due_at is None or now < due_at:
            return None
        if self.backfill is None:
            self.backfill = self._of_overflows(tags, now)
        return self.backfill

    def end(self, backfill: Backfill, tags: TagTable) -> None:
        """Put on record what could not be read back, and mark its ends."""
        if self.backfill is backfill:
            self.backfill = None
        lacking = np.array(sorted(backfill.lacking()), np.int32)
        if not len(lacking):
            return
        last = backfill.before[lacking]
        last = last[last != NO_TIME]
        if not len(last):
            return  # nothing was ever delivered of them
        known = {
            "why": backfill.why,
            "tags_without_history": len(lacking),
            "read_back": backfill.read_back,
            "after": iso_us(int(last.max())),
            "before": iso_us(backfill.until_us),
        }
        batch = _marks(tags, backfill, lacking, self._clock.now_us())
        self._record(backfill.lost_us, known, batch)

    @property
    def unread_since_us(self) -> int | None:
        """Up to when everything is delivered, though newer values are; None: all is."""
        since = [low for low, _ in self._overflows.values()]
        if self.backfill is not None:
            since.append(self.backfill.since_us)
        return min(since, default=None)

    def moved(self, before: TagTable, count: int, places: Int32s) -> None:
        """Another table; places: position there of each here, -1 for none."""
        old = self.backfill
        if old is not None:
            rest = old.moved(count, places)
            if old.begun:
                old.wishes.clear()
                self.end(old, before)  # of the tags without a history
            self.backfill = rest if rest.places else None
            self.is_news = True
        self._overflows = {
            int(places[place]): span
            for place, span in self._overflows.items()
            if places[place] >= 0
        }

    def given_up(self, readings: int, tags: TagTable) -> None:
        """So many waited for the journal for too long, and cannot be delivered again."""
        known = {"why": "they waited for the journal for too long", "readings": readings}
        now_us = self._clock.now_us()
        self._record(now_us, known, no_readings(tags, now_us))

    def messages(self, lost: Lost, told_us: Int64s) -> Quarantined:
        """Messages of the subscription that the server does not have any more."""
        now_us = self._clock.now_us()
        last = told_us[told_us != NO_TIME]
        known = {
            "why": "the server sent messages that did not arrive, and does not have them any more",
            "messages": lost.count,
            "first": lost.first,
            "after": iso_us(int(last.max())) if len(last) else None,
            "before": iso_us(now_us),
        }
        return Quarantined(-1, now_us, "gap", json.dumps(known))

    def _of_overflows(self, tags: TagTable, now: float) -> Backfill:
        spans, self._overflows = self._overflows, {}
        self._overflow_from = now
        places = list(spans)
        before = np.full(len(tags), NO_TIME, np.int64)
        after = np.full(len(tags), NO_TIME, np.int64)
        before[places] = [span[0] for span in spans.values()]
        after[places] = [span[1] for span in spans.values()]
        now_us = self._clock.now_us()
        return Backfill(
            "the server's queue was full; set queueSize higher or publishingInterval lower",
            now_us,
            since_us=min(span[0] for span in spans.values()),
            before=before,
            after=after,
            start=np.where(before == NO_TIME, NO_TIME, before + 1),
            due_at=now,
            until_us=now_us,
            places=frozenset(places),
        )

    def _record(self, us: int, known: Mapping[str, Any], batch: Batch) -> None:
        item = Quarantined(-1, us, "gap", json.dumps(known))
        self.made.append((batch, (item,), Counter()))


def _marks(tags: TagTable, backfill: Backfill, places: Int32s, now_us: int) -> Batch:
    """Both ends of a gap, for the tags at these places; none where nothing changed meanwhile."""
    before, start = backfill.before[places], backfill.start[places]
    came = backfill.after[places]
    end = np.where(came == NO_TIME, backfill.until_us, came - 1)
    ends = (before != NO_TIME) & (end > before) & (end >= start)
    starts = ends & (start != NO_TIME) & (start < end)
    index = np.concatenate((places[starts], places[ends]))
    n = len(index)
    return Batch(
        tags,
        index,
        np.concatenate((start[starts], end[ends])),
        np.full(n, np.nan),
        np.full(n, BAD_COMM_FAILURE, np.int16),
        now_us,
    )


def spans_of_overflows(
    place: Int32s, told_us: Int64s, full: Any, was_us: Int64s
) -> Sequence[tuple[int, int, int]]:
    """Place, and the times of the values on both sides, of each value whose queue was full.

    full: bool[n], whether values before this one were lost; was_us: by place, the last before all.
    """
    found: list[tuple[int, int, int]] = []
    last: dict[int, int] = {}
    concerned = np.flatnonzero(np.isin(place, place[full]))
    for row in concerned.tolist():
        at, us = int(place[row]), int(told_us[row])
        if full[row]:
            found.append((at, last.get(at, int(was_us[at])), us))
        last[at] = us
    return found
