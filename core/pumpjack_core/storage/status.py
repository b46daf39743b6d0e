"""How a database is: its level, sizes, how far it is behind, what comes next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg
from msgspec import Struct

from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.levels import Level, detect

TIMEOUT_S = 60.0
ROLLUPS = (
    *("rollup_1min", "rollup_5min", "rollup_1hour", "rollup_1day"),
    *("doubt_1min", "doubt_5min", "doubt_1hour", "doubt_1day"),
)
_DAY = timedelta(days=1)


class Part(Struct, frozen=True):
    """A table: bytes with its indexes, and rows as the server estimates them, None if it cannot."""

    name: str
    bytes: int
    rows: int | None


class Partitions(Struct, frozen=True):
    """Days of readings: their number, first and last, those compressed, when the first goes."""

    number: int
    begins: datetime | None
    ends: datetime | None
    compressed: int
    next_dropped: datetime | None


class Compression(Struct, frozen=True):
    """Compressed days of readings: bytes before and after."""

    before: int
    after: int

    @property
    def ratio(self) -> float:
        """How many times smaller."""
        return self.before / self.after if self.after else 0.0


class ConnectionStatus(Struct, frozen=True):
    """How far a connection is stored (the database function connections_status)."""

    tenant_id: str
    connection_id: str
    protocol: str
    started_at: datetime
    stored_at: datetime | None
    newest: datetime | None
    oldest_mark: datetime | None
    journals: int
    quarantined: int


class TenantStatus(Struct, frozen=True):
    """What a tenant has; readings are those counted in the days that are kept."""

    tenant_id: str
    wells: int
    connections: int
    tags: int
    readings: int
    quarantined: int


class Job(Struct, frozen=True):
    """Work that the database or `pumpjack maintain` does by itself."""

    name: str
    last: datetime | None
    next: datetime | None
    failed: bool


class Status(Struct, frozen=True):
    """Everything; what the login may not see is None, and hidden says what and how to see it."""

    level: Level
    version: int
    postgres: str
    timescaledb: str | None
    at: datetime
    database_bytes: int | None
    wal_bytes: int | None
    parts: tuple[Part, ...]
    partitions: Partitions
    compression: Compression | None
    connections: tuple[ConnectionStatus, ...] | None
    tenants: tuple[TenantStatus, ...] | None
    jobs: tuple[Job, ...]
    hidden: tuple[str, ...]


async def status(url: str, *, tenants: bool = False) -> Status:
    """Ask. url is of pumpjack_maintain, of pumpjack_operator, or of a superuser, who sees most."""
    async with connect(url, timeout_s=TIMEOUT_S) as connection:
        server = await detect(connection)
        settings = await connection.fetchrow("SELECT level, raw_days FROM pumpjack.settings")
        assert settings is not None
        level: Level = settings["level"]
        hidden: list[str] = []

        async def allowed(sql: str, what: str) -> Any:
            try:
                return await connection.fetch(sql)
            except asyncpg.InsufficientPrivilegeError:
                hidden.append(what)
                return None

        sizes = await allowed(
            "SELECT pg_database_size(current_database()) AS n",
            "the size of the database: it needs CONNECT on it",
        )
        wal = await allowed(
            "SELECT coalesce(sum(size), 0)::bigint AS n FROM pg_ls_waldir()",
            "the size of the write-ahead log: GRANT pg_monitor to this login",
        )
        of = await allowed(
            "SELECT * FROM pumpjack.connections_status()",
            "connections: use pumpjack_maintain, pumpjack_operator or a superuser",
        )
        whose = None
        if tenants:
            whose = await allowed(
                "SELECT * FROM pumpjack.tenants_status()",
                "tenants: use pumpjack_maintain, pumpjack_operator or a superuser",
            )
        partitions = await _partitions(connection, level, settings["raw_days"])
        return Status(
            level=level,
            version=await connection.fetchval("SELECT max(number) FROM pumpjack.migration"),
            postgres=f"{server.postgres // 10_000}.{server.postgres % 10_000}",
            timescaledb=server.timescaledb,
            at=await connection.fetchval("SELECT now()"),
            database_bytes=sizes[0]["n"] if sizes else None,
            wal_bytes=wal[0]["n"] if wal else None,
            parts=await _parts(connection, level),
            partitions=partitions,
            compression=await _compression(connection) if level == "community" else None,
            connections=None if of is None else tuple(_connection(row) for row in of),
            tenants=None if whose is None else tuple(_tenant(row) for row in whose),
            jobs=await _jobs(connection, level),
            hidden=tuple(hidden),
        )


def _connection(row: asyncpg.Record) -> ConnectionStatus:
    found = dict(row)
    return ConnectionStatus(**{**found, "quarantined": int(found["quarantined"])})


def _tenant(row: asyncpg.Record) -> TenantStatus:
    found = dict(row)
    readings, kept_out = int(found["readings"]), int(found["quarantined"])
    return TenantStatus(**{**found, "readings": readings, "quarantined": kept_out})


_TABLES = """
SELECT root.relname AS name, sum(pg_total_relation_size(part.oid))::bigint AS bytes,
       CASE WHEN bool_and(part.reltuples < 0) THEN NULL
            ELSE sum(greatest(part.reltuples, 0))::bigint END AS rows
FROM pg_class AS root
LEFT JOIN pg_inherits AS i ON i.inhparent = root.oid
JOIN pg_class AS part ON part.oid = coalesce(i.inhrelid, root.oid)
WHERE root.relnamespace = 'pumpjack'::regnamespace AND root.relname = ANY ($1)
GROUP BY root.relname
"""
_HYPERTABLES = """
SELECT h.name, coalesce(hypertable_size(h.relation), 0)::bigint AS bytes,
       approximate_row_count(h.relation) AS rows
FROM (SELECT 'reading' AS name, 'pumpjack.reading'::regclass AS relation
      UNION ALL
      SELECT view_name,
             format('%I.%I', materialization_hypertable_schema,
                    materialization_hypertable_name)::regclass
      FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'pumpjack') AS h
"""


async def _parts(connection: asyncpg.Connection, level: Level) -> tuple[Part, ...]:
    plain = ["quarantine", "audit_logs", "ingest_hour", "ingest_cursor", "series"]
    plain += ["events", "alarm", "commands"]
    if level == "plain":
        plain = ["reading", *ROLLUPS, *plain]
    elif level == "apache":
        plain = [*ROLLUPS, *plain]
    rows = list(await connection.fetch(_TABLES, plain))
    if level == "community":
        rows += await connection.fetch(_HYPERTABLES)
    elif level == "apache":
        rows += await connection.fetch(_HYPERTABLES.partition("UNION ALL")[0] + ") AS h")
    return tuple(sorted((Part(**dict(row)) for row in rows), key=lambda part: -part.bytes))


_PARTITIONS = """
SELECT to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC' AS begins,
       false AS compressed
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'pumpjack.reading'::regclass
"""
_CHUNKS = """
SELECT range_start AS begins, is_compressed AS compressed
FROM timescaledb_information.chunks
WHERE hypertable_schema = 'pumpjack' AND hypertable_name = 'reading'
"""


async def _partitions(connection: asyncpg.Connection, level: Level, raw_days: int) -> Partitions:
    found = await connection.fetch(_PARTITIONS if level == "plain" else _CHUNKS)
    begins = sorted(row["begins"] for row in found)
    first = begins[0] if begins else None
    return Partitions(
        number=len(found),
        begins=first,
        ends=begins[-1] + _DAY if begins else None,
        compressed=sum(row["compressed"] for row in found),
        next_dropped=None if first is None else first + _DAY + timedelta(days=raw_days),
    )


async def _compression(connection: asyncpg.Connection) -> Compression | None:
    row = await connection.fetchrow(
        "SELECT sum(before_compression_total_bytes)::bigint AS before,"
        " sum(after_compression_total_bytes)::bigint AS after"
        " FROM hypertable_compression_stats('pumpjack.reading')"
    )
    return None if row is None or row["before"] is None else Compression(**dict(row))


async def _jobs(connection: asyncpg.Connection, level: Level) -> tuple[Job, ...]:
    passes = await connection.fetchval("SELECT last_run FROM pumpjack.upkeep")
    own = Job("pumpjack maintain", passes, None, failed=False)
    if level != "community":
        return (own,)
    rows = await connection.fetch(
        """
        SELECT j.proc_name || ' of ' || coalesce(a.view_name, j.hypertable_name) AS name,
               nullif(s.last_successful_finish, '-infinity') AS last, s.next_start AS next,
               s.last_run_status IS NOT DISTINCT FROM 'Failed' AS failed
        FROM timescaledb_information.jobs AS j
        LEFT JOIN timescaledb_information.job_stats AS s USING (job_id)
        LEFT JOIN timescaledb_information.continuous_aggregates AS a
          ON a.materialization_hypertable_name = j.hypertable_name
        WHERE j.job_id >= 1000 ORDER BY s.next_start NULLS LAST, j.job_id
        """
    )
    return (own, *(Job(**dict(row)) for row in rows))
