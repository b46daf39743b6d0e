"""Signals and machines of a tag table; what stays as it was keeps its state."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from pumpjack_core.tags import Alarm, TagTable
from pumpjack_worker.pipeline.alarms.conditions import KINDS, LIMITED, machine_of
from pumpjack_worker.pipeline.alarms.machine import Machine
from pumpjack_worker.pipeline.alarms.signal import Signal


class Built(Struct, frozen=True):
    """The alarms of one table.

    signals   of each tag, by position
    machines  of each alarm that can be evaluated
    by_alarm  the same, by position of the tag and condition
    places    positions of tags that were in the table before, there and here
    unusable  of the other alarms, a sentence each
    """

    tags: TagTable
    signals: tuple[Signal, ...]
    machines: tuple[Machine, ...]
    by_alarm: dict[tuple[int, str], Machine]
    places: list[tuple[int, int]]
    unusable: tuple[str, ...]


def build(tags: TagTable, before: Built | None) -> Built:
    """Put signals and machines together."""
    signals = tuple(Signal(at) for at in range(len(tags)))
    names = {(tag.well_id, tag.name): at for at, tag in enumerate(tags.tags)}
    by_alarm: dict[tuple[int, str], Machine] = {}
    unusable = []
    for at, tag in enumerate(tags.tags):
        for alarm in tag.alarms:
            other = names.get((tag.well_id, alarm.from_tag))
            if why := _why_not(alarm, other):
                unusable.append(f"the alarm {alarm.condition} of {tag.well_id}/{tag.name} {why}")
                continue
            suppressor = names.get((tag.well_id, alarm.suppressed_by))
            machine = machine_of(
                alarm,
                signals[at],
                None if suppressor is None else signals[suppressor],
                None if other is None else signals[other],
            )
            by_alarm[at, alarm.condition] = machine
            signals[at].own += (machine,)
            if other is not None and alarm.condition == "deviation":
                signals[other].compared += (machine,)
            if suppressor is not None:
                signals[suppressor].suppresses += (machine,)
    for signal in signals:
        signal.connect()
    places = _take_over(tags, signals, before) if before else []
    return Built(tags, signals, tuple(by_alarm.values()), by_alarm, places, tuple(unusable))


def _take_over(tags: TagTable, signals: tuple[Signal, ...], before: Built) -> list[tuple[int, int]]:
    old = {tag.key: at for at, tag in enumerate(before.tags.tags)}
    places = [(old[tag.key], at) for at, tag in enumerate(tags.tags) if tag.key in old]
    here = dict(places)
    for was, at in places:
        signals[at].take_over(before.signals[was])
        for machine in signals[at].own:
            earlier = before.by_alarm.get((was, machine.alarm.condition))
            if earlier is not None and _same(earlier, machine, here):
                machine.take_over(earlier)
    return places


def _same(earlier: Machine, machine: Machine, here: dict[int, int]) -> bool:
    """Whether both decide alike; words and priority do not matter, nor what suppresses them."""
    looks_at = [here.get(at) for at in earlier.looks_at]
    return _deciding(earlier.alarm) == _deciding(machine.alarm) and looks_at == machine.looks_at


def _deciding(alarm: Alarm) -> Alarm:
    return replace(
        alarm,
        priority=3,
        latch=False,
        message="",
        consequence="",
        response="",
        suppressed_by="",
        suppressed_states=(),
    )


def _why_not(alarm: Alarm, other: int | None) -> str:
    if alarm.condition not in KINDS:
        return "is of a kind that this version does not know"
    if alarm.condition in LIMITED and (alarm.limit is None or not math.isfinite(alarm.limit)):
        return "has no limit"
    if alarm.condition == "deviation" and other is None:
        return f"is taken from {alarm.from_tag}, which is no tag of that well here"
    return ""
