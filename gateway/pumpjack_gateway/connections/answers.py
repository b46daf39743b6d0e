"""What REST and the WebSocket say of connections; the schema of the OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

StripState = Literal["connected", "down", "none", "suspended"]


class RejectedTag(Struct, frozen=True):
    """A tag that is not read, or not used whole. mapping: namespace/name of its TagMapping."""

    tag: str
    mapping: str
    reason: str


class JournalNow(Struct, frozen=True, rename="camel"):
    """What the worker has and the database does not yet; size_bytes: how much it may be."""

    batches: int
    bytes: int
    oldest_s: float
    size_bytes: int | None


class ConditionNow(Struct, frozen=True):
    """One thing that holds or does not, in the words of the ScadaConnection's status."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    since: datetime | None


class Strip(Struct, frozen=True, rename="camel"):
    """States of the last day, one for each column_s seconds from start on; "none": nobody read."""

    start: datetime
    column_s: int
    states: list[StripState]


class Connection(Struct, frozen=True, rename="camel"):
    """A connection.

    endpoint         host and port of the device, "" where it is not known yet
    state            of the device, as its worker says; "unknown" when nobody ever said
    stale            nothing is heard of the worker: what is told is the last known
    reason, message  why it is stale, else why the device is away: a word, and a sentence
    since            from when on it is so, null where nobody knows
    lastReadingAt    when the device last said anything
    mappedTags       tags that are read
    rejectedTags     tags, and parts of tags, that mappings declare and that are not used
    rejected         the first 50 of those
    strip            by REST only
    """

    connection_id: str
    protocol: str
    endpoint: str
    state: str
    stale: bool
    reason: str | None
    message: str | None
    since: datetime | None
    last_heartbeat: str | None
    last_reading_at: str | None
    wells: list[str]
    mapped_tags: int
    rejected_tags: int
    rejected: list[RejectedTag]
    problems: list[str]
    journal: JournalNow
    conditions: list[ConditionNow]
    strip: Strip | UnsetType = UNSET


class ConnectionsAnswer(Struct, frozen=True, rename="camel"):
    """The connections of the tenant, by id."""

    as_of: datetime
    connections: list[Connection]
