"""How the alarm system does, in the figures of EEMUA 191 and ANSI/ISA-18.2-2016, table 6. Pure.

Counted are alarms that were put before an operator: raised while not shelved, suppressed or out
of service, by the time at which they were raised. Times are microseconds since the epoch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from pumpjack_core.clock import US_PER_S
from pumpjack_gateway.alarms.flood import BEGINS_ABOVE, WINDOW_US, floods
from pumpjack_gateway.times import time_of

MOST_FREQUENT = 10
CHATTERING_TIMES = 3
CHATTERING_WITHIN_US = 60 * US_PER_S
STANDING_S = 86_400

DEFINITIONS = {
    "alarms": "alarms raised in the period, without those that were shelved, suppressed or out of "
    "service when they were raised",
    "averagePer10Min": "alarms divided by the period in units of 10 minutes; EEMUA 191: 1 is "
    "acceptable, 2 manageable, more is too many",
    "peakPer10Min": "most alarms within any 10 minutes; ISA-18.2: 10 or less",
    "above10Share": "share of the period's 10-minute slots, counted from its start, with more than "
    "10 alarms; ISA-18.2: less than 0.01",
    "floodShare": "share of the period in flood: from the 11th alarm within 10 minutes until fewer "
    "than 5 are left in the last 10; ISA-18.2: less than 0.01",
    "floods": "floods that touch the period",
    "mostFrequent": "the ten alarms that were raised most often, and their share of all; ISA-18.2: "
    "together 0.01 to 0.05",
    "chattering": "alarms that were raised 3 times or more within 60 s, with the most within any "
    "60 s; ISA-18.2: none",
    "standing": "alarms whose condition has held for more than 24 h now; ISA-18.2 calls them "
    "stale: fewer than 5",
    "priorities": "alarms by priority and their shares; ISA-18.2 for four priorities, from 4 to 1: "
    "0.80, 0.15, 0.05, less than 0.01",
}


class Raised(NamedTuple):
    """One alarm that was raised."""

    at_us: int
    alarm_id: str
    priority: int


class Name(Struct, frozen=True, rename="camel"):
    """Which alarm."""

    alarm_id: str
    connection_id: str
    well_id: str
    tag_name: str
    condition: str
    priority: int


class Frequent(Struct, frozen=True, rename="camel"):
    """An alarm and how often it was raised; share is of all alarms."""

    alarm: Name
    raised: int
    share: float


class Chattering(Struct, frozen=True, rename="camel"):
    """An alarm that comes and goes. mostPerMinute: within any 60 s."""

    alarm: Name
    raised: int
    most_per_minute: int


class Standing(Struct, frozen=True, rename="camel"):
    """An alarm that has held for more than a day."""

    alarm: Name
    active_since: datetime
    state: str


class Share(Struct, frozen=True):
    """So many, and their share of all."""

    alarms: int
    share: float


class Load(Struct, frozen=True, rename="camel"):
    """The load of one stretch of time, such as a shift."""

    start: datetime
    end: datetime
    alarms: int
    average_per_10_min: float
    peak_per_10_min: int


class Figures(Struct, frozen=True, rename="camel"):
    """The figures of a period; DEFINITIONS says what each means and what is good."""

    alarms: int
    average_per_10_min: float
    peak_per_10_min: int
    above_10_share: float
    flood_share: float
    floods: int
    most_frequent: list[Frequent]
    chattering: list[Chattering]
    standing: list[Standing]
    priorities: dict[int, Share]
    shifts: list[Load]


def figures(
    raised: Sequence[Raised],
    names: dict[str, Name],
    standing: Iterable[Standing],
    *,
    start_us: int,
    end_us: int,
    shift_us: int,
    shifts_from_us: int,
) -> Figures:
    """Compute them. raised: in order of time, from a day before the period, so that a flood which
    began before it is known. shifts_from_us: any moment at which a shift begins.
    """
    times = [one.at_us for one in raised]
    inside = raised[bisect_left(times, start_us) : bisect_left(times, end_us)]
    moments = [one.at_us for one in inside]
    often = Counter(one.alarm_id for one in inside)
    spans = floods((at for at in times if at < end_us), end_us)
    touching = [
        (max(span.start_us, start_us), min(span.end_us or end_us, end_us))
        for span in spans
        if (span.end_us is None or span.end_us > start_us)
    ]
    priorities = Counter(one.priority for one in inside)
    return Figures(
        alarms=len(inside),
        average_per_10_min=_average(len(inside), start_us, end_us),
        peak_per_10_min=_peak(moments, WINDOW_US),
        above_10_share=_slots_above(moments, start_us, end_us),
        flood_share=round(sum(end - start for start, end in touching) / (end_us - start_us), 6),
        floods=len(touching),
        most_frequent=[
            Frequent(names[alarm_id], times_, _share(times_, len(inside)))
            for alarm_id, times_ in sorted(often.items(), key=lambda one: (-one[1], one[0]))[
                :MOST_FREQUENT
            ]
        ],
        chattering=_chattering(inside, names, often),
        standing=sorted(standing, key=lambda one: (one.active_since, one.alarm.alarm_id)),
        priorities={
            priority: Share(priorities[priority], _share(priorities[priority], len(inside)))
            for priority in (1, 2, 3, 4)
        },
        shifts=_shifts(moments, start_us, end_us, shift_us, shifts_from_us),
    )


def _average(number: int, start_us: int, end_us: int) -> float:
    return round(number * WINDOW_US / (end_us - start_us), 4)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _peak(moments: Sequence[int], within_us: int) -> int:
    """Most of them within any stretch of this length."""
    window: deque[int] = deque()
    most = 0
    for at_us in moments:
        window.append(at_us)
        while window[0] <= at_us - within_us:
            window.popleft()
        most = max(most, len(window))
    return most


def _slots_above(moments: Sequence[int], start_us: int, end_us: int) -> float:
    slots = -(-(end_us - start_us) // WINDOW_US)
    filled = Counter((at_us - start_us) // WINDOW_US for at_us in moments)
    return round(sum(number > BEGINS_ABOVE for number in filled.values()) / slots, 6)


def _chattering(
    inside: Sequence[Raised], names: dict[str, Name], often: Counter[str]
) -> list[Chattering]:
    suspects = {alarm_id for alarm_id, number in often.items() if number >= CHATTERING_TIMES}
    moments: dict[str, list[int]] = {alarm_id: [] for alarm_id in suspects}
    for one in inside:
        if one.alarm_id in suspects:
            moments[one.alarm_id].append(one.at_us)
    found = [
        Chattering(names[alarm_id], often[alarm_id], most)
        for alarm_id, when in moments.items()
        if (most := _peak(when, CHATTERING_WITHIN_US)) >= CHATTERING_TIMES
    ]
    return sorted(found, key=lambda one: (-one.most_per_minute, -one.raised, one.alarm.alarm_id))


def _shifts(
    moments: Sequence[int], start_us: int, end_us: int, shift_us: int, shifts_from_us: int
) -> list[Load]:
    """The shifts that the period touches; the first and last may be cut by its ends."""
    begin_us = start_us - (start_us - shifts_from_us) % shift_us
    found = []
    for shift_start in range(begin_us, end_us, shift_us):
        first, last = max(shift_start, start_us), min(shift_start + shift_us, end_us)
        part = moments[bisect_left(moments, first) : bisect_left(moments, last)]
        found.append(
            Load(
                start=time_of(first),
                end=time_of(last),
                alarms=len(part),
                average_per_10_min=_average(len(part), first, last),
                peak_per_10_min=_peak(part, WINDOW_US),
            )
        )
    return found
