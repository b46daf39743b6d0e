"""What was received of a connection in a time, what became of it, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct

from pumpjack_core.errors import StorageError
from pumpjack_core.protocols import PROTOCOLS, Manner
from pumpjack_core.storage import holes
from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.holes import HOUR, HourRow, JournalRow, Span
from pumpjack_core.storage.roles import reader_role

TIMEOUT_S = 600.0
"""Every row of the time is counted."""
RESOLUTION = timedelta(microseconds=1)
_HOURS = """
SELECT a.hour, sum(a.received)::bigint AS received, sum(a.stored)::bigint AS stored,
       sum(a.duplicates)::bigint AS duplicates, sum(a.shifted)::bigint AS shifted,
       sum(a.quarantined)::bigint AS quarantined
FROM pumpjack.scada_ingest_hours AS a
WHERE a.tenant_id = $1 AND a.connection_id = $2 AND a.hour >= $3 AND a.hour < $4
GROUP BY a.hour ORDER BY a.hour
"""
_ROWS = """
SELECT date_bin('1 hour', r.time, 'epoch') AS hour, count(*) AS rows
FROM pumpjack.scada_readings AS r
WHERE r.tenant_id = $1 AND r.connection_id = $2
  AND r.time >= $3 AND r.time < $4
GROUP BY 1
"""
_OUTAGES = """
SELECT DISTINCT f.time AS begins,
       (SELECT n.time FROM pumpjack.scada_readings AS n
        WHERE n.tag_id = f.tag_id AND n.time > f.time ORDER BY n.time LIMIT 1) AS ends
FROM (
    SELECT r.tag_id, r.time, r.reason FROM pumpjack.scada_readings AS r
    WHERE r.tenant_id = $1 AND r.connection_id = $2 AND r.time >= $3 AND r.time < $4
    UNION ALL
    SELECT t.tag_id, last.time, last.reason
    FROM pumpjack.scada_tags AS t
    CROSS JOIN LATERAL (
        SELECT r.time, r.reason FROM pumpjack.scada_readings AS r
        WHERE r.tag_id = t.tag_id AND r.time < $3 ORDER BY r.time DESC LIMIT 1) AS last
    WHERE t.tenant_id = $1 AND t.connection_id = $2
) AS f
WHERE f.reason = 'comm_failure'
"""
_JOURNALS = """
SELECT j.journal_id::text, j.opened_at, j.moved_at, j.drained_at
FROM pumpjack.scada_journals AS j WHERE j.tenant_id = $1 AND j.connection_id = $2
"""
_NOTES = """
SELECT h.kind, h.time, h.detail
FROM pumpjack.scada_holes AS h WHERE h.tenant_id = $1 AND h.connection_id = $2
"""


class Counts(Struct, frozen=True):
    """Readings by what became of them; shifted ones are among the stored."""

    received: int
    stored: int
    duplicates: int
    shifted: int
    quarantined: int


class Reconciled(Struct, frozen=True):
    """What was found.

    counts           of the hours that [begins, ends) touches, whole hours each
    rows             readings that are really there in those hours
    comparable_from  before it, rows and counts cannot be compared: it was not counted yet, or
                     readings of that time are being dropped
    whole            no hole but by suspension, and nothing that does not add up
    """

    connection_id: str
    tenant_id: str
    begins: datetime
    ends: datetime
    counts: Counts
    rows: int
    comparable_from: datetime
    holes: tuple[Span, ...]
    whole: bool


async def reconcile(
    url: str, *, tenant_id: str, connection_id: str, begins: datetime, ends: datetime
) -> Reconciled:
    """Compare and name. url is of a login that may read the tenant. Raises StorageError."""
    async with connect(url, timeout_s=TIMEOUT_S) as connection:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await become_reader(connection, tenant_id)
            protocol = await _protocol(connection, tenant_id, connection_id)
            return await _compare(connection, protocol, tenant_id, connection_id, begins, ends)


async def become_reader(connection: asyncpg.Connection, tenant_id: str) -> None:
    """Take on the tenant's reader for the transaction. Raises StorageError with the grant."""
    role = reader_role(tenant_id)
    try:
        await connection.execute(f"SET LOCAL ROLE {role}")
    except asyncpg.InsufficientPrivilegeError as error:
        raise StorageError(
            f"this login may not read the tenant {tenant_id}; use a superuser, or "
            f"GRANT {role} to it"
        ) from error
    except (asyncpg.InvalidParameterValueError, asyncpg.UndefinedObjectError) as error:
        raise StorageError(f"this database has no tenant {tenant_id}") from error


async def _protocol(connection: asyncpg.Connection, tenant_id: str, connection_id: str) -> str:
    rows = await connection.fetch(
        "SELECT connection_id, protocol FROM pumpjack.scada_connections WHERE tenant_id = $1"
        " ORDER BY connection_id",
        tenant_id,
    )
    known = {row["connection_id"]: str(row["protocol"]) for row in rows}
    if connection_id not in known:
        some = ", ".join(list(known)[:5]) or "none"
        raise StorageError(
            f"the tenant {tenant_id} has no connection {connection_id} in this database; it has "
            f"{some}" + (f" and {len(known) - 5} more" if len(known) > 5 else "")
        )
    return known[connection_id]


async def _compare(  # noqa: PLR0917
    connection: asyncpg.Connection,
    protocol: str,
    tenant_id: str,
    connection_id: str,
    begins: datetime,
    ends: datetime,
) -> Reconciled:
    of = (tenant_id, connection_id)
    since = await connection.fetchval("SELECT pumpjack.comparable_from()")
    hours = (_hour(begins), _hour(ends + HOUR - RESOLUTION))
    rows = {r["hour"]: r["rows"] for r in await connection.fetch(_ROWS, *of, *hours)}
    counted = [
        HourRow(**dict(found), rows=rows.get(found["hour"], 0) if found["hour"] >= since else None)
        for found in await connection.fetch(_HOURS, *of, *hours)
    ]
    known = {one.hour for one in counted}
    uncounted = [
        HourRow(hour, 0, 0, 0, 0, 0, number)
        for hour, number in rows.items()
        if hour not in known and hour >= since
    ]
    spans = [
        *(
            holes.of_note(r["kind"], r["time"], r["detail"])
            for r in await connection.fetch(_NOTES, *of)
        ),
        *holes.lost_journals(
            [JournalRow(**dict(r)) for r in await connection.fetch(_JOURNALS, *of)]
        ),
    ]
    outages = [
        Span("comm_failure", r["begins"], r["ends"], "the device could not be reached")
        for r in await connection.fetch(_OUTAGES, *of, begins, ends)
    ]
    spans += holes.unintended(holes.merged(outages), spans)
    spans = [one for one in spans if holes.touches(one, begins, ends)]
    if protocol in PROTOCOLS and PROTOCOLS[protocol].manner is Manner.POLLED:
        spans += holes.silent_hours(counted, max(begins, since), ends, spans)
    spans += holes.mismatches([*counted, *uncounted])
    merged = holes.merged(spans)
    return Reconciled(
        connection_id=connection_id,
        tenant_id=tenant_id,
        begins=begins,
        ends=ends,
        counts=_sum(counted),
        rows=sum(rows.values()),
        comparable_from=since,
        holes=tuple(merged),
        whole=all(one.kind == holes.SUSPENDED for one in merged),
    )


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def _sum(hours: Sequence[HourRow]) -> Counts:
    return Counts(
        sum(one.received for one in hours),
        sum(one.stored for one in hours),
        sum(one.duplicates for one in hours),
        sum(one.shifted for one in hours),
        sum(one.quarantined for one in hours),
    )
