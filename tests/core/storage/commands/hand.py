"""Who carries commands out, and what is on record of them."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from pumpjack_core.tags import Write
from tests.core.storage.database import Database, Worker

STEPS = "SELECT change_no, state, actor FROM pumpjack.scada_command_steps ORDER BY change_no"
SPEED = Write(low=10.0, high=60.0)


class Hand:
    """The worker's side: what it claims, and what it tells."""

    def __init__(self, worker: Worker, fence: int = 1) -> None:
        self.connection = worker.ingest._connection
        self.name, self.fence = worker.name, fence

    async def claim(self) -> asyncpg.Record | None:
        rows = await self.connection.fetch(
            "SELECT * FROM pumpjack.claim_command($1, $2)", self.name, self.fence
        )
        return rows[0] if rows else None

    async def unfinished(self) -> list[tuple[Any, ...]]:
        rows = await self.connection.fetch(
            "SELECT command_id, state, fence FROM pumpjack.unfinished_commands($1, $2)",
            *(self.name, self.fence),
        )
        return [tuple(row) for row in rows]

    async def tell(self, command: Any, state: str, **detail: Any) -> Any:
        sql = "SELECT pumpjack.tell_command($1, $2, $3)"
        return await self.connection.fetchval(sql, command, state, json.dumps(detail))


async def let_expire(database: Database) -> None:
    await database.admin.execute("UPDATE pumpjack.commands SET expires_at = now()")


async def audited(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.admin.fetch(
        "SELECT actor, action, outcome FROM pumpjack.audit_logs"
        " WHERE action LIKE 'command.%' ORDER BY audit_no"
    )
    return [tuple(row) for row in rows]
