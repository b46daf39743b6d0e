"""What an overview knows of wells beside their readings, from the database.

A well is in it while a connection reads a tag of it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from typing import Protocol

import asyncpg
import msgspec
from msgspec import Raw, Struct

from pumpjack_core.log import get_logger
from pumpjack_gateway.overview.answers import OverviewWell
from pumpjack_gateway.store import Connection, Store, UnknownTenant
from pumpjack_gateway.well_facts import TagFacts, TagLimit, tag_of

KEYS_MAX = 3
ROWS_AT_ONCE = 100
"""So many are taken in before others have their turn."""
_log = get_logger("gateway.overview")
_encode = msgspec.json.Encoder().encode


class WellKnown(Struct, frozen=True):
    """A well: what REST says of it, encoded, and what the live overview goes by.

    keys  names of the tags that are shown
    tags  names of all tags that are read
    """

    well_id: str
    keys: tuple[str, ...]
    tags: frozenset[str]
    connections: tuple[str, ...]
    encoded: Raw


class TenantFacts(Struct, frozen=True):
    """The wells of a tenant, by id. digest: the same as long as nothing changed."""

    wells: dict[str, WellKnown]
    digest: str


NOTHING = TenantFacts({}, hashlib.sha256().hexdigest())


class FactSource(Protocol):
    """Where the facts are (StoredFacts)."""

    async def read(self, tenant_id: str) -> TenantFacts:
        """Raises StorageError."""
        ...


class StoredFacts:
    """The database's views."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, tenant_id: str) -> TenantFacts:
        """The wells that are read now; none of a tenant that nobody knows. Raises StorageError."""
        try:
            async with self._store.reader(tenant_id, "repeatable_read") as connection:
                rows = await connection.fetch(_ROWS)
                limits = await _limits(connection, rows)
        except UnknownTenant:
            return NOTHING
        wells: dict[str, WellKnown] = {}
        digest = hashlib.sha256()
        for number, (well_id, of_well) in enumerate(_by_well(rows).items(), 1):
            known = _well(of_well, limits)
            wells[well_id] = known
            digest.update(known.encoded)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return TenantFacts(wells, digest.hexdigest())


def _by_well(rows: list[asyncpg.Record]) -> dict[str, list[asyncpg.Record]]:
    wells: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        wells[row["of_well"]].append(row)
    return wells


Limits = dict[tuple[str, str], list[TagLimit]]


async def _limits(connection: Connection, rows: list[asyncpg.Record]) -> Limits:
    """Of the tags that are shown, by well and tag."""
    shown = [row for row in rows if row["tag_name"] is not None]
    found: Limits = defaultdict(list)
    for row in await connection.fetch(
        _LIMITS,
        [row["of_well"] for row in shown],
        [row["tag_name"] for row in shown],
        [row["connection_id"] for row in shown],
    ):
        limit = TagLimit(row["condition"], row["limit"], row["priority"])
        found[row["well_id"], row["tag_name"]].append(limit)
    return found


def _well(rows: list[asyncpg.Record], limits: Limits) -> WellKnown:
    """A well from its rows, one for each tag that is shown; a single one without a tag for none."""
    first = rows[0]
    keys: list[TagFacts] = []
    for row in rows:
        if row["tag_name"] is None:
            continue
        try:
            keys.append(tag_of(row, limits.get((row["of_well"], row["tag_name"]), ())))
        except msgspec.MsgspecError as error:
            _log.error("the facts of a tag cannot be read", well=row["of_well"], why=str(error))
    well = OverviewWell(
        well_id=first["of_well"],
        title=first["well_title"],
        type=first["well_type"],
        pad=first["well_pad"],
        route=first["well_route"],
        time_zone=first["well_time_zone"],
        since=first["well_since"],
        keys=keys,
        connection_ids=first["well_connections"],
        tags=len(first["well_tags"]),
    )
    return WellKnown(
        well_id=well.well_id,
        keys=tuple(tag.tag_name for tag in keys),
        tags=frozenset(first["well_tags"]),
        connections=tuple(well.connection_ids),
        encoded=Raw(_encode(well)),
    )


# Analog is what is neither on or off nor has words for its values. The views are read once each.
_ROWS = f"""
WITH tag AS MATERIALIZED (
    SELECT f.*, f.data_type NOT LIKE 'bool%' AND f.state_names = '{{}}' AS is_analog
    FROM pumpjack.scada_tag_facts AS f
), well AS MATERIALIZED (
    SELECT f.*, w.created_at AS since, t.tags, t.connections
    FROM pumpjack.scada_well_facts AS f
    LEFT JOIN pumpjack.scada_wells AS w USING (well_id)
    JOIN (SELECT tag.well_id, array_agg(tag.tag_name) AS tags,
                 array_agg(DISTINCT tag.connection_id) AS connections
          FROM tag GROUP BY tag.well_id) AS t USING (well_id)
), ranked AS (
    SELECT tag.well_id, tag.tag_name, tag.is_analog,
           array_position(well.key_tags, tag.tag_name) AS told,
           bool_or(tag.tag_name = ANY (well.key_tags)) OVER of_well AS any_told,
           row_number() OVER in_order AS place
    FROM tag JOIN well USING (well_id)
    WINDOW of_well AS (PARTITION BY tag.well_id),
           in_order AS (of_well ORDER BY NOT tag.is_analog, tag.tag_name COLLATE "C")
), shown AS (
    SELECT tag.*, r.told, r.place
    FROM ranked AS r JOIN tag USING (well_id, tag_name)
    WHERE r.told IS NOT NULL OR (NOT r.any_told AND r.is_analog AND r.place <= {KEYS_MAX})
)
SELECT well.well_id AS of_well, well.title AS well_title, well.type AS well_type,
       well.pad AS well_pad, well.route AS well_route, well.time_zone AS well_time_zone,
       well.since AS well_since,
       CASE WHEN coalesce(row_number() OVER (PARTITION BY well.well_id
                                             ORDER BY shown.told, shown.place), 1) = 1
            THEN well.tags END AS well_tags,
       well.connections AS well_connections, shown.*
FROM well LEFT JOIN shown ON shown.well_id = well.well_id
ORDER BY well.well_id COLLATE "C", shown.told, shown.place
"""  # noqa: S608 - a number of this program
_LIMITS = """
    SELECT a.well_id, a.tag_name, a.condition, a."limit", a.priority
    FROM pumpjack.scada_alarms AS a
    JOIN unnest($1::text[], $2::text[], $3::text[]) AS s (well_id, tag_name, connection_id)
         USING (well_id, tag_name, connection_id)
    WHERE a.declared AND a."limit" IS NOT NULL AND a.condition IN ('hihi', 'hi', 'lo', 'lolo')
"""
