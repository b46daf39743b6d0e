"""A tenant's alarms in the database: read as its reader, changed through functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import asyncpg
from msgspec import Struct

from pumpjack_gateway.alarms import statements
from pumpjack_gateway.alarms.book import News, Snapshot, first_hole
from pumpjack_gateway.alarms.figures import Name, Raised, Standing
from pumpjack_gateway.alarms.model import Alarm, Event, State
from pumpjack_gateway.alarms.queries import AlarmPlace, AlarmQuery, EventQuery
from pumpjack_gateway.alarms.rows import alarm_of, event_of
from pumpjack_gateway.store import Store

EVENTS_MAX = 1_000
"""Read at once."""
RAISED_MAX = 100_000
"""Raised alarms that figures are computed from."""
Action = Literal["acknowledge", "shelve", "unshelve", "out-of-service", "in-service", "reset"]
Code = Literal["unknown", "already", "changed", "wrong_state"]


class Answer(Struct, frozen=True, rename="camel"):
    """What became of an action on one alarm.

    problem, code  why it was not done: a sentence, and a word for programs
    by, at         who was first, and when
    version, state of the alarm as it is now; eventNo: its last event
    """

    alarm_id: str
    done: bool
    problem: str | None
    code: Code | None
    by: str | None
    at: datetime | None
    version: int | None
    event_no: int | None
    state: State | None


class Tally(Struct, frozen=True):
    """How many alarms are in a state with a priority."""

    state: State
    priority: int
    number: int


class Base(Struct, frozen=True):
    """What figures are computed from. raised: in order of time; None: more than RAISED_MAX."""

    raised: list[Raised] | None
    names: dict[str, Name]
    standing: list[Standing]


class AlarmStore:
    """On the pool of the gateway's store. Everything raises StorageError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def snapshot(self, tenant_id: str) -> Snapshot:
        """All alarms that are not normal, of one moment."""
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            head = await connection.fetchval(statements.HEAD)
            alarms = await connection.fetch(statements.NOT_NORMAL)
            raised = await connection.fetch(statements.RAISED_TODAY)
        return Snapshot(
            head or 0, [alarm_of(row) for row in alarms], [row["us"] for row in reversed(raised)]
        )

    async def news(self, tenant_id: str, after: int, epochs: Sequence[str]) -> News | None:
        """What came after an event, at most EVENTS_MAX of it; None: it cannot be continued.

        epochs: journals whose cursors are wanted, of the same moment.
        """
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            head = await connection.fetchval(statements.HEAD) or 0
            found = (
                await connection.fetch(statements.EVENTS_AFTER, tenant_id, after, EVENTS_MAX)
                if head > after
                else []
            )
            cursors = await connection.fetch(statements.CURSORS, list(epochs)) if epochs else []
            about = list({row["alarm_id"] for row in found})
            alarms = await connection.fetch(statements.THESE, about) if about else []
        events = [event_of(row) for row in found]
        if head < after or (head > after and not events) or first_hole(after, events) is not None:
            return None
        return News(
            events,
            {row["alarm_id"]: alarm_of(row) for row in alarms},
            dict.fromkeys(epochs, -1) | {row["journal_id"]: row["seq"] for row in cursors}
            if len(events) < EVENTS_MAX
            else {},
        )

    async def told(
        self, tenant_id: str, after: int, most: int
    ) -> tuple[int, list[Event], dict[str, Alarm]]:
        """The last event's number, events after a number, and their alarms as they are now."""
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            head = await connection.fetchval(statements.HEAD) or 0
            if head <= after:
                return head, [], {}
            rows = await connection.fetch(statements.EVENTS_AFTER, tenant_id, after, most)
            about = list({row["alarm_id"] for row in rows})
            alarms = await connection.fetch(statements.THESE, about)
        return (
            head,
            [event_of(row) for row in rows],
            {row["alarm_id"]: alarm_of(row) for row in alarms},
        )

    async def webhook_position(self, tenant_id: str, name: str) -> int:
        """How far a webhook came; a new one begins with what happens from now on."""
        async with self._store.connection() as connection:
            sql = "SELECT pumpjack.webhook_position($1, $2)"
            return int(await connection.fetchval(sql, tenant_id, name) or 0)

    async def move_webhook(self, tenant_id: str, name: str, before: int, after: int) -> bool:
        """The webhook took everything up to `after`; False when it is not at `before` any more."""
        async with self._store.connection() as connection:
            sql = "SELECT pumpjack.move_webhook($1, $2, $3, $4)"
            return bool(await connection.fetchval(sql, tenant_id, name, before, after))

    async def alarms(
        self, tenant_id: str, query: AlarmQuery
    ) -> tuple[datetime, list[tuple[Alarm, AlarmPlace]]]:
        """At most limit + 1 alarms after the place, the most urgent first, and as of when."""
        after = query.after or AlarmPlace(-1, 0, 0, "")
        async with self._store.reader(tenant_id) as connection:
            as_of = await connection.fetchval("SELECT now()")
            rows = await connection.fetch(
                statements.PAGE,
                list(query.states),
                list(query.priorities),
                query.well_id,
                query.connection_id,
                list(query.conditions),
                _like(query.text),
                after.rank,
                after.priority,
                after.newest_us,
                after.alarm_id,
                query.limit + 1,
            )
        return as_of, [
            (
                alarm_of(row),
                AlarmPlace(row["rank"], row["priority"], row["newest_us"], row["alarm_id"]),
            )
            for row in rows
        ]

    async def events(self, tenant_id: str, query: EventQuery) -> tuple[datetime, list[Event]]:
        """At most limit + 1 events, the newest first, and as of when."""
        async with self._store.reader(tenant_id) as connection:
            as_of = await connection.fetchval("SELECT now()")
            rows = await connection.fetch(
                statements.HISTORY,
                query.alarm_id,
                query.well_id,
                query.connection_id,
                list(query.kinds),
                query.start,
                query.end,
                query.before,
                query.limit + 1,
                tenant_id,
            )
        return as_of, [event_of(row) for row in rows]

    async def tallies(self, tenant_id: str) -> tuple[list[Tally], int]:
        """How many alarms there are, by state and priority, and raised in the last 10 minutes."""
        async with self._store.reader(tenant_id) as connection:
            rows = await connection.fetch(statements.TALLIES)
            raised = await connection.fetchval(statements.RAISED_LATELY)
        return [Tally(row["state"], row["priority"], row["number"]) for row in rows], raised

    async def base_of_figures(self, tenant_id: str, start: datetime, end: datetime) -> Base:
        """Everything raised in the period and the day before it, and what stands now."""
        async with self._store.reader(tenant_id, "repeatable_read") as connection:
            rows = await connection.fetch(statements.RAISED_BETWEEN, start, end, RAISED_MAX + 1)
            if len(rows) > RAISED_MAX:
                return Base(None, {}, [])
            ids = list({row["alarm_id"] for row in rows})
            names = await connection.fetch(statements.NAMES, ids)
            standing = await connection.fetch(statements.STANDING)
        return Base(
            [Raised(row["us"], row["alarm_id"], row["priority"]) for row in rows],
            {row["alarm_id"]: _name(row) for row in names},
            [Standing(_name(row), row["active_since"], row["state"]) for row in standing],
        )

    async def act(
        self,
        tenant_id: str,
        actor: str,
        action: Action,
        *,
        alarms: Sequence[str],
        versions: Sequence[int | None],
        comment: str,
        until: datetime | None = None,
    ) -> list[Answer]:
        """Act on alarms; one answer for each, in their order. Raises Rejected too."""
        arguments: list[object] = [tenant_id, actor, list(alarms), list(versions), comment]
        if action == "shelve":
            arguments.append(until)
        async with self._store.connection() as connection:
            rows = await connection.fetch(statements.ACTIONS[action], *arguments)
        return [
            Answer(
                row["alarm_id"],
                row["done"],
                row["problem"],
                row["code"],
                row["by"],
                row["at"],
                row["version"],
                row["event_no"],
                row["state"],
            )
            for row in rows
        ]


def _like(text: str) -> str:
    """As a pattern of LIKE that finds the text anywhere; "" for everything."""
    if not text:
        return ""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _name(row: asyncpg.Record) -> Name:
    return Name(
        row["alarm_id"],
        row["connection_id"],
        row["well_id"],
        row["tag_name"],
        row["condition"],
        row["priority"],
    )
