"""How many alarms there are, and whether they are a flood. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from pumpjack_gateway.alarms.flood import Meter
from pumpjack_gateway.alarms.groups import Group, groups
from pumpjack_gateway.alarms.model import TO_ACKNOWLEDGE, TO_HANDLE, Alarm
from pumpjack_gateway.times import time_of


class Flood(Struct, frozen=True, rename="camel"):
    """More alarms come than a person can handle; grouped by where they come from.

    groups  every alarm to handle is in exactly one; their totals add up to toHandle
    """

    since: datetime
    groups: list[Group]


class Counts(Struct, frozen=True, rename="camel"):
    """The alarms that are not normal, counted.

    toHandle         what an operator has before him: all but shelved, suppressed, out of service
    unacknowledged   of those, what nobody has acknowledged, returned or not
    byPriority       of those to handle; unacknowledgedByPriority: of those to acknowledge
    byState          all
    raisedIn10Min    new alarms of the last 10 minutes
    flood            null when there is none
    """

    to_handle: int
    unacknowledged: int
    by_priority: dict[int, int]
    unacknowledged_by_priority: dict[int, int]
    by_state: dict[str, int]
    raised_in_10_min: int = msgspec.field(name="raisedIn10Min")
    flood: Flood | None


def count(
    alarms: Iterable[Alarm], meter: Meter, now_us: int, *, with_handles: bool = False
) -> Counts:
    """Count them. with_handles: name each alarm of each group."""
    listed = list(alarms)
    to_handle = [alarm for alarm in listed if alarm.state in TO_HANDLE]
    to_acknowledge = [alarm for alarm in listed if alarm.state in TO_ACKNOWLEDGE]
    since_us = meter.since_us(now_us)
    flood = None
    if since_us is not None:
        found = groups(to_handle)
        if not with_handles:
            found = [msgspec.structs.replace(group, alarms=[]) for group in found]
        flood = Flood(time_of(since_us), found)
    return Counts(
        to_handle=len(to_handle),
        unacknowledged=len(to_acknowledge),
        by_priority=_by_priority(to_handle),
        unacknowledged_by_priority=_by_priority(to_acknowledge),
        by_state=dict(Counter(alarm.state for alarm in listed)),
        raised_in_10_min=meter.new(now_us),
        flood=flood,
    )


def _by_priority(alarms: Iterable[Alarm]) -> dict[int, int]:
    numbers = Counter(alarm.priority for alarm in alarms)
    return {priority: numbers[priority] for priority in (1, 2, 3, 4)}
