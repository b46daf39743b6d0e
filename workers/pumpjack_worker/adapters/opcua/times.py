"""Which time a value gets, and whether it was delivered already. No I/O.

Servers that fill SourceTimestamp by themselves leave it standing while values change; and the
first value after an outage may bear a time before it, though it tells what holds now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pumpjack_core.quality import BACKFILLED, GOOD, Level, Reason, quality
from pumpjack_core.readings import Floats, Int16s, Int32s, Int64s
from pumpjack_worker.adapters.opcua.decode import NO_TIME

UNCERTAIN_CLOCK = quality(Level.UNCERTAIN, Reason.CLOCK)
OLD_US = 3_600 * 1_000_000
"""A first value older than this is delivered with the time at which the server read it: a
setpoint that nobody touched for a year is no reading of last year."""

Source = Literal["device", "server", "receipt"]


@dataclass(frozen=True, slots=True)
class Timed:
    """rows    which of the values are readings, one twice that is told at two times
    us, quality  of these
    static  the values whose source time stood still
    """

    rows: NDArray[np.intp] | slice
    us: Int64s
    quality: Int16s
    static: NDArray[np.intp]


class Times:
    """What was last delivered of each of n tags, by position in the table.

    told_us    int64[n]  the time that the server gave with it
    server_us  int64[n]  ServerTimestamp that came with it
    catching_up  whether what the server kept for us comes, and then a reading of all
    since_us   up to when another worker delivered them before, NO_TIME without one
    """

    def __init__(self, count: int, source: Source, since_us: int = NO_TIME) -> None:
        self._source = source
        self._since_us = since_us
        self.told_us = np.full(count, NO_TIME, np.int64)
        self.server_us = np.full(count, NO_TIME, np.int64)
        self._value = np.full(count, np.nan)
        self._quality = np.full(count, -1, np.int16)
        self._first = np.ones(count, np.bool_)
        self._lost_us = NO_TIME
        self.catching_up = False

    def lost(self, now_us: int) -> None:
        """An outage was told: the next value of each tag tells what holds now."""
        self._first[:] = True
        self._lost_us = now_us
        self.catching_up = False

    def moved(self, count: int, places: Int32s) -> Times:
        """The same for another table; places: position there of each here, -1 for none."""
        other = Times(count, self._source, self._since_us)
        here = np.flatnonzero(places >= 0)
        there = places[here]
        for name in ("told_us", "server_us", "_value", "_quality", "_first"):
            getattr(other, name)[there] = getattr(self, name)[here]
        other._lost_us = self._lost_us
        other.catching_up = self.catching_up
        return other

    def first_seen(self, tag_index: Int32s) -> NDArray[np.bool_]:
        """Of which tags a value came since the start or the last outage."""
        seen: NDArray[np.bool_] = ~self._first[tag_index]
        return seen

    def judge(
        self,
        tag_index: Int32s,
        *,
        source_us: Int64s,
        server_us: Int64s,
        value: Floats,
        code: Int16s,
        received_us: int,
    ) -> Timed:
        """Times and qualities of values in the order in which the server gave them."""
        told = self.told(source_us, server_us, received_us)
        us, judged = told.copy(), code.copy()
        if self._source == "receipt":
            return Timed(slice(None), us, judged, np.flatnonzero(()))
        order = np.argsort(tag_index, kind="stable")
        again = np.zeros(len(order), np.bool_)  # by row: the batch has one of this tag before
        before = np.full(len(order), -1, np.intp)  # by row: that row
        follows = tag_index[order[1:]] == tag_index[order[:-1]]
        again[order[1:][follows]] = True
        followed = np.zeros(len(order), np.bool_)  # by row: the batch has one of this tag after
        followed[order[:-1][follows]] = True
        before[order[1:][follows]] = order[:-1][follows]

        def previous(column: NDArray[Any], state: NDArray[Any]) -> NDArray[Any]:
            return np.where(again, column[before], state[tag_index])

        was_us = previous(told, self.told_us)
        was_server = previous(server_us, self.server_us)
        was_value = previous(value, self._value)
        same = (previous(code, self._quality) == code) & (
            (was_value == value) | (np.isnan(was_value) & np.isnan(value))
        )
        first = self._first[tag_index] & ~again
        stands = (told == was_us) & ~first
        repeated = stands & same
        static = stands & ~same
        if static.any():
            newer = server_us > was_server
            us[static] = np.where(newer, server_us, received_us)[static]
            judged[static & (code == GOOD)] = UNCERTAIN_CLOCK
        news, only_news = self._date_first(
            us, told, first, ~followed, server_us, was_us, tag_index, received_us
        )
        self.told_us[tag_index] = told
        self.server_us[tag_index] = server_us
        self._value[tag_index] = value
        self._quality[tag_index] = code
        self._first[tag_index[~only_news]] = False
        stood = np.flatnonzero(static)
        if not (repeated.any() or news.any()):
            return Timed(slice(None), us, judged, stood)
        rows, late = np.flatnonzero(~(repeated | only_news)), np.flatnonzero(news)
        return Timed(
            np.concatenate((late, rows)),
            np.concatenate((told[late], us[rows])),
            np.concatenate((judged[late] | BACKFILLED, judged[rows])).astype(np.int16),
            stood,
        )

    def told(self, source_us: Int64s, server_us: Int64s, received_us: int) -> Int64s:
        """The times that the server gave, as the connection wants them."""
        if self._source == "receipt":
            return np.full(len(source_us), received_us, np.int64)
        best, other = (source_us, server_us) if self._source == "device" else (server_us, source_us)
        if (best != NO_TIME).all():
            return best
        told = np.where(best == NO_TIME, other, best)
        return np.where(told == NO_TIME, received_us, told)

    def _date_first(  # noqa: PLR0917 - columns
        self,
        us: Int64s,
        told: Int64s,
        first: NDArray[np.bool_],
        is_last: NDArray[np.bool_],
        server_us: Int64s,
        was_us: Int64s,
        tag_index: Int32s,
        received_us: int,
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Values of before the mark of an outage: the last of a tag gets, in us, the time at which
        it was found to hold.

        Which changed since the last that was delivered, and so are told at their own time too; and
        which of these are told so alone: another value, or a reading of all, tells what holds.
        """
        none = np.zeros(len(us), np.bool_)
        owing = self._first[tag_index]
        if not owing.any():
            return none, none
        old = owing & (told <= self._lost_us)
        old |= first & ((told <= was_us) | (told < received_us - OLD_US))
        if not old.any():
            return none, none
        known = np.where(was_us == NO_TIME, self._since_us, was_us)
        news = old & (known != NO_TIME) & (told > known)
        holds = old & is_last
        if self.catching_up:
            holds &= ~news
        after = np.maximum(was_us, self._lost_us)
        fresh = (server_us > after) & (server_us >= received_us - OLD_US)
        us[holds] = np.where(fresh, server_us, received_us)[holds]
        return news & (~holds | (us > told)), news & ~holds
