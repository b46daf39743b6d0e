"""Columns from the database: reduced there, so that a row a column and tag travels.

Within a tenant's reader's transaction like all history (pumpjack_gateway.store).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from msgspec import Struct

from pumpjack_core.storage import holes
from pumpjack_core.storage.holes import JournalRow, Span
from pumpjack_gateway.history import Interval, Range
from pumpjack_gateway.points.answers import Bucket
from pumpjack_gateway.points.columns import Columns, asked_of
from pumpjack_gateway.points.stored import Progress
from pumpjack_gateway.store import Connection, Store

SOURCES: dict[Interval, str] = {
    "raw": "scada_points_raw",
    "1min": "scada_points_1min",
    "5min": "scada_points_5min",
    "1hour": "scada_points_1hour",
    "1day": "scada_points_1day",
}
HOLES_MAX = 5_000
"""Newest first; what is beyond is longer ago than anybody can tell apart on a chart."""


class Stored(Struct, frozen=True):
    """A stored series of a well. is_current: what the tag's readings go into now."""

    tag_id: int
    tag_name: str
    unit: str
    connection_id: str
    is_current: bool


class Drawn(Struct, frozen=True):
    """What one transaction saw.

    buckets     by tag_id
    spans       what is known to be missing, by connection
    known_from  from when on aggregates know of readings that are not GOOD; None: always did
    """

    buckets: Mapping[int, Sequence[Bucket]]
    spans: Mapping[str, Sequence[Span]]
    progress: Progress
    known_from: datetime | None


class PointsStore:
    """Asks the database for columns. Every method raises StorageError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def series(
        self, tenant_id: str, well_ids: Sequence[str], tag_names: Sequence[str]
    ) -> dict[tuple[str, str], list[Stored]]:
        """By well and tag name, the oldest first: all pairs of those wells and tags."""
        async with self._store.reader(tenant_id) as connection:
            rows = await connection.fetch(_SERIES, list(well_ids), list(tag_names))
        found: dict[tuple[str, str], list[Stored]] = {}
        for row in rows:
            one = Stored(
                row["tag_id"],
                row["tag_name"],
                row["unit"],
                row["connection_id"],
                row["is_current"],
            )
            found.setdefault((row["well_id"], one.tag_name), []).append(one)
        return found

    async def number(self, tenant_id: str, tags: Sequence[int], range_: Range) -> int:
        """About how many readings there are."""
        interval, whole = asked_of(range_)
        statement = f"""
            SELECT coalesce(sum(p.number), 0)::bigint FROM pumpjack.{SOURCES[interval]} AS p
            WHERE p.tag_id = ANY ($1) AND p.bucket >= $2 AND p.bucket < $3
        """  # noqa: S608 - the name comes from a table of this program
        async with self._store.reader(tenant_id) as connection:
            return int(await connection.fetchval(statement, list(tags), whole.start, whole.end))

    async def draw(
        self, tenant_id: str, tags: Sequence[int], columns: Columns, connections: Sequence[str]
    ) -> Drawn:
        """Columns of some series; how far and with which holes their connections are stored."""
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            journals = await connection.fetch(_JOURNALS, list(connections))
            notes = await connection.fetch(
                _NOTES, list(connections), columns.start, holes.SUSPENDED, HOLES_MAX
            )
            known_from = await connection.fetchval(_KNOWN_FROM)
            buckets = await _read(connection, tags, columns)
        spans: dict[str, list[Span]] = {}
        for note in notes:
            span = holes.of_note(note["kind"], note["time"], note["detail"])
            spans.setdefault(note["connection_id"], []).append(span)
        by_connection: dict[str, list[JournalRow]] = {}
        for row in journals:
            by_connection.setdefault(row["connection_id"], []).append(
                JournalRow(row["journal_id"], row["opened_at"], row["moved_at"], row["drained_at"])
            )
        for name, of in by_connection.items():
            spans.setdefault(name, []).extend(holes.lost_journals(of))
        progress = Progress(
            {row["journal_id"]: row["seq"] for row in journals},
            frozenset(
                name
                for name, of in by_connection.items()
                if all(one.drained_at is not None for one in of)
            ),
        )
        return Drawn(buckets, spans, progress, known_from)

    async def sparks(
        self, tenant_id: str, tags: Sequence[int], columns: Columns
    ) -> dict[int, list[Bucket]]:
        """Columns alone, by tag_id."""
        async with self._store.reader(tenant_id) as connection:
            return await _read(connection, tags, columns)


async def _read(
    connection: Connection, tags: Sequence[int], columns: Columns
) -> dict[int, list[Bucket]]:
    statement = _RAW if columns.interval == "raw" else _AGGREGATES
    # What is sorted or hashed fits: else it would be written to disk and read again.
    await connection.execute("SET LOCAL work_mem = '64MB'")
    rows = await connection.fetch(
        statement.format(
            source=SOURCES[columns.interval], value=2 if columns.interval == "raw" else 3
        ),
        list(tags),
        columns.start,
        columns.end,
        columns.width,
        0.0 if columns.interval == "raw" else columns.bucket.total_seconds() / 2,
    )
    return {
        tag_id: [tuple(row)[1:] for row in group]
        for tag_id, group in groupby(rows, key=itemgetter(0))
    }


_SERIES = """
    SELECT t.tag_id, t.well_id, t.tag_name, t.unit, t.connection_id,
           t.registered_at = max(t.registered_at) OVER (PARTITION BY t.well_id, t.tag_name)
               AS is_current
    FROM pumpjack.scada_tags AS t
    WHERE t.well_id = ANY ($1) AND t.tag_name = ANY ($2)
    ORDER BY t.well_id, t.tag_name, t.registered_at, t.tag_id
"""
_JOURNALS = """
    SELECT j.connection_id, j.journal_id::text, j.seq, j.opened_at, j.moved_at, j.drained_at
    FROM pumpjack.scada_journals AS j WHERE j.connection_id = ANY ($1)
"""
_NOTES = """
    SELECT h.connection_id, h.kind, h.time, h.detail
    FROM pumpjack.scada_holes AS h
    WHERE h.connection_id = ANY ($1) AND (h.told_at >= $2 OR h.kind = $3)
    ORDER BY h.told_at DESC LIMIT $4
"""
_KNOWN_FROM = "SELECT nullif(pumpjack.doubt_known_from(), '-infinity')"
# PostgreSQL refuses to divide into what is too small for a number.
_MEAN = "CASE WHEN abs({0}.total) < 1e-290 THEN 0 ELSE {0}.total / {0}.{1} END"
# The least array of (time, value) is the first reading: cheaper than sorting them all. The columns
# come as points.answers.Bucket has them.
_COLUMNS = """
    SELECT c.tag_id, (date_part('epoch', c.at) * 1e3)::bigint,
           c.first[{value}], c.last[{value}], c.low, c.high, c.number, c.good, c.worst,
           round((c.first[1] + $5) * 1e6) / 1e3, round((c.last[1] + $5) * 1e6) / 1e3,
           {mean}
    FROM ({reduced}) AS c ORDER BY 1, 2
""".replace("{mean}", _MEAN.format("c", "good"))
_RAW = _COLUMNS.replace(
    "{reduced}",
    """
    SELECT r.tag_id, date_bin($4, r.time, $2) AS at,
           min(ARRAY[date_part('epoch', r.time), r.value]) FILTER (WHERE r.level < 2) AS first,
           max(ARRAY[date_part('epoch', r.time), r.value]) FILTER (WHERE r.level < 2) AS last,
           min(r.value) FILTER (WHERE r.level < 2) AS low,
           max(r.value) FILTER (WHERE r.level < 2) AS high,
           count(*) AS number, count(*) FILTER (WHERE r.level = 0) AS good, max(r.level) AS worst,
           sum(r.value) FILTER (WHERE r.level = 0) AS total
    FROM pumpjack.{source} AS r
    WHERE r.tag_id = ANY ($1) AND r.time >= $2 AND r.time < $3
    GROUP BY 1, 2""",
)
# Of a bucket with GOOD and UNCERTAIN readings the mean of the GOOD ones is first, or last.
_AGGREGATES = _COLUMNS.replace(
    "{reduced}",
    """
    SELECT p.tag_id, date_bin($4, p.bucket, $2) AS at,
           min(ARRAY[date_part('epoch', p.bucket), p.level, {mean}])
               FILTER (WHERE p.level < 2) AS first,
           max(ARRAY[date_part('epoch', p.bucket), -p.level, {mean}])
               FILTER (WHERE p.level < 2) AS last,
           min(p.low) AS low, max(p.high) AS high, sum(p.number)::bigint AS number,
           coalesce(sum(p.number) FILTER (WHERE p.level = 0), 0)::bigint AS good,
           max(p.level) AS worst,
           sum(p.total) FILTER (WHERE p.level = 0) AS total
    FROM pumpjack.{source} AS p
    WHERE p.tag_id = ANY ($1) AND p.bucket >= $2 AND p.bucket < $3
    GROUP BY 1, 2""".replace("{mean}", _MEAN.format("p", "number")),
)
