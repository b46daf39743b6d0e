"""Whether a connection's readings can be trusted to be live, from its heartbeats. Pure.

Three heartbeats missed is stale; so is everything when the feed itself is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from pumpjack_core.wire import STALE_AFTER_S, Heartbeat

Staleness = Literal["HeartbeatLost", "NeverHeard", "FeedLost"]
STALE_SENTENCES: dict[Staleness, str] = {
    "HeartbeatLost": "nothing was heard of the worker for three heartbeats; "
    "values shown are the last known",
    "NeverHeard": "no worker of this connection is running; values shown are the last known",
    "FeedLost": "the gateway has lost the live feed and is connecting again; "
    "values shown are the last known",
}
_QUIET_JOURNAL_S = 5.0


class Status(Struct, frozen=True, rename="camel", tag="status"):
    """What a client is told of one connection of a well.

    state          of the device as its worker says, "unknown" when none was heard
    stale, reason  the values shown are not live; why, in one CamelCase word
    journal…       what the worker has and the database does not yet
    """

    well_id: str
    connection_id: str | None
    source_protocol: str | None
    state: str
    stale: bool
    reason: str | None
    message: str | None
    last_heartbeat: str | None
    stored_seq: int = 0
    journal_batches: int = 0
    journal_bytes: int = 0
    journal_oldest_s: float = 0.0
    rejected_tags: int = 0


@dataclass(slots=True)
class _Heard:
    heartbeat: Heartbeat
    at_s: float
    stale: bool


class Health:
    """The connections of one tenant. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def hear(self, heartbeat: Heartbeat, now_s: float) -> bool:
        """Take a heartbeat in; whether clients should be told."""
        known = self._heard.get(heartbeat.connection_id)
        self._heard[heartbeat.connection_id] = _Heard(heartbeat, now_s, stale=False)
        return known is None or known.stale or _gist(known.heartbeat) != _gist(heartbeat)

    def remember(self, heartbeat: Heartbeat, now_s: float, now_us: int) -> None:
        """Take in a heartbeat that was kept in Redis: as old as its own time says."""
        known = self._heard.get(heartbeat.connection_id)
        at_s = now_s - max(0.0, now_us / 1e6 - _seconds(heartbeat.at))
        if known is None or known.stale or known.at_s < at_s:
            stale = now_s - at_s >= STALE_AFTER_S
            self._heard[heartbeat.connection_id] = _Heard(heartbeat, at_s, stale)

    def overdue(self, now_s: float) -> list[str]:
        """Connections that have just become stale."""
        late = [
            name
            for name, heard in self._heard.items()
            if not heard.stale and now_s - heard.at_s >= STALE_AFTER_S
        ]
        for name in late:
            self._heard[name].stale = True
        return late

    def lose_feed(self) -> None:
        """Nothing is known any more until heartbeats come again."""
        for heard in self._heard.values():
            heard.stale = True

    def last(self, connection_id: str) -> Heartbeat | None:
        """The last heartbeat of a connection."""
        heard = self._heard.get(connection_id)
        return heard.heartbeat if heard is not None else None

    def beats(self) -> Iterator[tuple[Heartbeat, bool]]:
        """The last heartbeat of each connection, and whether it is stale."""
        return ((heard.heartbeat, heard.stale) for heard in self._heard.values())

    def serving(self, well_id: str) -> Iterator[str]:
        """Connections whose heartbeats name this well."""
        return (name for name, heard in self._heard.items() if well_id in heard.heartbeat.wells)

    def status(self, well_id: str, connection_id: str | None, *, feed_lost: bool) -> Status:
        """What clients of a well are told of a connection; None: of all that may exist."""
        heard = self._heard.get(connection_id) if connection_id is not None else None
        why: Staleness | None = None
        if feed_lost:
            why = "FeedLost"
        elif heard is None:
            why = "NeverHeard"
        elif heard.stale:
            why = "HeartbeatLost"
        sentence = STALE_SENTENCES[why] if why is not None else None
        if heard is None:
            return Status(well_id, connection_id, None, "unknown", True, why, sentence, None)
        beat = heard.heartbeat
        return Status(
            well_id=well_id,
            connection_id=connection_id,
            source_protocol=beat.source_protocol,
            state=beat.state,
            stale=why is not None,
            reason=why or beat.reason,
            message=sentence or beat.message,
            last_heartbeat=beat.at,
            stored_seq=beat.stored_seq,
            journal_batches=beat.journal_batches,
            journal_bytes=beat.journal_bytes,
            journal_oldest_s=beat.journal_oldest_s,
            rejected_tags=beat.rejected_tags,
        )


def _gist(heartbeat: Heartbeat) -> tuple[object, ...]:
    """What must differ for clients to be told: a journal's age counts when it doubles."""
    age_s = heartbeat.journal_oldest_s
    doublings = 0 if age_s < _QUIET_JOURNAL_S else int(math.log2(age_s / _QUIET_JOURNAL_S)) + 1
    return (
        heartbeat.epoch,
        heartbeat.state,
        heartbeat.reason,
        heartbeat.message,
        heartbeat.rejected_tags,
        doublings,
    )


def _seconds(iso: str) -> float:
    try:
        return datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return 0.0
