"""History from the database, one tenant at a time.

The gateway's login may read nothing by itself. Each transaction takes on the role of the tenant
that asks (SET LOCAL ROLE), is read-only, and has a time limit; every value is a bound parameter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_core.storage.roles import reader_role
from pumpjack_core.wire import Reading
from pumpjack_gateway.answers import HistoryAggregate, HistoryReading, TagSummary, WellSummary
from pumpjack_gateway.history import After, Query, windows

ACQUIRE_LIMIT_S = 3.0
AUDIT_LOCK_MS = 2_000
"""Entries of other tenants wait meanwhile."""
WELLS_MAX = 10_000
_log = get_logger("gateway.store")

Connection = asyncpg.pool.PoolConnectionProxy
Isolation = Literal["read_committed", "repeatable_read"]
_LATER = "the database cannot be reached now; try again in a moment"


class StoreUnavailable(StorageError):
    """The database cannot be asked now; later it may."""


class QueryTooLong(StorageError):
    """The database gave up on a query."""


class UnknownTenant(StorageError):
    """The database has no such tenant."""


class Rejected(StorageError):
    """A function of ours said no, with a sentence. state: its SQLSTATE, such as PJ020."""

    def __init__(self, state: str, sentence: str) -> None:
        super().__init__(sentence)
        self.state = state


class Store:
    """A pool of connections as the login pumpjack_gateway."""

    def __init__(self, url: str, *, pool_max: int, limit_s: float) -> None:
        self._url = url
        self._pool_max = pool_max
        self._limit_s = limit_s
        self._pool: asyncpg.Pool | None = None
        self.is_up = False
        self._complained = False

    async def open(self) -> None:
        """Make the pool; it connects when first used, so the database may still be down."""
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._pool_max,
            statement_cache_size=0,  # so that PgBouncer may stand between in transaction mode
            command_timeout=self._limit_s + 2.0,
            timeout=ACQUIRE_LIMIT_S,
            max_inactive_connection_lifetime=60.0,
            server_settings={"application_name": "pumpjack-gateway"},
        )

    async def close(self) -> None:
        """End the connections, and what runs on them."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(3):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @property
    def connections(self) -> tuple[int, int]:
        """How many there are, and how many are at work."""
        if self._pool is None:
            return (0, 0)
        return (self._pool.get_size(), self._pool.get_size() - self._pool.get_idle_size())

    async def ping(self) -> None:
        """Ask for nothing. Raises StorageError when there is no answer."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    async def readings(self, tenant_id: str, query: Query) -> list[tuple[HistoryReading, After]]:
        """One page of raw readings, by time, then tag; each with its place."""
        rows = await self._page(tenant_id, query, "time", _RAW_COLUMNS)
        return [
            (
                HistoryReading(
                    time=row["time"],
                    tag_name=row["tag_name"],
                    connection_id=row["connection_id"],
                    value=row["value"],
                    quality=row["quality"],
                    reason=row["reason"],
                    unit=row["unit"],
                    source_protocol=row["source_protocol"],
                ),
                After(row["time"], row["tag_name"], row["tag_id"]),
            )
            for row in rows
        ]

    async def aggregates(
        self, tenant_id: str, query: Query
    ) -> list[tuple[HistoryAggregate, After]]:
        """One page of aggregates, by bucket, then tag; each with its place."""
        rows = await self._page(tenant_id, query, "bucket", _AGGREGATE_COLUMNS)
        return [
            (
                HistoryAggregate(
                    bucket=row["bucket"],
                    tag_name=row["tag_name"],
                    connection_id=row["connection_id"],
                    avg_value=row["avg_value"],
                    min_value=row["min_value"],
                    max_value=row["max_value"],
                    reading_count=row["reading_count"],
                    unit=row["unit"],
                ),
                After(row["bucket"], row["tag_name"], row["tag_id"]),
            )
            for row in rows
        ]

    async def latest(self, tenant_id: str, well_id: str) -> list[Reading]:
        """The last stored reading of each tag of a well, as the live feed writes them."""
        async with self.reader(tenant_id) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (tag_name) tag_name, value, quality, reason, "
                "to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at "
                "FROM pumpjack.scada_latest WHERE well_id = $1 ORDER BY tag_name, time DESC",
                well_id,
            )
        return [
            Reading(row["tag_name"], row["value"], row["quality"], row["reason"], row["at"])
            for row in rows
        ]

    async def well_ids(self, tenant_id: str) -> frozenset[str]:
        """The wells of a tenant."""
        async with self.reader(tenant_id) as connection:
            rows = await connection.fetch("SELECT well_id FROM pumpjack.scada_wells")
        return frozenset(row["well_id"] for row in rows)

    async def wells(self, tenant_id: str, *, after: str | None, limit: int) -> list[WellSummary]:
        """One page of the wells of a tenant with what is known of each, by well id."""
        async with self.reader(tenant_id) as connection:
            rows = await connection.fetch(_WELLS, after or "", limit)
        return [
            WellSummary(
                well_id=row["well_id"],
                tags=msgspec.json.decode(row["tags"], type=list[TagSummary]),
                last_reading_at=row["last_reading_at"],
            )
            for row in rows
        ]

    async def audit(self, entries: Sequence[tuple[str, str, str, str, str]]) -> None:
        """Append to the audit log: (tenant, actor, action, outcome, detail as JSON).

        All or none. Raises Rejected when one of them can never be written, as it is, and
        StoreUnavailable when somebody holds the tenant's chain.
        """
        # Each tenant's chain is locked until the end: all gateways take them in one order.
        ordered = sorted(entries, key=lambda entry: entry[0])
        async with self.connection() as connection:
            try:
                async with connection.transaction():
                    await connection.execute(f"SET LOCAL lock_timeout = {AUDIT_LOCK_MS}")
                    await connection.executemany(
                        "SELECT pumpjack.audit($1, $2, $3, $4, $5::text::jsonb)", ordered
                    )
            except asyncpg.LockNotAvailableError as error:
                raise StoreUnavailable("somebody holds the tenant's audit log") from error
            except _NEVER as error:
                raise Rejected(
                    error.sqlstate or "", "the audit log cannot hold what an entry says"
                ) from error

    async def audit_heads(self) -> list[tuple[str, int, str, datetime | None]]:
        """Where each tenant's audit chain ends: (tenant, number, hash in hexadecimal digits, at).

        at: when the last entry was written.
        """
        async with self.connection() as connection:
            rows = await connection.fetch(
                "SELECT tenant_id, audit_no, hash, at FROM pumpjack.audit_heads()"
            )
        return [(row["tenant_id"], row["audit_no"], row["hash"], row["at"]) for row in rows]

    async def _page(
        self, tenant_id: str, query: Query, time: str, columns: str
    ) -> list[asyncpg.Record]:
        """At most limit + 1 rows after the place.

        The range is searched window by window, each longer than the one before, until the page is
        full: the views cannot give rows in order of time, so a search of the whole range would
        read and sort all of it for each page.
        """
        statement = f"""
            SELECT {columns}
            FROM pumpjack.{query.source} AS r
            WHERE r.tag_id = ANY ($1) AND r.{time} >= $2 AND r.{time} < $3
              AND (r.{time} > $4 OR (r.tag_name, r.tag_id) > ($5, $6))
            ORDER BY r.{time}, r.tag_name, r.tag_id
            LIMIT $7
        """  # noqa: S608 - the names come from tables of this program
        after = query.after or After(query.range.start, "", 0)
        rows: list[asyncpg.Record] = []
        async with self.reader(tenant_id) as connection:
            found = await connection.fetch(_TAGS, query.well_id, list(query.tag_names))
            tags = [row["tag_id"] for row in found]
            for window in windows(query, len(tags)):
                rows += await connection.fetch(
                    statement,
                    tags,
                    window.start,
                    window.end,
                    after.time,
                    after.tag_name,
                    after.tag_id,
                    query.limit + 1 - len(rows),
                )
                if len(rows) > query.limit:
                    break
        return rows

    @asynccontextmanager
    async def reader(
        self, tenant_id: str, isolation: Isolation = "read_committed"
    ) -> AsyncIterator[Connection]:
        """A read-only transaction in the role of the tenant's reader.

        With "repeatable_read" all its statements see the database as it was at the first.
        """
        role = reader_role(tenant_id)  # only hexadecimal digits of a hash: safe in a statement
        async with self.connection() as connection, AsyncExitStack() as stack:
            try:
                try:
                    await stack.enter_async_context(self._in_role(connection, role, isolation))
                except asyncpg.InsufficientPrivilegeError:
                    again = self._in_role(connection, role, isolation, first=_LOOK_AGAIN)
                    await stack.enter_async_context(again)
            except (
                asyncpg.InvalidParameterValueError,
                asyncpg.UndefinedObjectError,
                asyncpg.InsufficientPrivilegeError,
            ) as error:
                raise UnknownTenant(
                    f"the database has no tenant {tenant_id!r} that this gateway may read; it is "
                    "made when the tenant's first connection starts"
                ) from error
            yield connection

    @asynccontextmanager
    async def _in_role(
        self, connection: Connection, role: str, isolation: Isolation, *, first: str = ""
    ) -> AsyncIterator[None]:
        limit_ms = int(self._limit_s * 1000)
        async with connection.transaction(isolation=isolation, readonly=True):
            await connection.execute(
                f"{first}SET LOCAL ROLE {role}; SET LOCAL statement_timeout = {limit_ms}"
            )
            yield

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, as the gateway's own login, which may call its functions only.

        What goes wrong comes out as a StorageError; Rejected when a function said no.
        """
        if self._pool is None:
            raise StoreUnavailable("the gateway is not ready yet; try again in a moment")
        try:
            async with self._pool.acquire(timeout=ACQUIRE_LIMIT_S) as connection:
                yield connection
            self.is_up, self._complained = True, False
        except asyncpg.QueryCanceledError as error:
            raise QueryTooLong(
                f"the database did not answer within {self._limit_s:.0f} s; "
                "ask for a shorter range, fewer tags or a longer interval"
            ) from error
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError) as error:
            raise self._unavailable(
                error, "the database is not of this version; run: pumpjack migrate"
            ) from error
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "").startswith("PJ"):
                raise Rejected(error.sqlstate or "", str(error.args[0])) from error
            raise self._unavailable(error, _LATER) from error
        except (
            OSError,
            TimeoutError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # the server said good-bye between two of our messages
        ) as error:
            raise self._unavailable(error, _LATER) from error

    def _unavailable(self, error: Exception, sentence: str) -> StoreUnavailable:
        self.is_up = False
        if not self._complained:
            self._complained = True
            _log.warning("the database does not answer", why=f"{type(error).__name__}: {error}")
        return StoreUnavailable(sentence)


# A session of PostgreSQL remembers of one login what it is a member of, and keeps what it has read
# even when a role was granted while it read (seen with 18): it would refuse that role until
# the next grant to anybody. To ask about another login makes it forget.
_LOOK_AGAIN = "SELECT pg_has_role('pumpjack_reader', 'pumpjack_writer', 'SET'); "
# Not the database's state, but what it was given.
_NEVER = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
_TAGS = """
    SELECT t.tag_id FROM pumpjack.scada_tags AS t
    WHERE t.well_id = $1 AND (cardinality($2::text[]) = 0 OR t.tag_name = ANY ($2))
"""
_RAW_COLUMNS = (
    "r.time, r.tag_id, r.tag_name, r.connection_id, r.value, r.quality, r.reason, r.unit, "
    "r.source_protocol"
)
_AGGREGATE_COLUMNS = (
    "r.bucket, r.tag_id, r.tag_name, r.connection_id, r.avg_value, r.min_value, r.max_value, "
    "r.reading_count, r.unit"
)
_WELLS = """
    SELECT w.well_id,
           (SELECT coalesce(json_agg(
                       json_build_object('tagName', t.tag_name, 'unit', t.unit,
                           'dataType', t.data_type, 'connectionId', t.connection_id)
                       ORDER BY t.tag_name, t.connection_id), '[]')::text
              FROM pumpjack.scada_tags AS t
             WHERE t.well_id = w.well_id AND t.is_current) AS tags,
           (SELECT max(l.time) FROM pumpjack.scada_latest AS l
             WHERE l.well_id = w.well_id) AS last_reading_at
    FROM pumpjack.scada_wells AS w
    WHERE w.well_id > $1
    ORDER BY w.well_id
    LIMIT $2
"""
