"""The alarms that a mapping declares on a tag, as its worker is told of them. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import lru_cache

import msgspec

from pumpjack_core import units
from pumpjack_core.manifests.problems import did_you_mean
from pumpjack_core.manifests.types import MappedAlarm, MappedTag
from pumpjack_core.tags import Alarm

_MOST_SHARED = 1 << 16
"""Alarms that are kept once, however many connections a mapping serves."""
_MOST_NAMED = 200
"""Names that a mistyped one is compared with."""


def alarms_of(mapped: MappedTag, names: AbstractSet[str]) -> tuple[tuple[Alarm, ...], list[str]]:
    """The alarms of a tag that can be used, and a sentence for each thing that cannot.

    names: the tags of the mapping. An alarm whose suppressing tag is not there is kept and never
    suppressed: rather one alarm too many.
    """
    found: list[Alarm] = []
    problems: list[str] = []
    for declared in mapped.alarms:
        alarm = _alarm(declared)
        if alarm.from_tag and alarm.from_tag not in names:
            problems.append(_missing(alarm, "from", alarm.from_tag, names))
            continue
        if alarm.suppressed_by and alarm.suppressed_by not in names:
            what = _missing(alarm, "suppressedBy", alarm.suppressed_by, names)
            problems.append(f"{what}; until then it is raised and never suppressed")
            alarm = _unsuppressed(alarm)
        found.append(alarm)
    return tuple(found), problems


def alarms_without(
    alarms: tuple[Alarm, ...], read: AbstractSet[str]
) -> tuple[tuple[Alarm, ...], list[str]]:
    """The same after some tags of the mapping turned out not to be read from the connection."""
    found: list[Alarm] = []
    problems: list[str] = []
    for alarm in alarms:
        if alarm.from_tag and alarm.from_tag not in read:
            problems.append(
                f"alarm {alarm.condition}: its tag {alarm.from_tag} is not read from this "
                "connection, so nothing can be compared with it"
            )
        elif alarm.suppressed_by and alarm.suppressed_by not in read:
            problems.append(
                f"alarm {alarm.condition}: the tag {alarm.suppressed_by} is not read from this "
                "connection; the alarm is raised and never suppressed"
            )
            found.append(_unsuppressed(alarm))
        else:
            found.append(alarm)
    return tuple(found), problems


@lru_cache(maxsize=_MOST_SHARED)
def _alarm(declared: MappedAlarm) -> Alarm:
    suppressor = declared.suppressed_by
    return Alarm(
        condition=declared.condition,
        limit=declared.limit,
        per_s=60.0 if declared.per is None else units.seconds(declared.per),
        from_tag=declared.from_ or "",
        states=declared.states,
        priority=3 if declared.priority is None else declared.priority,
        deadband=declared.deadband or 0.0,
        on_delay_s=units.seconds(declared.on_delay or "0s"),
        off_delay_s=units.seconds(declared.off_delay or "0s"),
        latch=bool(declared.latch),
        message=declared.message or "",
        consequence=declared.consequence or "",
        response=declared.response or "",
        suppressed_by="" if suppressor is None else suppressor.tag,
        suppressed_states=() if suppressor is None else suppressor.states,
    )


def _unsuppressed(alarm: Alarm) -> Alarm:
    return msgspec.structs.replace(alarm, suppressed_by="", suppressed_states=())


def _missing(alarm: Alarm, key: str, name: str, names: AbstractSet[str]) -> str:
    near = did_you_mean(name, sorted(names)) if len(names) <= _MOST_NAMED else ""
    hint = near or "; name a tag of the same mapping"
    return f"alarm {alarm.condition}: {key} names {name}, which is no tag of the mapping{hint}"
