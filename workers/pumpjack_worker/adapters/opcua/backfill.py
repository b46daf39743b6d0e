# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type"
"""Reading back what was missed, where the server keeps a history. OPC 10000-11.

From the last value that was delivered to the first that came live again, both left out: nothing
comes twice. A portion at a time, so that live values do not wait.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from asyncua import ua

from pumpjack_core.log import get_logger
from pumpjack_core.readings import Int32s, Int64s
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.decode import NO_TIME, Changes, Malformed
from pumpjack_worker.adapters.opcua.failures import ServiceFault
from pumpjack_worker.adapters.opcua.items import Limits
from pumpjack_worker.adapters.opcua.messages import read_history
from pumpjack_worker.adapters.opcua.subscription import time_of

WAIT_FOR_LIVE_S = 1.0
"""The first live values end the gap; they have this long to come."""
MOST_NODES = 50
MOST_VALUES = 1_000
"""Of a node in one answer."""
LONGEST_GAP_US = 90 * 86_400 * 1_000_000

_log = get_logger("worker.opcua")


@dataclass(slots=True)
class _Wish:
    """One node to be read back. more: where the server left off."""

    place: int
    handle: int
    node: Any
    more: bytes | None = None


@dataclass(slots=True)
class Backfill:
    """One gap.

    why      what lost the values
    lost_us  when it was noticed
    since_us up to when all that was told is delivered, by the server's times, NO_TIME: nothing is
    before   int64[n]  by position: time of the last value delivered before it, NO_TIME without one
    after    int64[n]  time of the first that came live after it, NO_TIME as long as none came
    start    int64[n]  where its start is to be marked if it cannot be read back, NO_TIME: nowhere
    due_at   when to go on [s, monotonic]
    places   the tags that are concerned, None: all
    without  those that have no history; None as long as nobody has looked
    """

    why: str
    lost_us: int
    since_us: int
    before: Int64s
    after: Int64s
    start: Int64s
    due_at: float
    until_us: int
    places: frozenset[int] | None = None
    without: set[int] | None = None
    read_back: int = 0
    wishes: deque[_Wish] = field(default_factory=deque)

    @property
    def begun(self) -> bool:
        """Whether it is known which nodes have a history."""
        return self.without is not None

    @property
    def is_done(self) -> bool:
        """Whether everything was read back that there is."""
        return self.begun and not self.wishes

    def concerns(self, place: int) -> bool:
        """Whether the tag at this position may have lost something."""
        return place < len(self.before) and (self.places is None or place in self.places)

    def lacking(self) -> set[int]:
        """The tags of which not everything was read back."""
        if self.without is None:
            return set(range(len(self.before))) if self.places is None else set(self.places)
        return self.without | {one.place for one in self.wishes}

    def unread(self) -> set[int]:
        """The tags of which something may still be read back."""
        return {one.place for one in self.wishes} if self.begun else self.lacking()

    def moved(self, count: int, places: Int32s) -> Backfill:
        """What is unread, for another table; places: position there of each here, -1: none."""

        def there(column: Int64s) -> Int64s:
            other = np.full(count, NO_TIME, np.int64)
            here = np.flatnonzero(places >= 0)
            other[places[here]] = column[here]
            return other

        left = {int(places[at]) for at in self.unread() if places[at] >= 0}
        return replace(
            self,
            before=there(self.before),
            after=there(self.after),
            start=there(self.start),
            places=frozenset(left),
            without=None,
            wishes=deque(),
        )

    def take_over(self, old: Backfill) -> None:
        """What an older one has not read back is read back by this one."""
        left = np.array(sorted(old.unread()), np.int64)
        if len(left):
            known = left[old.before[left] != NO_TIME]
            self.before[known] = np.minimum(self.before[known], old.before[known])
            marked = left[old.start[left] != NO_TIME]
            self.start[marked] = old.start[marked]
        self.lost_us = min(self.lost_us, old.lost_us)
        self.since_us = min(self.since_us, old.since_us)
        old.wishes.clear()

    def plan(self, nodes: list[tuple[int, int, Any]], without: set[int]) -> None:
        """These nodes (position, handle, node) have a history, these tags have none."""
        self.without = without
        for place, handle, node in nodes:
            if self.before[place] == NO_TIME:
                continue  # nothing was ever delivered: there is no gap
            self.wishes.append(_Wish(place, handle, node))

    def saw(self, tag_index: Any, told_us: Int64s) -> None:
        """Live values came; the first of each tag ends its gap."""
        new = self.after[tag_index] == NO_TIME
        if new.any():
            # The first of a tag wins: assign in reverse, so that it comes last.
            self.after[tag_index[new][::-1]] = told_us[new][::-1]

    def span(self, place: int) -> tuple[int, int]:
        """From and to, both left out [µs]."""
        after = int(self.after[place])
        end = self.until_us if after == NO_TIME else after
        return max(int(self.before[place]), end - LONGEST_GAP_US), end


async def read_portion(
    channel: Channel, backfill: Backfill, limits: Limits
) -> list[tuple[int, Changes]]:
    """The next values, with the position of their tag. Raises NotConnected."""
    at_once = min(limits.history_reads or MOST_NODES, MOST_NODES)
    portion = [backfill.wishes.popleft() for _ in range(min(at_once, len(backfill.wishes)))]
    # A request has one span for all its nodes: those of another come in another request.
    portion = [one for one in portion if _is_gap(backfill, one)]
    if not portion:
        return []
    fresh = [one for one in portion if one.more is None]
    begin = min((backfill.span(one.place)[0] for one in fresh), default=backfill.lost_us)
    end = max((backfill.span(one.place)[1] for one in fresh), default=backfill.until_us)
    request = ua.HistoryReadRequest()
    params = request.Parameters
    params.TimestampsToReturn = ua.TimestampsToReturn.Both
    details = ua.ReadRawModifiedDetails()
    details.IsReadModified = False
    details.StartTime, details.EndTime = time_of(begin), time_of(end)
    details.NumValuesPerNode = MOST_VALUES
    details.ReturnBounds = False
    params.HistoryReadDetails = details
    params.NodesToRead = [_node_wish(one) for one in portion]
    try:
        body = await channel.ask_bytes(request)
        answers = read_history(body, [one.handle for one in portion])
    except ServiceFault as fault:
        _log.warning("history cannot be read", reason=str(fault))
        backfill.without = (backfill.without or set()) | {one.place for one in portion}
        return []
    except Malformed as error:
        raise channel.fail_garbled(str(error)) from error
    found: list[tuple[int, Changes]] = []
    for one, answer in zip(portion, answers, strict=False):
        if answer.status >> 31:
            backfill.without = (backfill.without or set()) | {one.place}
            continue
        if len(answer.values):
            found.append((one.place, answer.values))
        if answer.more:
            one.more = answer.more
            backfill.wishes.append(one)
    return found


def _is_gap(backfill: Backfill, one: _Wish) -> bool:
    begin, end = backfill.span(one.place)
    return one.more is not None or end - begin > 1


def _node_wish(one: _Wish) -> Any:
    wish = ua.HistoryReadValueId()
    wish.NodeId = one.node
    wish.ContinuationPoint = one.more
    return wish


def between(times: Int64s, span: tuple[int, int]) -> Any:
    """Which of these times lie within, both ends left out."""
    return np.flatnonzero((times > span[0]) & (times < span[1]))
