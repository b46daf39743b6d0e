"""What workers told the database of their connections, from its views."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import asyncpg
import msgspec
from msgspec import Struct

from pumpjack_gateway.connections.answers import RejectedTag
from pumpjack_gateway.store import Store, UnknownTenant

DAY = timedelta(days=1)


class Report(Struct, frozen=True):
    """A connection as its worker told of it last; told_at None: it never did.

    since    from when on it is in state
    told_at  until then its worker was there, at least
    changes  (from, state), oldest first: of the last day, and the one before that
    """

    connection_id: str
    protocol: str
    wells: tuple[str, ...] = ()
    told_at: datetime | None = None
    state: str = "unknown"
    since: datetime | None = None
    reason: str = ""
    message: str = ""
    read_at: datetime | None = None
    endpoint: str = ""
    journal_size: int | None = None
    journal_full: bool = False
    by_exception: bool = False
    mapped: int = 0
    rejected: int = 0
    in_part: int = 0
    rejected_tags: tuple[RejectedTag, ...] = ()
    problems: tuple[str, ...] = ()
    interval_s: float = 1.0
    changes: tuple[tuple[datetime, str], ...] = ()


Reports = dict[str, Report]


class StoredReports:
    """The database's views."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, tenant_id: str, now: datetime) -> Reports:
        """All of a tenant, by id; none of one that nobody knows. Raises StorageError."""
        try:
            async with self._store.reader(tenant_id, "repeatable_read") as connection:
                rows = await connection.fetch(_REPORTS)
                states = await connection.fetch(_STATES, now - DAY)
        except UnknownTenant:
            return {}
        changes: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for row in states:
            changes[row["connection_id"]].append((row["at"], row["state"]))
        return {
            row["connection_id"]: _report(row, tuple(changes[row["connection_id"]])) for row in rows
        }


def _report(row: asyncpg.Record, changes: tuple[tuple[datetime, str], ...]) -> Report:
    name, protocol, wells = row["connection_id"], row["source_protocol"], tuple(row["wells"])
    if row["told_at"] is None:
        return Report(name, protocol, wells)
    return Report(
        connection_id=name,
        protocol=protocol,
        wells=wells,
        told_at=row["told_at"],
        state=row["state"],
        since=row["since"],
        reason=row["reason"],
        message=row["message"],
        read_at=row["read_at"],
        endpoint=row["endpoint"],
        journal_size=row["journal_size"],
        journal_full=row["journal_full"],
        by_exception=row["by_exception"],
        mapped=row["mapped"],
        rejected=row["rejected"],
        in_part=row["in_part"],
        rejected_tags=msgspec.json.decode(row["rejected_tags"], type=tuple[RejectedTag, ...]),
        problems=msgspec.json.decode(row["problems"], type=tuple[str, ...]),
        interval_s=row["interval_s"],
        changes=changes,
    )


_REPORTS = """
    SELECT r.connection_id, r.source_protocol, r.told_at, r.state, r.since, r.reason, r.message,
           r.read_at, r.endpoint, r.journal_size, r.journal_full, r.by_exception, r.mapped,
           r.rejected, r.in_part, r.rejected_tags::text, r.problems::text, r.interval_s,
           coalesce(w.wells, '{}') AS wells
    FROM pumpjack.scada_connection_reports AS r
    LEFT JOIN (SELECT f.connection_id, array_agg(DISTINCT f.well_id ORDER BY f.well_id) AS wells
               FROM pumpjack.scada_tag_facts AS f GROUP BY f.connection_id) AS w
        ON w.connection_id = r.connection_id
    ORDER BY r.connection_id
"""
_STATES = """
    SELECT s.connection_id, s.at, s.state, s.state_no
    FROM pumpjack.scada_connection_states AS s WHERE s.at >= $1
    UNION ALL
    (SELECT DISTINCT ON (b.connection_id) b.connection_id, b.at, b.state, b.state_no
     FROM pumpjack.scada_connection_states AS b WHERE b.at < $1
     ORDER BY b.connection_id, b.state_no DESC)
    ORDER BY connection_id, state_no
"""
