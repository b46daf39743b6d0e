"""Alarms of a flood by where they come from, each group with the one that was first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from pumpjack_gateway.alarms.model import TO_ACKNOWLEDGE, TO_HANDLE, Alarm

_NEVER = datetime.max.replace(tzinfo=UTC)


class Handle(Struct, frozen=True, rename="camel"):
    """An alarm of a group, as an action wants it."""

    alarm_id: str
    version: int


class Group(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Alarms of one connection and well.

    wellId           "": all wells of the connection, since its comm_failure is among the alarms
    firstOut         id of the alarm that was raised first: most likely the cause
    since            when that was
    total            alarms of the group; the totals of all groups are the alarms to handle
    unacknowledged   how many of them nobody has acknowledged
    byPriority       priority to number
    alarms           all of them, first out first: give them to an action to act on the group;
                     over REST alone
    """

    connection_id: str
    well_id: str
    first_out: str
    since: datetime | None
    total: int
    unacknowledged: int
    by_priority: dict[int, int]
    alarms: list[Handle] = []


def groups(alarms: Iterable[Alarm]) -> list[Group]:
    """The alarms to handle, grouped; every one is in exactly one group. Most urgent group first."""
    to_handle = [alarm for alarm in alarms if alarm.state in TO_HANDLE]
    silent = {alarm.connection_id for alarm in to_handle if alarm.condition == "comm_failure"}
    found: defaultdict[tuple[str, str], list[Alarm]] = defaultdict(list)
    for alarm in to_handle:
        well_id = "" if alarm.connection_id in silent else alarm.well_id
        found[alarm.connection_id, well_id].append(alarm)
    made = [_group(*key, members) for key, members in found.items()]
    return sorted(made, key=_urgency)


def _group(connection_id: str, well_id: str, members: list[Alarm]) -> Group:
    ordered = sorted(members, key=_when)
    by_priority: dict[int, int] = {}
    for alarm in sorted(members, key=lambda one: one.priority):
        by_priority[alarm.priority] = by_priority.get(alarm.priority, 0) + 1
    return Group(
        connection_id=connection_id,
        well_id=well_id,
        first_out=ordered[0].alarm_id,
        since=ordered[0].active_since,
        total=len(members),
        unacknowledged=sum(alarm.state in TO_ACKNOWLEDGE for alarm in members),
        by_priority=by_priority,
        alarms=[Handle(alarm.alarm_id, alarm.version) for alarm in ordered],
    )


def _when(alarm: Alarm) -> tuple[datetime, int, str]:
    return (alarm.active_since or alarm.since or _NEVER, alarm.priority, alarm.alarm_id)


def _urgency(group: Group) -> tuple[bool, int, int, str, str]:
    return (
        group.unacknowledged == 0,
        min(group.by_priority),
        -group.total,
        group.connection_id,
        group.well_id,
    )
