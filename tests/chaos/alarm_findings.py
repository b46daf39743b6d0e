"""Alarms and events, compared with what workers journaled, what was read, what people were told.

Pure; each finding is a sentence. As in findings.py: [] when every promise was kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from pumpjack_core.quality import BACKFILLED, LEVEL_MASK, Level
from tests.chaos.findings import NAMED, Row, Span
from tests.chaos.level import HIGH, LOW
from tests.chaos.people import Deed

KINDS = {True: "raised", False: "returned"}
FOREVER_US = 1 << 62


class Event(Struct, frozen=True):
    """A row of events. us: when it happened, by the source; late: found out afterwards."""

    number: int
    alarm_id: str
    kind: str
    us: int
    actor: str
    late: bool = False


class Journaled(Struct, frozen=True):
    """A transition that a worker gave to its journal.

    at_us  when, by a clock that no fault touches [µs since the epoch]
    safe   the journal had it on disk
    """

    journal: str
    seq: int
    alarm_id: str
    active: bool
    us: int
    at_us: int
    safe: bool


def named(sentence: str, found: Sequence[object]) -> list[str]:
    """One finding with some of what was found; none without."""
    if not found:
        return []
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return [f"{sentence}, {len(found)}: {'; '.join(map(str, found[:NAMED]))}{more}"]


def holes(tenant_id: str, numbers: Sequence[int]) -> list[str]:
    """Events are numbered 1, 2, 3 …"""
    if list(numbers) == list(range(1, len(numbers) + 1)):
        return []
    return [
        f"{tenant_id}: the numbers of its events have a hole: {len(numbers)} up to {max(numbers)}"
    ]


def unpaired(events: Sequence[Event]) -> list[str]:
    """An alarm that is raised returns before it is raised again."""
    last: dict[str, str] = {}
    wrong = []
    for event in events:
        if event.kind not in KINDS.values() or event.late:
            continue
        if event.kind == last.get(event.alarm_id, "returned"):
            wrong.append(event)
        last[event.alarm_id] = event.kind
    return named("raised or returned twice in a row", wrong)


def untold(
    journaled: Sequence[Journaled], events: Sequence[Event], excused: Sequence[Span]
) -> list[str]:
    """What the journal had on disk, and was a change, became an event.

    excused  when two workers were at it: the other one may have told the same before. What the one
             that stayed told next is an event then, unless the alarm was so already
    """
    there = {(event.alarm_id, event.kind, event.us) for event in events}
    states = _states(events)
    lost = []
    for run in _runs(journaled):
        before: Journaled | None = None
        maybe: list[Journaled] = []  # on disk or not: the worker was killed before it knew
        for one in run:
            if not one.safe:
                maybe.append(one)
                continue
            times = {one.us} | {each.us for each in maybe if each.active is one.active}
            if (
                before is not None
                and before.active is not one.active
                and not any((one.alarm_id, KINDS[one.active], us) in there for us in times)
                and not _within(one.at_us, excused)
                and not (_within(before.at_us, excused) and _is_so_already(one, states))
            ):
                lost.append(one)
            before, maybe = one, []
    return named("a transition was journaled and is no event", lost)


def made_up(journaled: Sequence[Journaled], events: Sequence[Event]) -> list[str]:
    """Each event was decided by a worker, and is there no more often than that."""
    decided = Counter((one.alarm_id, KINDS[one.active], one.us) for one in journaled)
    known = {one.alarm_id for one in journaled}
    stored = Counter(
        (event.alarm_id, event.kind, event.us)
        for event in events
        if event.kind in KINDS.values() and event.alarm_id in known
    )
    return named(
        "an event that no worker decided, or more often than one did",
        [one for one, count in stored.items() if count > decided[one]],
    )


def swapped(journaled: Sequence[Journaled], events: Sequence[Event]) -> list[str]:
    """Events of one journal and alarm have the order in which they were journaled."""
    numbers: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for event in events:
        numbers[event.alarm_id, event.kind, event.us].append(event.number)
    runs = _runs(journaled)
    times = Counter((one.alarm_id, KINDS[one.active], one.us) for run in runs for one in run)
    wrong = []
    for run in runs:
        last = 0
        for one in run:
            key = (one.alarm_id, KINDS[one.active], one.us)
            if times[key] > 1 or len(numbers[key]) != 1:
                continue  # decided anew after a restart, or by another worker as well
            if numbers[key][0] < last:
                wrong.append(one)
            last = numbers[key][0]
    return named("events are not in the order in which they were journaled", wrong)


def misjudged(
    name: str,
    condition: str,
    rows: Sequence[Row],
    events: Sequence[Event],
    excused: Sequence[Span],
) -> list[str]:
    """Whatever is stored of the level, its alarm was then as the value says.

    events  of this alarm
    """
    moves = sorted(
        (event.us, event.number, event.kind) for event in events if event.kind in KINDS.values()
    )
    times = [us for us, _, _ in moves]
    wrong = []
    for row in rows:
        if row.value is None or not _decides(row) or _within(row.us, excused):
            continue
        at = bisect_right(times, row.us)
        active = at > 0 and moves[at - 1][2] == KINDS[True]
        if active is not is_met(condition, row.value):
            wrong.append(f"{row.value:g} at {row.us}, and the alarm was {KINDS[active]}")
    return named(f"{name}: {condition} was not as the level says", wrong)


def unlike_the_end(
    name: str, condition: str, rows: Sequence[Row], active: bool, excused: Sequence[Span]
) -> list[str]:
    """In the end the alarm is as the newest reading of the level says; a mark changes no limit."""
    read = [row for row in rows if row.value is not None]
    newest = max(read, key=lambda row: row.us, default=None)
    if newest is None or _within(newest.us, excused):
        return []
    if newest.value is None or is_bad(newest) or newest.quality & BACKFILLED:
        return []
    if condition == "bad_quality":
        if any(row.us > newest.us for row in rows):
            return []  # a mark: what the device shows may be older, and is told to the next worker
        met = False
    else:
        met = is_met(condition, newest.value)
    if met is active:
        return []
    return [
        f"{name}: {condition} is {KINDS[active]} in the end, and the newest reading is {newest}"
    ]


def unlike_its_events(
    name: str, condition: str, events: Sequence[Event], active: bool
) -> list[str]:
    """An alarm is as the last of its events has made it, whatever the clocks said.

    events  of this alarm
    """
    moves = [event for event in events if event.kind in KINDS.values() and not event.late]
    last = max(moves, key=lambda event: event.number, default=None)
    if (last is not None and last.kind == KINDS[True]) is active:
        return []
    return [f"{name}: {condition} is {KINDS[active]}, and its last event is {last}"]


def until_told(span: Span, condition: str, rows: Sequence[Row], events: Sequence[Event]) -> Span:
    """From the beginning of a span to the first event after it that says how things are then.

    What was told in it may be on record by the other of two workers, or at a time of a wrong clock.
    Not for longer than the level stays where it is: that it changed is an event, whoever reads it.
    """
    low, high = span
    ends = [event.us for event in events if event.us > high and not event.late]
    read = [row for row in rows if row.us > high and _decides(row)]
    is_first = bool(read) and is_met(condition, read[0].value or 0.0)
    ends += [row.us - 1 for row in read if is_met(condition, row.value or 0.0) is not is_first][:1]
    return (low, min(ends, default=FOREVER_US))


def is_met(condition: str, level: float) -> bool:
    """Whether the condition is met, of those without delay and deadband."""
    return level >= HIGH if condition == "hi" else level <= LOW


def is_bad(row: Row) -> bool:
    """Whether the reading is BAD."""
    return row.quality & LEVEL_MASK == Level.BAD


def undone(done: Mapping[int, Deed], events: Iterable[Event]) -> list[str]:
    """What a person was told was done is the event of that number."""
    by_number = {event.number: event for event in events}
    wrong = []
    for number, deed in done.items():
        event = by_number.get(number)
        if event is None or Deed(event.actor, event.kind, event.alarm_id) != deed:
            wrong.append(f"{deed} is event {number}, which is {event}")
    return named("told as done, and not so", wrong)


def unasked(
    done: Collection[Deed], unsure: Mapping[Deed, int], events: Iterable[Event]
) -> list[str]:
    """Nobody's name stands at what he did not do."""
    asked = Counter(done) + Counter(dict(unsure))
    stored = Counter(
        Deed(event.actor, event.kind, event.alarm_id) for event in events if event.actor
    )
    return named(
        "a person is on record for more than he did",
        [deed for deed, count in stored.items() if count > asked[deed]],
    )


def _runs(journaled: Iterable[Journaled]) -> list[list[Journaled]]:
    """What one journal was given of one alarm, in its order; what became safe stands once."""
    safe = {
        (one.journal, one.seq, one.alarm_id, one.us, one.active) for one in journaled if one.safe
    }
    runs: dict[tuple[str, str], list[Journaled]] = defaultdict(list)
    for one in journaled:
        if one.safe or (one.journal, one.seq, one.alarm_id, one.us, one.active) not in safe:
            runs[one.journal, one.alarm_id].append(one)
    return [sorted(run, key=lambda one: one.seq) for run in runs.values()]


def _decides(row: Row) -> bool:
    """Whether it is the device's own value, and not of before others."""
    return row.value is not None and not row.quality & BACKFILLED and not is_bad(row)


def _states(events: Iterable[Event]) -> dict[str, list[tuple[int, int, str]]]:
    """Of each alarm what it became: time, number, kind, in order of time."""
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for event in events:
        if event.kind in KINDS.values() and not event.late:
            found[event.alarm_id].append((event.us, event.number, event.kind))
    return {alarm: sorted(moves) for alarm, moves in found.items()}


def _is_so_already(one: Journaled, states: Mapping[str, list[tuple[int, int, str]]]) -> bool:
    """Whether the alarm was what a transition says, before it."""
    before = [kind for us, _, kind in states.get(one.alarm_id, ()) if us < one.us]
    return (before[-1] if before else KINDS[False]) == KINDS[one.active]


def _within(us: int, spans: Sequence[Span]) -> bool:
    return any(low <= us <= high for low, high in spans)
