"""The alarms that a mapping declares on a tag, as its worker is told of them. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from pumpjack_core import units
from pumpjack_core.manifests.problems import did_you_mean
from pumpjack_core.manifests.types import MappedAlarm, MappedTag
from pumpjack_core.tags import Alarm

_MOST_SHARED = 1 << 16
"""Alarms that are kept once, however many connections a mapping serves."""
_MOST_NAMED = 200
"""Names that a mistyped one is compared with."""


class Flaw(Struct, frozen=True):
    """A part of a tag that cannot be used as declared, "alarm hi" or "write", and why."""

    part: str
    reason: str


def alarms_of(mapped: MappedTag, names: AbstractSet[str]) -> tuple[tuple[Alarm, ...], list[Flaw]]:
    """The alarms of a tag that can be used, and what is wrong with its alarms.

    names: the tags of the mapping. An alarm whose suppressing tag is not there is kept and never
    suppressed: rather one alarm too many.
    """
    found: list[Alarm] = []
    flaws: list[Flaw] = []
    for declared in mapped.alarms:
        alarm = _alarm(declared)
        if alarm.from_tag and (what := _unusable("from", alarm.from_tag, mapped, names)):
            flaws.append(_flaw(alarm, what))
            continue
        suppressor = alarm.suppressed_by
        if suppressor and (what := _unusable("suppressedBy", suppressor, mapped, names)):
            flaws.append(_flaw(alarm, f"{what}; until then the alarm is never suppressed"))
            alarm = _unsuppressed(alarm)
        found.append(alarm)
    return tuple(found), flaws


def alarms_without(
    alarms: tuple[Alarm, ...], read: AbstractSet[str]
) -> tuple[tuple[Alarm, ...], list[Flaw]]:
    """The same after some tags of the mapping turned out not to be read from the connection."""
    found: list[Alarm] = []
    flaws: list[Flaw] = []
    for alarm in alarms:
        if alarm.from_tag and alarm.from_tag not in read:
            what = f"{alarm.from_tag}, which from names, is not read from this connection"
            flaws.append(_flaw(alarm, f"{what}; see why, and mend that tag"))
        elif alarm.suppressed_by and alarm.suppressed_by not in read:
            what = f"{alarm.suppressed_by}, which suppressedBy names, is not read from this"
            flaws.append(_flaw(alarm, f"{what} connection; until then it is never suppressed"))
            found.append(_unsuppressed(alarm))
        else:
            found.append(alarm)
    return tuple(found), flaws


@lru_cache(maxsize=_MOST_SHARED)
def _alarm(declared: MappedAlarm) -> Alarm:
    suppressor = declared.suppressed_by
    given: dict[str, Any] = {
        "limit": declared.limit,
        "per_s": _seconds(declared.per),
        "from_tag": declared.from_,
        "states": declared.states,
        "priority": declared.priority,
        "deadband": declared.deadband,
        "on_delay_s": _seconds(declared.on_delay),
        "off_delay_s": _seconds(declared.off_delay),
        "latch": declared.latch,
        "message": declared.message,
        "consequence": declared.consequence,
        "response": declared.response,
        "suppressed_by": None if suppressor is None else suppressor.tag,
        "suppressed_states": None if suppressor is None else suppressor.states,
    }
    # what is not given is left out: a tag table with it would be twice as large
    return Alarm(declared.condition, **{key: it for key, it in given.items() if it is not None})


def _seconds(text: str | None) -> float | None:
    return None if text is None else units.seconds(text)


def _unsuppressed(alarm: Alarm) -> Alarm:
    return msgspec.structs.replace(alarm, suppressed_by="", suppressed_states=())


def _flaw(alarm: Alarm, reason: str) -> Flaw:
    return Flaw(f"alarm {alarm.condition}", reason)


def _unusable(key: str, name: str, of: MappedTag, names: AbstractSet[str]) -> str:
    """Why a tag cannot be the other tag of an alarm, "" when it can."""
    if name == of.name:
        return f"{key} names the tag itself; name another of this mapping"
    if name in names:
        return ""
    near = did_you_mean(name, sorted(names)) if len(names) <= _MOST_NAMED else ""
    return f"{key} names {name}, which is no tag of this mapping{near}"
