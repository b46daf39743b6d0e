"""Which alarms and events are asked for, and where a page goes on. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class AlarmPlace(Struct, frozen=True, array_like=True):
    """The last row of a page of alarms. newest_us: microseconds since the epoch, negative."""

    rank: int
    priority: int
    newest_us: int
    alarm_id: str


class AlarmQuery(Struct, frozen=True):
    """One page of alarms; empty tuples and "" ask for all.

    text    found in well, tag or message, in whatever case
    limit   rows of the page; one more is read, to see whether there is another page
    """

    states: tuple[str, ...]
    priorities: tuple[int, ...]
    well_id: str
    connection_id: str
    conditions: tuple[str, ...]
    text: str
    limit: int
    after: AlarmPlace | None = None


class EventQuery(Struct, frozen=True):
    """One page of events, the newest first. before: only those with a smaller number."""

    alarm_id: str
    well_id: str
    connection_id: str
    kinds: tuple[str, ...]
    start: datetime | None
    end: datetime | None
    limit: int
    before: int | None = None
