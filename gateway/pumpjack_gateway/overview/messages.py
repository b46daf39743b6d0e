"""What the WebSocket says of all wells at once (docs/wire.md)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from pumpjack_core.wire import Reading
from pumpjack_gateway.live.frames import text_frame
from pumpjack_gateway.live.health import Status

# From a client


class SubscribeOverview(Struct, frozen=True, tag="subscribe-overview", forbid_unknown_fields=True):
    """Tell me of all wells of my tenant."""


class UnsubscribeOverview(
    Struct, frozen=True, tag="unsubscribe-overview", forbid_unknown_fields=True
):
    """Tell me of them no more."""


# To a client


class LiveValue(Struct, frozen=True, array_like=True):
    """A reading without its name: [value, quality, reason, timestamp]."""

    value: float | None
    quality: str
    reason: str | None
    timestamp: str


class Counts(Struct, frozen=True):
    """How many tags of a well have a newest reading of each quality; the others have none."""

    good: int = 0
    uncertain: int = 0
    bad: int = 0


class Worst(Struct, frozen=True, rename="camel"):
    """The tag of a well whose newest reading is trusted least."""

    tag_name: str
    quality: str
    reason: str | None
    timestamp: str


class ConnectionStatus(Struct, frozen=True, rename="camel"):
    """A connection of a well, as live.health.Status has it."""

    connection_id: str | None
    source_protocol: str | None
    state: str
    stale: bool
    reason: str | None
    message: str | None
    last_heartbeat: str | None
    stored_seq: int
    journal_batches: int
    journal_bytes: int
    journal_oldest_s: float
    rejected_tags: int


class WellNow(Struct, frozen=True, rename="camel"):
    """A well as it is. values: one for each of the keys that GET /overview has, in their order."""

    well_id: str
    values: list[LiveValue | None]
    counts: Counts
    worst: Worst | None
    connections: list[Raw]


class WellChange(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is new of a well. values: by their place among the keys."""

    well_id: str
    values: dict[str, LiveValue | None] | UnsetType = UNSET
    counts: Counts | UnsetType = UNSET
    worst: Worst | UnsetType | None = UNSET
    connections: list[Raw] | UnsetType = UNSET


class Overview(Struct, frozen=True, rename="camel", tag="overview"):
    """All wells, by id (each a WellNow); what follows continues from here.

    resumed  wells came or went, or show other keys: take this in place of what was told before
    """

    as_of: str
    resumed: bool
    wells: Sequence[Raw]


class OverviewChanges(Struct, frozen=True, rename="camel", tag="overview-changes"):
    """What changed since the message before (each a WellChange), of wells that are known."""

    as_of: str
    wells: Sequence[Raw]


class OverviewUnsubscribed(Struct, frozen=True, tag="overview-unsubscribed"):
    """No more is told of all wells."""


_encode = msgspec.json.Encoder().encode


def live_value(reading: Reading | None) -> LiveValue | None:
    """A reading as the overview tells it."""
    if reading is None:
        return None
    return LiveValue(reading.value, reading.quality, reading.reason, reading.timestamp)


def raw(part: WellNow | WellChange | ConnectionStatus) -> Raw:
    """A part of a message, encoded once for all that it goes into."""
    return Raw(_encode(part))


def raw_status(status: Status) -> Raw:
    """The state of a connection, whichever of its wells it is told for."""
    return raw(
        ConnectionStatus(
            connection_id=status.connection_id,
            source_protocol=status.source_protocol,
            state=status.state,
            stale=status.stale,
            reason=status.reason,
            message=status.message,
            last_heartbeat=status.last_heartbeat,
            stored_seq=status.stored_seq,
            journal_batches=status.journal_batches,
            journal_bytes=status.journal_bytes,
            journal_oldest_s=status.journal_oldest_s,
            rejected_tags=status.rejected_tags,
        )
    )


def frame_of_overview(message: Overview | OverviewChanges | OverviewUnsubscribed) -> bytes:
    """A message as the frame that goes to the client."""
    return text_frame(_encode(message))
