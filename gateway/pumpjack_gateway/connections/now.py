"""A connection as it is now: by what its worker told the database and what is heard of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pumpjack_core import wire
from pumpjack_gateway.connections.answers import Connection, JournalNow
from pumpjack_gateway.connections.conditions import Given, conditions
from pumpjack_gateway.connections.reports import Report, Reports
from pumpjack_gateway.connections.strip import strip
from pumpjack_gateway.live.health import Health, Status

ALIVE = timedelta(seconds=150)
"""A worker tells the database every minute that it is there."""
CLOCKS_DIFFER = timedelta(seconds=5)


class Changes:
    """Since when connections are in the state that is heard of them, as far as this was seen."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[str, str | None], datetime | None]] = {}

    def since(self, status: Status, now: datetime) -> datetime | None:
        """When the state began, None if it was so when it was first seen."""
        name = status.connection_id or ""
        state = (status.state, status.reason if status.stale else None)
        before = self._seen.get(name)
        if before is None or before[0] != state:
            began = None if before is None else now
            self._seen[name] = (state, began)
            return began
        return before[1]

    def forget_others(self, names: Mapping[str, object]) -> None:
        """These are all that there are."""
        for name in self._seen.keys() - names.keys():
            del self._seen[name]


def all_now(
    reports: Reports,
    health: Health,
    now: datetime,
    changes: Changes | None = None,
    *,
    feed_lost: bool,
    strips: bool = False,
) -> list[Connection]:
    """The connections by id: those of the database, and others whose workers are heard."""
    known = dict(reports)
    if not feed_lost:
        for beat, is_stale in health.beats():
            if not is_stale and beat.connection_id not in known:
                known[beat.connection_id] = Report(beat.connection_id, beat.source_protocol)
    if changes is not None:
        changes.forget_others(known)
    return [
        one_now(known[name], health, now, changes, feed_lost=feed_lost, strips=strips)
        for name in sorted(known)
    ]


def one_now(
    report: Report,
    health: Health,
    now: datetime,
    changes: Changes | None,
    *,
    feed_lost: bool,
    strips: bool,
) -> Connection:
    """One of them."""
    status = health.status("", report.connection_id, feed_lost=feed_lost)
    beat = health.last(report.connection_id)
    seen = changes.since(status, now) if changes is not None else None
    since = _since(report, status, beat, seen)
    read_at = _later(_time(beat.read_at) if beat is not None else None, report.read_at)
    given = Given(report, status, since, read_at, now)
    found = Connection(
        connection_id=report.connection_id,
        protocol=report.protocol,
        endpoint=report.endpoint,
        state=_state(report, status),
        stale=status.stale,
        reason=status.reason,
        message=status.message,
        since=since,
        last_heartbeat=status.last_heartbeat,
        last_reading_at=None if read_at is None else _iso(read_at),
        wells=list(report.wells) or sorted(beat.wells if beat is not None else ()),
        mapped_tags=report.mapped,
        rejected_tags=report.rejected if report.told_at else status.rejected_tags,
        rejected=list(report.rejected_tags),
        problems=list(report.problems),
        journal=JournalNow(
            status.journal_batches,
            status.journal_bytes,
            status.journal_oldest_s,
            report.journal_size,
        ),
        conditions=conditions(given),
    )
    if not strips:
        return found
    return _with_strip(found, report, status, now)


def _with_strip(found: Connection, report: Report, status: Status, now: datetime) -> Connection:
    """With the last day; from when on nothing was heard of the worker, nobody read."""
    heard = now
    if status.stale:
        heard = _later(_time(status.last_heartbeat), report.told_at) or now
        if status.reason == "FeedLost" and report.told_at is not None:
            heard = now if now - report.told_at < ALIVE else report.told_at
    known = heard if report.told_at is not None else None
    changes = report.changes
    if not status.stale and found.since is not None and found.state != report.state:
        changes = (*changes, (found.since, found.state))  # the database is about to hear of it
    values = {name: getattr(found, name) for name in found.__struct_fields__ if name != "strip"}
    return Connection(**values, strip=strip(changes, known, now))


def _state(report: Report, status: Status) -> str:
    """As heard; of a worker that is not, what it told last where that is newer."""
    heard = _time(status.last_heartbeat)
    if heard is None:
        return report.state
    if status.stale and report.state == "stopped" and report.told_at is not None:
        return "stopped" if heard < report.told_at + CLOCKS_DIFFER else status.state
    return status.state


def _since(
    report: Report, status: Status, beat: wire.Heartbeat | None, seen: datetime | None
) -> datetime | None:
    """From when on it is so: as seen here, as the worker told, or as it was last heard."""
    if status.stale:
        if status.reason == "FeedLost":
            return seen
        return _time(status.last_heartbeat) if beat is not None else report.told_at
    if report.state != status.state or report.since is None or report.told_at is None:
        return seen
    if seen is not None and seen > report.since + CLOCKS_DIFFER and report.told_at < seen:
        return seen  # it was away meanwhile, which the database is about to hear
    return report.since


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
