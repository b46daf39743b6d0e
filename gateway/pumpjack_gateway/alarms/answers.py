"""What REST answers about alarms. asOf: when the database was read."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pumpjack_gateway.alarms.counts import Counts
from pumpjack_gateway.alarms.figures import Figures
from pumpjack_gateway.alarms.model import Alarm, Event
from pumpjack_gateway.alarms.store import Answer


class AlarmsPage(Struct, frozen=True, rename="camel"):
    """Alarms, what is to be acknowledged first, then by priority, then the newest."""

    as_of: datetime
    alarms: list[Alarm]
    next_cursor: str | None


class EventsPage(Struct, frozen=True, rename="camel"):
    """Events, the newest first."""

    as_of: datetime
    events: list[Event]
    next_cursor: str | None


class CountsAnswer(Struct, frozen=True, rename="camel"):
    """The sums. eventNo: of the last event that is in them."""

    as_of: datetime
    event_no: int
    counts: Counts


class FiguresAnswer(Struct, frozen=True, rename="camel"):
    """Figures of a period; definitions says of each what it is, and what is good."""

    as_of: datetime
    start: datetime
    end: datetime
    figures: Figures
    definitions: dict[str, str]


class ActionAnswer(Struct, frozen=True, rename="camel"):
    """What became of an action, alarm by alarm, in the order in which they were named."""

    as_of: datetime
    done: int
    alarms: list[Answer]
