"""Up to when the database has what connections received, and the holes before that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from pumpjack_core.storage import holes
from pumpjack_core.storage.holes import Span
from pumpjack_core.wire import Heartbeat
from pumpjack_gateway.points.answers import Hole
from pumpjack_gateway.points.columns import Columns

MARGIN = timedelta(seconds=1)
"""The age of the oldest in a journal is of when the heartbeat was made, give or take this."""
BEHIND = timedelta(seconds=10)
"""The usual way into the database takes less: this far behind is worth a mark."""


class Progress(Struct, frozen=True):
    """How far connections are stored.

    cursors  journal to the number up to which the database has everything
    drained  connections whose journals all ended with nothing left in them
    """

    cursors: Mapping[str, int]
    drained: frozenset[str]


def stored_until(
    well_id: str,
    connections: Iterable[str],
    heartbeats: Mapping[str, Heartbeat],
    progress: Progress,
    now: datetime,
) -> datetime | None:
    """What was received before it is stored; None when that cannot be said.

    heartbeats  the last one of each connection, read before the progress
    """
    found: list[datetime] = []
    for name in connections:
        beat = heartbeats.get(name)
        until = now if beat is None and name in progress.drained else None
        if beat is not None:
            until = _of_heartbeat(well_id, beat, progress.cursors.get(beat.epoch), now)
        if until is None:
            return None
        found.append(until)
    return min(found, default=None)


def _of_heartbeat(
    well_id: str, beat: Heartbeat, cursor: int | None, now: datetime
) -> datetime | None:
    try:
        at = datetime.fromisoformat(beat.at)
    except ValueError:
        return None
    # Before its first message of this process, earlier ones may have published up to `follows`.
    published = beat.wells.get(well_id, beat.follows)
    if cursor is not None and cursor >= published:
        return min(at, now)
    if beat.journal_batches > 0:
        return min(at, now) - timedelta(seconds=beat.journal_oldest_s) - MARGIN
    return None  # published, and on its way into the journal


def holes_of(
    spans: Mapping[str, Sequence[Span]], columns: Columns, stored: datetime | None, now: datetime
) -> list[Hole]:
    """What a chart draws of each connection's spans: those that touch it, by time.

    Spans of a kind that are less than a column apart are drawn as one: there may be thousands.
    """
    found = [
        Hole(
            connection_id=name,
            begins=span.begins or columns.start,
            ends=span.ends,
            reason=span.kind,
            message=span.why,
        )
        for name, known in spans.items()
        for span in _closed_up(known, columns)
    ]
    if stored is not None and stored < min(now - BEHIND, columns.end):
        found.append(
            Hole(
                connection_id=None,
                begins=max(stored, columns.start),
                ends=now,
                reason="catching_up",
                message="received since then, and still on its way to the database",
            )
        )
    return sorted(found, key=lambda hole: (hole.begins, hole.reason))


def unknown_quality(columns: Columns, known_from: datetime) -> Hole:
    """Aggregates from before doubt was kept."""
    return Hole(
        connection_id=None,
        begins=columns.start,
        ends=min(known_from, columns.end),
        reason="quality_unknown",
        message="of this time only GOOD readings were kept count of; whether there were others "
        "is not known",
    )


def _closed_up(spans: Sequence[Span], columns: Columns) -> list[Span]:
    found: list[Span] = []
    there = [one for one in spans if holes.touches(one, columns.start, columns.end)]
    for span in sorted(there, key=lambda one: (one.kind, one.begins or columns.start)):
        last = found[-1] if found else None
        if (
            last is not None
            and last.kind == span.kind
            and (last.ends is None or (span.begins or columns.start) - last.ends < columns.width)
        ):
            ends = None if last.ends is None or span.ends is None else max(last.ends, span.ends)
            found[-1] = structs.replace(last, ends=ends)
        else:
            found.append(span)
    return found
