"""The last day of a connection in quarter hours. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pumpjack_gateway.connections.answers import Strip, StripState
from pumpjack_gateway.times import time_of, us_since_epoch

COLUMN_S = 900
COLUMNS = 96
SHORT = timedelta(seconds=10)
"""A worker that starts again is no outage worth a mark."""
_SHOWN: Mapping[str, StripState] = {
    "connected": "connected",
    "connecting": "down",
    "disconnected": "down",
    "suspended": "suspended",
}
_ORDER: tuple[StripState, ...] = ("down", "none", "suspended", "connected")
"""Of what lasted long enough in a column, the first of these is shown."""


def strip(changes: Sequence[tuple[datetime, str]], heard: datetime | None, now: datetime) -> Strip:
    """The day that ends with the quarter hour of now.

    changes  (from, state), oldest first; what was before the first nobody knows
    heard    until then the last of them is known to have lasted; None: never heard
    """
    last_us = us_since_epoch(now) // (COLUMN_S * 1_000_000) * COLUMN_S * 1_000_000
    start = time_of(last_us - (COLUMNS - 1) * COLUMN_S * 1_000_000)
    lasted: list[dict[StripState, timedelta]] = [{} for _ in range(COLUMNS)]
    for begin, end, state in _spans(changes, start, heard or start, now):
        _spread(lasted, start, begin, end, state)
    return Strip(start, COLUMN_S, [_shown(one) for one in lasted])


def _spans(
    changes: Sequence[tuple[datetime, str]], start: datetime, heard: datetime, now: datetime
) -> list[tuple[datetime, datetime, StripState]]:
    """What was when, without a hole from the first of them to now."""
    known = [(max(at, start), _SHOWN.get(state, "none")) for at, state in changes]
    if known and heard < now:
        known.append((max(heard, known[-1][0]), "none"))
    ends = [*(at for at, _ in known[1:]), now]
    return [(at, end, state) for (at, state), end in zip(known, ends, strict=False) if at < end]


def _spread(
    lasted: list[dict[StripState, timedelta]],
    start: datetime,
    begin: datetime,
    end: datetime,
    state: StripState,
) -> None:
    column = timedelta(seconds=COLUMN_S)
    for place in range((begin - start) // column, COLUMNS):
        first, after = start + place * column, start + (place + 1) * column
        if first >= end:
            return
        took = min(end, after) - max(begin, first)
        lasted[place][state] = lasted[place].get(state, timedelta()) + took


def _shown(lasted: Mapping[StripState, timedelta]) -> StripState:
    if not lasted:
        return "none"
    for state in _ORDER:
        if lasted.get(state, timedelta()) >= SHORT:
            return state
    return max(lasted, key=lambda state: lasted[state])
