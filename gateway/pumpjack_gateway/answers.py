"""What REST answers: these structs are both what is encoded and the schemas of the OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from pumpjack_core.wire import Reading
from pumpjack_gateway.history import AggregateInterval
from pumpjack_gateway.live.health import Status


class HistoryReading(Struct, frozen=True, rename="camel"):
    """One stored reading. value is null where there was none; reason says why it is not GOOD."""

    time: datetime
    tag_name: str
    connection_id: str
    value: float | None
    quality: Literal["GOOD", "UNCERTAIN", "BAD"]
    reason: str | None
    unit: str
    source_protocol: str


class HistoryAggregate(Struct, frozen=True, rename="camel"):
    """The GOOD readings of one tag within one bucket; bucket is where it begins."""

    bucket: datetime
    tag_name: str
    connection_id: str
    avg_value: float
    min_value: float
    max_value: float
    reading_count: int
    unit: str


class ReadingsPage(Struct, frozen=True, rename="camel"):
    """Raw readings, by time, then tag. source is the view that they were read from."""

    well_id: str
    start: datetime
    end: datetime
    interval: Literal["raw"]
    source: Literal["scada_readings"]
    readings: list[HistoryReading]
    next_cursor: str | None


class AggregatesPage(Struct, frozen=True, rename="camel"):
    """Aggregates, by bucket, then tag. source is the view that they were read from."""

    well_id: str
    start: datetime
    end: datetime
    interval: AggregateInterval
    source: str
    aggregates: list[HistoryAggregate]
    next_cursor: str | None


class LatestAnswer(Struct, frozen=True, rename="camel"):
    """The latest reading of each tag, and whether its connections are alive.

    source  feed: as the live feed has it; database: the last that was stored
    """

    well_id: str
    source: Literal["feed", "database"]
    readings: list[Reading]
    connections: list[Status]


class TagSummary(Struct, frozen=True, rename="camel"):
    """A tag as it is now: its unit, data type and the connection that reads it."""

    tag_name: str
    unit: str
    data_type: str
    connection_id: str


class WellSummary(Struct, frozen=True, rename="camel"):
    """A well with its tags, by name. lastReadingAt: time of its newest stored reading."""

    well_id: str
    tags: list[TagSummary]
    last_reading_at: datetime | None


class WellsPage(Struct, frozen=True, rename="camel"):
    """Wells by id. Give nextAfter as `after` to go on."""

    wells: list[WellSummary]
    next_after: str | None


class Ready(Struct, frozen=True):
    """Whether the gateway can serve; down names what it cannot reach."""

    ready: bool
    down: list[str]


class Healthy(Struct, frozen=True):
    """The process runs."""

    ok: bool


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457): detail is a sentence with the way out, code is for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str = ""
