"""What is known of a well and its tags, as the manifests tell it: for REST and the overview."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec
from msgspec import Struct

from pumpjack_core.protocols import PROTOCOLS, Manner
from pumpjack_core.tags import WellFacts, stale_after_s
from pumpjack_gateway.store import Connection

LimitCondition = Literal["hihi", "hi", "lo", "lolo"]


class TagLimit(Struct, frozen=True, rename="camel"):
    """A declared alarm's limit, in the tag's unit. priority: 1 is the most urgent, 4 the least."""

    condition: LimitCondition
    limit: float
    priority: int


class TagFacts(Struct, frozen=True, rename="camel"):
    """A tag as it is declared.

    title             how screens call it; "" where nobody told, then tagName
    intervalS         how often it is read; null where its protocol tells by itself
    staleAfterS       without a reading for so long it is stale; null where its protocol tells that
                      by itself, or nobody knows when the next one comes
    low, high         its range, in its unit; null where it is not declared
    normalLow, …High  the band that is shaded on screens
    digits            decimals that are shown; null where nobody told
    stateNames        words for values
    writable          it may be written; what stops that now is in /control/tags
    limits            those of its alarms hihi, hi, lo and lolo
    """

    tag_name: str
    title: str
    description: str
    connection_id: str
    protocol: str
    address: str
    unit: str
    data_type: str
    interval_s: float | None
    stale_after_s: float | None
    low: float | None
    high: float | None
    normal_low: float | None
    normal_high: float | None
    digits: int | None
    state_names: dict[str, str]
    writable: bool
    limits: list[TagLimit]


class WellAnswer(Struct, frozen=True, rename="camel"):
    """A well with its tags, by name.

    since     when it was read first: nothing was stored of it before, unless its device told it
              afterwards
    template  the process picture; null where there is none for the well's type
    roles     role of the picture to the tag that plays it
    """

    as_of: datetime
    well_id: str
    title: str
    type: str
    pad: str
    route: str
    time_zone: str
    since: datetime | None
    template: str | None
    roles: dict[str, str]
    key_tags: list[str]
    tags: list[TagFacts]


def played(facts: WellFacts, tags: Iterable[TagFacts], roles: Iterable[str]) -> dict[str, str]:
    """Which tag plays each role of a picture: the one that is told, else the one of its name.

    A role whose tag is told stays with it, also while there is no such tag: another in its place
    would be a wrong number.
    """
    names = {tag.tag_name for tag in tags}
    found = {role: role for role in roles if role in names}
    return dict(sorted((found | facts.roles).items()))


async def read_wells(connection: Connection, wells: Sequence[str] | None = None) -> list[WellFacts]:
    """Wells of the tenant whose reader the connection is, by id; None: all."""
    rows = await connection.fetch(_WELLS, None if wells is None else list(wells))
    return [
        WellFacts(
            well_id=row["well_id"],
            title=row["title"],
            type=row["type"],
            pad=row["pad"],
            route=row["route"],
            time_zone=row["time_zone"],
            roles=msgspec.json.decode(row["roles"], type=dict[str, str]),
            key_tags=tuple(row["key_tags"]),
        )
        for row in rows
    ]


async def read_since(connection: Connection, well_id: str) -> datetime | None:
    """When a well was read first; None for one that is not known."""
    since: datetime | None = await connection.fetchval(
        "SELECT w.created_at FROM pumpjack.scada_wells AS w WHERE w.well_id = $1", well_id
    )
    return since


async def read_tags(
    connection: Connection, wells: Sequence[str] | None = None
) -> dict[str, list[TagFacts]]:
    """Tags by well, by name; None: of all wells. A well without tags is not in it."""
    chosen = None if wells is None else list(wells)
    limits: dict[tuple[str, str, str], list[TagLimit]] = defaultdict(list)
    for row in await connection.fetch(_LIMITS, chosen):
        limit = TagLimit(row["condition"], row["limit"], row["priority"])
        limits[row["well_id"], row["tag_name"], row["connection_id"]].append(limit)
    found: dict[str, list[TagFacts]] = defaultdict(list)
    for row in await connection.fetch(_TAGS, chosen):
        place = (row["well_id"], row["tag_name"], row["connection_id"])
        found[row["well_id"]].append(tag_of(row, limits.get(place, ())))
    return dict(found)


def tag_of(row: asyncpg.Record, limits: Iterable[TagLimit]) -> TagFacts:
    """A row of the view scada_tag_facts."""
    interval_s = row["interval_s"] or None
    protocol = PROTOCOLS.get(row["source_protocol"])
    is_polled = protocol is not None and protocol.manner is Manner.POLLED
    return TagFacts(
        tag_name=row["tag_name"],
        title=row["title"],
        description=row["description"],
        connection_id=row["connection_id"],
        protocol=row["source_protocol"],
        address=row["address"],
        unit=row["unit"],
        data_type=row["data_type"],
        interval_s=interval_s,
        stale_after_s=stale_after_s(interval_s) if is_polled and interval_s is not None else None,
        low=row["low"],
        high=row["high"],
        normal_low=row["normal_low"],
        normal_high=row["normal_high"],
        digits=row["digits"],
        state_names=msgspec.json.decode(row["state_names"], type=dict[str, str]),
        writable=row["writable"],
        limits=sorted(limits, key=lambda limit: limit.limit, reverse=True),
    )


_WELLS = """
    SELECT f.well_id, f.title, f.type, f.pad, f.route, f.time_zone,
           f.roles::text AS roles, f.key_tags
    FROM pumpjack.scada_well_facts AS f
    WHERE $1::text[] IS NULL OR f.well_id = ANY ($1)
    ORDER BY f.well_id
"""
_TAGS = """
    SELECT f.well_id, f.tag_name, f.connection_id, f.source_protocol, f.unit, f.data_type, f.title,
           f.description, f.address, f.interval_s, f.low, f.high, f.normal_low, f.normal_high,
           f.digits, f.state_names::text AS state_names, f.writable
    FROM pumpjack.scada_tag_facts AS f
    WHERE $1::text[] IS NULL OR f.well_id = ANY ($1)
    ORDER BY f.well_id, f.tag_name
"""
_LIMITS = """
    SELECT a.well_id, a.tag_name, a.connection_id, a.condition, a."limit", a.priority
    FROM pumpjack.scada_alarms AS a
    WHERE ($1::text[] IS NULL OR a.well_id = ANY ($1)) AND a.declared AND a."limit" IS NOT NULL
      AND a.condition IN ('hihi', 'hi', 'lo', 'lolo')
"""
