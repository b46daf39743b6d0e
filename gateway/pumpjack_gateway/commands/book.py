"""Commands in the database: asked for, decided, read. Every value is a bound parameter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from pumpjack_core.errors import StorageError
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.commands.answers import (
    RUNNING,
    Command,
    CommandState,
    CommandStep,
    Detail,
    WritableTag,
)
from pumpjack_gateway.commands.bodies import ControlRequest, DecisionRequest
from pumpjack_gateway.commands.refusals import of_the_database
from pumpjack_gateway.commands.rows import command_of, step_of, tag_of
from pumpjack_gateway.store import Connection, Rejected, Store, StoreUnavailable, UnknownTenant

CHANGES_MAX = 500
SHOWN_FIRST = 50


class Target(Struct, frozen=True):
    """What is known of a tag before it is written to.

    connection_id  that reads it; None where no connection declares it
    used           the idempotency key has made a command already
    """

    connection_id: str | None
    used: bool


class Outcome(Struct, frozen=True):
    """A command that was made, or that was there. state: as it is now."""

    command_id: UUID
    connection_id: str
    state: CommandState
    again: bool


class Wanted(Struct, frozen=True):
    """Which commands a list shows; None or empty: all."""

    well_id: str | None = None
    tag_name: str | None = None
    states: tuple[CommandState, ...] = ()


class Place(Struct, frozen=True, array_like=True):
    """The last command of a page."""

    requested_at: datetime
    command_id: UUID


class Changes(Struct, frozen=True):
    """Steps after a number, in their order, each with its command as it is now."""

    steps: list[tuple[CommandStep, Command]]
    more: bool


class Snapshot(Struct, frozen=True):
    """Commands as they are, up to and with step change_no."""

    change_no: int
    commands: list[Command]


class AnswerLost(StoreUnavailable):
    """The database was asked to change something, and may have done so: its answer never came."""


class Book:
    """The commands of all tenants. Every method may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, tenant_id: str, well_id: str, tag_name: str, key: str) -> Target:
        """Look before asking."""
        async with self._store.reader(tenant_id) as connection:
            row = await connection.fetchrow(_TARGET, well_id, tag_name, key)
        assert row is not None
        return Target(row["connection_id"], row["used"])

    async def request(self, who: Principal, asked: ControlRequest, detail: Detail) -> Outcome:
        """Ask for a command. Raises Refused, which is in the audit log then; AnswerLost."""
        async with self._changing() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM pumpjack.request_command("
                "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb)",
                who.tenant_id,
                who.subject,
                who.role.name,
                asked.well_id,
                asked.tag_name,
                asked.value,
                asked.reason,
                asked.idempotency_key,
                asked.expires_s,
                _json(detail),
            )
        return _outcome(row)

    async def decide(
        self, who: Principal, command_id: UUID, said: DecisionRequest, detail: Detail
    ) -> Outcome:
        """Approve or reject. Raises Refused, which is in the audit log then; AnswerLost."""
        async with self._changing() as connection:
            row = await connection.fetchrow(
                "SELECT * FROM pumpjack.decide_command($1, $2, $3, $4, $5, $6::text::jsonb)",
                who.tenant_id,
                who.subject,
                command_id,
                said.approve,
                said.comment,
                _json(detail),
            )
        return _outcome(row)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        """A connection for one statement that changes something. Raises AnswerLost."""
        asked = False
        try:
            async with self._store.connection() as connection:
                asked = True
                yield connection
        except Rejected:
            raise
        except StorageError as error:
            if not asked or _rolled_back(error.__cause__):
                raise
            raise AnswerLost("the database's answer did not come") from error

    async def expire(self, tenant_id: str) -> int:
        """End what is overdue; how many commands that were."""
        async with self._store.connection() as connection:
            ended: int = await connection.fetchval("SELECT pumpjack.expire_commands($1)", tenant_id)
        return ended

    async def one(
        self, tenant_id: str, command_id: UUID
    ) -> tuple[Command, list[CommandStep]] | None:
        """A command with its steps; None when the tenant has no such command."""
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            row = await connection.fetchrow(f"{_COMMANDS} WHERE m.command_id = $1", command_id)
            if row is None:
                return None
            steps = await connection.fetch(_STEPS, command_id)
        return command_of(row), [step_of(step) for step in steps]

    async def page(
        self, tenant_id: str, wanted: Wanted, after: Place | None, limit: int
    ) -> list[Command]:
        """At most limit + 1 commands after the place, the newest first."""
        async with self._store.reader(tenant_id) as connection:
            rows = await connection.fetch(
                _PAGE,
                wanted.well_id,
                wanted.tag_name,
                list(wanted.states),
                after.requested_at if after is not None else None,
                after.command_id if after is not None else None,
                limit + 1,
            )
        return [command_of(row) for row in rows]

    async def writable(self, tenant_id: str, well_id: str) -> list[WritableTag]:
        """The tags of a well that may be written; off says so where the connection may not."""
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            tags = await connection.fetch(_WRITABLE, well_id)
            running = await connection.fetch(_RUNNING, well_id, list(RUNNING))
        by_tag = {(row["connection_id"], row["tag_name"]): command_of(row) for row in running}
        return [tag_of(row, by_tag.get((row["connection_id"], row["tag_name"]))) for row in tags]

    async def snapshot(self, tenant_id: str, well_id: str | None) -> Snapshot:
        """Those that run, and the last ones, of a well or of all."""
        try:
            async with self._store.reader(tenant_id, "repeatable_read") as connection:
                head = await _head(connection)
                rows = await connection.fetch(_PAGE, well_id, None, [], None, None, SHOWN_FIRST)
                running = await connection.fetch(
                    _PAGE, well_id, None, list(RUNNING), None, None, CHANGES_MAX
                )
        except UnknownTenant:
            return Snapshot(0, [])
        shown = {row["command_id"]: row for row in (*running, *rows)}
        newest = sorted(shown.values(), key=lambda row: row["requested_at"], reverse=True)
        return Snapshot(head, [command_of(row) for row in newest])

    async def head(self, tenant_id: str) -> int:
        """The number of the last step; 0 for a tenant without any."""
        try:
            async with self._store.reader(tenant_id) as connection:
                return await _head(connection)
        except UnknownTenant:
            return 0

    async def changes(self, tenant_id: str, after: int) -> Changes | None:
        """The steps after a number; None: the database was put back, and has not so many."""
        try:
            async with self._store.reader(tenant_id, "repeatable_read") as connection:
                if await _head(connection) < after:
                    return None
                steps = await connection.fetch(_CHANGES, after, CHANGES_MAX)
                ids = list({row["command_id"] for row in steps})
                rows = await connection.fetch(
                    f"{_COMMANDS} WHERE m.command_id = ANY ($1::uuid[])", ids
                )
        except UnknownTenant:
            return Changes([], more=False)
        commands = {row["command_id"]: command_of(row) for row in rows}
        known = [row for row in steps if row["command_id"] in commands]
        return Changes(
            [(step_of(row), commands[row["command_id"]]) for row in known],
            more=len(steps) == CHANGES_MAX,
        )


async def _head(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT change_no FROM pumpjack.scada_heads") or 0)


def _outcome(row: asyncpg.Record | None) -> Outcome:
    assert row is not None
    if row["code"] is not None:
        raise of_the_database(row["code"], row["problem"])
    return Outcome(row["command_id"], row["connection_id"], row["state"], bool(row.get("again")))


def _rolled_back(error: BaseException | None) -> bool:
    """Whether the server itself said that the statement failed; not that the connection did."""
    state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
    return state is not None and not state.startswith(_CONNECTION_ENDS)


def _json(detail: Detail) -> str:
    return msgspec.json.encode(detail).decode()


_CONNECTION_ENDS = ("08", "57P")
"""SQLSTATEs of a connection that ended, whose statement may have been carried out."""
_COMMANDS = """
    SELECT m.*, p.actor, p.detail AS step, (
        SELECT t.unit FROM pumpjack.scada_tags AS t
        WHERE t.well_id = m.well_id AND t.tag_name = m.tag_name
          AND t.connection_id = m.connection_id AND t.is_current LIMIT 1) AS unit
    FROM pumpjack.scada_commands AS m
    LEFT JOIN pumpjack.scada_command_steps AS p
      ON p.tenant_id = m.tenant_id AND p.change_no = m.change_no
"""
_PAGE = f"""{_COMMANDS}
    WHERE ($1::text IS NULL OR m.well_id = $1)
      AND ($2::text IS NULL OR m.tag_name = $2)
      AND (cardinality($3::text[]) = 0 OR m.state = ANY ($3))
      AND ($4::timestamptz IS NULL OR (m.requested_at, m.command_id) < ($4, $5::uuid))
    ORDER BY m.requested_at DESC, m.command_id DESC
    LIMIT $6
"""
_RUNNING = f"{_COMMANDS} WHERE m.well_id = $1 AND m.state = ANY ($2::text[])"
_STEPS = """
    SELECT p.* FROM pumpjack.scada_command_steps AS p
    WHERE p.command_id = $1 ORDER BY p.change_no
"""
_CHANGES = """
    SELECT p.* FROM pumpjack.scada_command_steps AS p
    WHERE p.change_no > $1 ORDER BY p.change_no LIMIT $2
"""
# As pumpjack.request_command chooses where several connections declare the tag.
_TARGET = """
    SELECT (SELECT d.connection_id FROM pumpjack.scada_tag_definitions AS d
            WHERE d.well_id = $1 AND d.tag_name = $2
            ORDER BY d.writable DESC, d.declared_at DESC LIMIT 1) AS connection_id,
           EXISTS (SELECT FROM pumpjack.scada_commands AS m
                   WHERE m.idempotency_key = $3) AS used
"""
_WRITABLE = """
    SELECT DISTINCT ON (d.tag_name) d.*
    FROM pumpjack.scada_tag_definitions AS d
    WHERE d.well_id = $1 AND d.writable
    ORDER BY d.tag_name, d.declared_at DESC
"""
