"""What REST answers to charts: these structs are both what is encoded and the OpenAPI's schemas."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pumpjack_gateway.history import AggregateInterval, Interval

Number = float | None
Worst = Annotated[int, Meta(ge=0, le=2, description="0 GOOD, 1 UNCERTAIN, 2 BAD")]
Bucket = tuple[
    int,  # tMs
    Number,  # first
    Number,  # last
    Number,  # min
    Number,  # max
    int,  # n
    int,  # good
    Worst,
    Number,  # firstMs
    Number,  # lastMs
    Number,  # mean
]
"""A column that is not empty: [tMs, first, last, min, max, n, good, worst, firstMs, lastMs, mean].

tMs             where the column begins [ms since the epoch]
first, last     value of the first and the last reading that is not BAD; from aggregates the mean of
                the first and the last bucket of the column (of its GOOD readings, or of its
                UNCERTAIN ones where it has no other)
min, max        over readings that are not BAD
n, good         all readings, and those that are GOOD
worst           0 GOOD, 1 UNCERTAIN, 2 BAD
firstMs, lastMs when first and last were [ms]; from aggregates the middle of their buckets
mean            of the GOOD readings
Null where the column has no such reading.
"""


class Series(Struct, frozen=True, rename="camel"):
    """A tag in one unit. A tag whose unit was changed has one for each.

    buckets  rows [tMs, first, last, min, max, n, good, worst, firstMs, lastMs, mean]: columns that
             are not empty, in order of time; points.answers.Bucket says what each is
    """

    tag_name: str
    unit: str
    connection_ids: list[str]
    buckets: list[Bucket]


_NAMES = {"connection_id": "connectionId", "begins": "from", "ends": "to"}


class Hole(Struct, frozen=True, rename=_NAMES, kw_only=True):
    """A time of which readings are missing, or are not stored yet.

    connectionId  null: not of one connection
    to            null: it lasts
    reason        not_stored, gap, damaged_batch, restored, suspended, journal_lost; catching_up:
                  received, on the way to the database; quality_unknown: buckets of so long ago
                  count GOOD readings only, what else there was is not known
    """

    connection_id: str | None
    begins: datetime
    ends: datetime | None
    reason: str
    message: str


class PointsAnswer(Struct, frozen=True, rename="camel"):
    """Columns [start + k * columnS), at most as many as were asked for.

    start, end    as asked, or grown to whole buckets of the interval
    interval      what the columns are made of; source is the view
    storedUntil   whatever the connections that read these tags now had received before then is in
                  the answer; null when nobody can say
    """

    as_of: datetime
    well_id: str
    start: datetime
    end: datetime
    interval: Interval
    source: str
    column_s: float
    stored_until: datetime | None
    series: list[Series]
    holes: list[Hole]


class Spark(Struct, frozen=True, rename="camel"):
    """A small trend: each list has one entry a column, null where there is nothing.

    last: mean of the last bucket of the column; min, max and last are of readings not BAD.
    """

    well_id: str
    tag_name: str
    min: list[Number]
    max: list[Number]
    last: list[Number]
    worst: list[Worst | None]


class SparksAnswer(Struct, frozen=True, rename="camel"):
    """Columns [start + k * columnS); the last one holds asOf, and is not over yet."""

    as_of: datetime
    start: datetime
    column_s: float
    interval: AggregateInterval
    source: Literal[
        "scada_points_1min", "scada_points_5min", "scada_points_1hour", "scada_points_1day"
    ]
    sparks: list[Spark]
