"""What the database has of alarms and commands after a run, and what workers noted of theirs."""

from __future__ import annotations

import re
import time
from pathlib import Path

import asyncpg
import msgspec

from pumpjack_core.alarms import alarm_id
from pumpjack_core.storage import audit
from tests.chaos import witness
from tests.chaos.alarm_findings import Event, Journaled, named
from tests.chaos.command_findings import Command
from tests.chaos.findings import Row
from tests.chaos.ledger import now_us

_US = "(extract(epoch FROM {}) * 1000000)::bigint"
RUNNING = "('requested', 'validated', 'approved', 'sent', 'accepted')"


async def events(database: asyncpg.Connection, tenant_id: str) -> list[Event]:
    """All of a tenant, in order of their numbers."""
    rows = await database.fetch(
        f"SELECT event_no, alarm_id, kind, {_US.format('at')} AS us, actor,"
        " detail ?| ARRAY['late', 'removed'] AS late"
        " FROM pumpjack.events WHERE tenant_id = $1 ORDER BY event_no",
        tenant_id,
    )
    return [Event(*row.values()) for row in rows]


async def active(database: asyncpg.Connection, tenant_id: str) -> dict[str, bool]:
    """Of each alarm whether it is active."""
    rows = await database.fetch(
        "SELECT alarm_id, active FROM pumpjack.alarm WHERE tenant_id = $1", tenant_id
    )
    return {row["alarm_id"]: row["active"] for row in rows}


async def shown(database: asyncpg.Connection, tenant_id: str) -> tuple[int, dict[str, str]]:
    """The number of the last event, and the states of the alarms that are not normal."""
    async with database.transaction(isolation="repeatable_read", readonly=True):
        head = await database.fetchval(
            "SELECT event_no FROM pumpjack.event_head WHERE tenant_id = $1", tenant_id
        )
        rows = await database.fetch(
            "SELECT alarm_id, state FROM pumpjack.alarm WHERE tenant_id = $1 AND state <> 'normal'",
            tenant_id,
        )
    return head or 0, {row["alarm_id"]: row["state"] for row in rows}


async def readings(
    database: asyncpg.Connection, tenant_id: str, connection_id: str, tag_name: str
) -> list[Row]:
    """What is stored of a tag, by time."""
    rows = await database.fetch(
        f"SELECT {_US.format('r.ts')} AS us, r.value, r.quality FROM pumpjack.reading AS r"
        " JOIN pumpjack.series AS s USING (tag_id)"
        " JOIN pumpjack.connection AS c USING (connection_no)"
        " WHERE s.tenant_id = $1 AND c.connection_id = $2 AND s.tag_name = $3 ORDER BY r.ts",
        tenant_id,
        connection_id,
        tag_name,
    )
    return [Row(*row.values()) for row in rows]


async def commands(
    database: asyncpg.Connection, tenant_id: str, connection_id: str
) -> list[Command]:
    """All of a connection."""
    rows = await database.fetch(
        f"SELECT m.idempotency_key, m.value, m.state, {_US.format('m.sent_at')} AS sent_us"
        " FROM pumpjack.commands AS m JOIN pumpjack.connection AS c USING (connection_no)"
        " WHERE m.tenant_id = $1 AND c.connection_id = $2 ORDER BY m.requested_at",
        tenant_id,
        connection_id,
    )
    return [Command(*row.values()) for row in rows]


async def running(database: asyncpg.Connection) -> int:
    """How many commands have not ended."""
    count = await database.fetchval(
        f"SELECT count(*) FROM pumpjack.commands WHERE state IN {RUNNING}"
    )
    return int(count)


async def silent(database: asyncpg.Connection) -> int:
    """How many connections have the alarm comm_failure now."""
    count = await database.fetchval(
        "SELECT count(*) FROM pumpjack.alarm WHERE condition = 'comm_failure' AND active"
    )
    return int(count)


def journaled(path: Path, tenant_id: str, connection_id: str) -> list[Journaled]:
    """What the workers of a connection noted."""
    ahead_us = now_us() - time.monotonic_ns() // 1000
    return [
        Journaled(
            note.journal,
            note.seq,
            alarm_id(tenant_id, connection_id, one.well_id, one.tag_name, one.condition),
            one.active,
            one.us,
            note.at_us + ahead_us,
            note.safe,
        )
        for note in witness.read(path)
        for one in note.seen
    ]


async def broken_chains(database: asyncpg.Connection, log: Path) -> list[str]:
    """The audit log of each tenant is whole, and is the one whose heads the gateway logged."""
    found: list[str] = []
    heads = _logged_heads(log)
    for tenant_id in await audit.tenants(database):
        verdict = await audit.verify(database, tenant_id)
        found += named(f"the audit log of {tenant_id} is not whole", verdict.problems)
        rows = await database.fetch(
            "SELECT audit_no, encode(hash, 'hex') AS hash FROM pumpjack.audit_logs"
            " WHERE tenant_id = $1",
            tenant_id,
        )
        there = {f"{row['audit_no']}:{row['hash']}" for row in rows}
        wrong = [head for of, head in heads if of == tenant_id and head not in there]
        found += named(f"the audit log of {tenant_id} is not the one that was logged", wrong)
    return found


_HEAD = re.compile(r"([0-9]+:[0-9a-f]{64})")


def _logged_heads(log: Path) -> list[tuple[str, str]]:
    found = []
    for line in log.read_bytes().splitlines():
        if b"audit head" not in line:
            continue
        try:
            said = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue  # the gateway was killed while it wrote it
        if match := _HEAD.match(said["head"]):
            found.append((said["tenant"], match[1]))
    return found
