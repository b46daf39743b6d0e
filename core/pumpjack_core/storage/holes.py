"""What is missing from the readings of a connection, named with its time and its reason. Pure.

not_stored     the journal had no room; seen on screens, stored nowhere
damaged_batch  a batch in the journal did not read any more
gap            the device or the broker lost messages before they were acknowledged
restored       the database was put back to a backup; what was stored since is in no journal
suspended      the device was left alone, as spec.suspend asked; nothing is missing by that
journal_lost   a journal was replaced by a new one and never said that it was empty
comm_failure   the device could not be reached
silent         an hour without a reading that nothing above explains
missing_rows   fewer readings are there than were stored
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

HOUR = timedelta(hours=1)
RESTART = timedelta(minutes=1)
"""A worker takes so long to end and to start anew, on a busy node."""
SUSPENDED = "suspended"
_BEGINS = ("from", "after")
_ENDS = ("to", "before")
_BETWEEN = re.compile(r"between (\S+) and (\S+?)[ ,;]")


class Span(Struct, frozen=True):
    """A hole: its kind, when it begins and ends (UTC, None where nobody knows), and why."""

    kind: str
    begins: datetime | None
    ends: datetime | None
    why: str
    readings: int | None = None


class JournalRow(Struct, frozen=True):
    """A journal as the database knows it."""

    journal_id: str
    opened_at: datetime
    moved_at: datetime | None
    drained_at: datetime | None


class HourRow(Struct, frozen=True):
    """Counts of one hour, and the rows that are there; None where they cannot be compared."""

    hour: datetime
    received: int
    stored: int
    duplicates: int
    shifted: int
    quarantined: int
    rows: int | None


def of_note(kind: str, at: datetime, detail: str) -> Span:
    """A note that a worker, or the database, has left.

    detail is JSON with from and to, or after and before; or a sentence with "between … and …".
    """
    known: dict[str, object] = {}
    try:
        found = msgspec.json.decode(detail)
        known = found if isinstance(found, dict) else {}
    except msgspec.DecodeError:
        match = _BETWEEN.search(detail + " ")
        if match:
            known = {"from": match[1], "to": match[2], "why": detail}
    begins = _time(known, _BEGINS)
    ends = _time(known, _ENDS)
    readings = known.get("readings")
    words = str(known.get("why") or _WORDS.get(kind) or detail)
    if ends is None and kind != SUSPENDED:
        ends = at
    return Span(kind, begins or at, ends, words, readings if isinstance(readings, int) else None)


_WORDS = {
    "not_stored": "the journal had no room for what was read",
    "restored": "the database was put back to a backup; what was stored since then is missing",
    SUSPENDED: "the device was left alone on purpose (spec.suspend)",
    "damaged_batch": "a batch of the journal did not read any more; its bytes are kept beside it",
}


def lost_journals(journals: Sequence[JournalRow]) -> list[Span]:
    """Journals that were replaced by a new one without having said that they were empty."""
    found = []
    ordered = sorted(journals, key=lambda one: one.opened_at)
    for one, following in itertools.pairwise(ordered):
        last = one.moved_at or one.opened_at
        if one.drained_at is None and last <= following.opened_at:
            found.append(
                Span(
                    "journal_lost",
                    last,
                    following.opened_at,
                    f"the journal {one.journal_id} was replaced by {following.journal_id} and "
                    "never said that it was empty; if its volume is found, `pumpjack journal "
                    "drain` stores what is in it",
                )
            )
    return found


def unintended(outages: Iterable[Span], spans: Iterable[Span]) -> list[Span]:
    """Of times without the device those in which it was not left alone on purpose.

    A worker that is told to leave it alone, or to read it again, starts anew: that is not told.
    """
    left = list(outages)
    for one in spans:
        if one.kind != SUSPENDED or one.begins is None:
            continue
        cut: list[Span] = []
        for outage in left:
            if not _overlap(outage, one):
                cut.append(outage)
                continue
            if outage.begins is None or one.begins - outage.begins > RESTART:
                cut.append(msgspec.structs.replace(outage, ends=one.begins))
            if one.ends is not None and (outage.ends is None or outage.ends - one.ends > RESTART):
                cut.append(msgspec.structs.replace(outage, begins=one.ends))
        left = cut
    return left


def silent_hours(
    hours: Sequence[HourRow], begins: datetime, ends: datetime, explained: Iterable[Span]
) -> list[Span]:
    """Whole hours of [begins, ends) in which nothing was received, that no other hole covers."""
    heard = {one.hour for one in hours if one.received > 0}
    known = list(explained)
    found: list[Span] = []
    hour = begins.replace(minute=0, second=0, microsecond=0)
    hour += HOUR if hour < begins else timedelta(0)
    while hour + HOUR <= ends:
        if hour not in heard and not any(_covers(one, hour) for one in known):
            if found and found[-1].ends == hour:
                found[-1] = msgspec.structs.replace(found[-1], ends=hour + HOUR)
            else:
                why = "nothing came, and nothing says why: no worker ran, or the device was still"
                found.append(Span("silent", hour, hour + HOUR, why))
        hour += HOUR
    return found


def mismatches(hours: Sequence[HourRow]) -> list[Span]:
    """Hours whose rows are not what was counted, or whose counts do not add up.

    A shifted reading may have crossed into the next hour: so many may be missing, or be there.
    """
    found = []
    shifted = {one.hour + HOUR: one.shifted for one in hours}
    for one in hours:
        if one.received != one.stored + one.duplicates + one.quarantined:
            why = "the counts do not add up: received is not stored, duplicate and quarantined"
            found.append(Span("miscounted", one.hour, one.hour + HOUR, why))
        if one.rows is None:
            continue
        missing = one.stored - one.rows
        if abs(missing) > one.shifted + shifted.get(one.hour, 0):
            words = "were stored and are not there" if missing > 0 else "are there and not counted"
            kind = "missing_rows" if missing > 0 else "miscounted"
            why = f"{abs(missing):,} readings {words}"
            found.append(Span(kind, one.hour, one.hour + HOUR, why, max(missing, 0) or None))
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans of one kind that touch as one, in the order of their beginnings."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.kind, one.begins or _LONG_AGO)):
        last = found[-1] if found else None
        if (
            last is not None
            and last.kind == span.kind
            and last.why == span.why
            and last.ends is not None
            and span.begins is not None
            and span.begins <= last.ends
        ):
            ends = None if span.ends is None else max(last.ends, span.ends)
            found[-1] = msgspec.structs.replace(last, ends=ends)
        else:
            found.append(span)
    return sorted(found, key=lambda one: one.begins or _LONG_AGO)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_EVER = datetime.max.replace(tzinfo=UTC)


def touches(span: Span, begins: datetime, ends: datetime) -> bool:
    """Whether a span lies in [begins, ends), in part at least."""
    starts = span.begins or begins
    stops = span.ends or ends
    return starts < ends and stops >= begins


def _overlap(one: Span, other: Span) -> bool:
    return (one.begins or _LONG_AGO) <= (other.ends or _EVER) and (other.begins or _LONG_AGO) <= (
        one.ends or _EVER
    )


def _covers(span: Span, hour: datetime) -> bool:
    """Whether nothing but this span can be expected within the hour."""
    starts = span.begins or hour
    stops = span.ends or hour + HOUR
    return starts <= hour and stops >= hour + HOUR


def _time(known: dict[str, object], names: Sequence[str]) -> datetime | None:
    for name in names:
        text = known.get(name)
        if isinstance(text, str):
            try:
                return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
            except ValueError:
                continue
    return None
