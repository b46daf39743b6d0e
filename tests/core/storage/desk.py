"""Where people sit: what the gateway does to alarms and commands in their name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import asyncpg
import numpy as np

from pumpjack_core.alarms import Transition, alarm_id
from pumpjack_core.storage.ingest import Written
from pumpjack_core.storage.roles import GATEWAY_ROLE
from pumpjack_core.tags import Alarm, Tag, Write
from tests.core.storage.database import Database, Worker, now_us

NOTHING = tuple(np.empty(0).astype(kind) for kind in (np.int64, np.int32, np.int16, np.float64))
ALARMS = "SELECT state FROM pumpjack.scada_alarms WHERE alarm_id = $1"
EVENTS = "SELECT event_no, kind, state FROM pumpjack.scada_events ORDER BY event_no"
_ACTIONS = {
    "acknowledged": "acknowledge_alarms($1, $2, $3, $4, $5)",
    "reset": "reset_alarms($1, $2, $3, $5, $4)",
    "unshelved": "unshelve_alarms($1, $2, $3, $5, $4)",
    "out_of_service": "out_of_service_alarms($1, $2, $3, $5, $4)",
    "in_service": "in_service_alarms($1, $2, $3, $5, $4)",
    "shelved": "shelve_alarms($1, $2, $3, $6, $5, $4)",
}


class Desk:
    """A gateway's login. tenant_id is whose people sit here."""

    def __init__(self, connection: asyncpg.Connection, tenant_id: str) -> None:
        self.connection, self.tenant_id = connection, tenant_id

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, tenant_id: str = "permian") -> AsyncIterator[Self]:
        url = database.login(GATEWAY_ROLE)
        connection = await asyncpg.connect(url, statement_cache_size=0)
        try:
            yield cls(connection, tenant_id)
        finally:
            await connection.close()

    async def act(
        self,
        action: str,
        alarms: Sequence[str],
        actor: str = "ann",
        *,
        versions: Sequence[int | None] | None = None,
        comment: str = "seen",
        hours: float = 1.0,
    ) -> list[asyncpg.Record]:
        """An action by the name of its event; the answers, in the order of the alarms."""
        arguments: list[Any] = [self.tenant_id, actor, list(alarms), versions, comment]
        if action == "shelved":
            arguments.append(datetime.now(UTC) + timedelta(hours=hours))
        sql = f"SELECT * FROM pumpjack.{_ACTIONS[action]}"
        return await self.connection.fetch(sql, *arguments)

    async def request(self, value: float, key: str = "key-1", **other: Any) -> asyncpg.Record:
        """Ask for tag-0 of well-1 to be written."""
        asked = {
            "actor": "ann",
            "role": "operator",
            "well": "well-1",
            "tag": "tag-0",
            "reason": "pump too slow",
            "expires_s": 30.0,
        } | other
        row = await self.connection.fetchrow(
            "SELECT * FROM pumpjack.request_command($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.tenant_id,
            *(asked["actor"], asked["role"], asked["well"], asked["tag"], value),
            *(asked["reason"], key, asked["expires_s"], json.dumps({"address": "10.1.7.9"})),
        )
        assert row is not None
        return row

    async def decide(self, command: Any, approve: bool, actor: str = "bob") -> asyncpg.Record:
        row = await self.connection.fetchrow(
            "SELECT * FROM pumpjack.decide_command($1, $2, $3, $4, 'as agreed')",
            *(self.tenant_id, actor, command, approve),
        )
        assert row is not None
        return row


def tag(number: int = 0, *alarms: Alarm, write: Write | None = None) -> Tag:
    """A tag as Database.worker() registers it."""
    return Tag(
        "well-1",
        f"tag-{number}",
        f"holding:{number}",
        "float32",
        1.0,
        "psi",
        alarms=alarms,
        write=write,
    )


def named(worker: Worker, number: int, condition: str, tenant_id: str = "permian") -> str:
    """The id of an alarm of a worker's tag."""
    return alarm_id(tenant_id, worker.name, "well-1", f"tag-{number}", condition)


async def declare(worker: Worker, *tags: Tag, fence: int = 1, writes: bool = True) -> int:
    return await worker.ingest.declare_tags(worker.name, fence, tags, writes=writes)


async def tell(worker: Worker, *seen: Transition, prev: int | None = None) -> Written:
    """A batch without readings, and what the worker saw; moves on when it was applied."""
    prev = worker.seq if prev is None else prev
    told = [(worker.tags[one.tag_index], one) for one in seen]
    written = await worker.ingest.write_batch(
        worker.journal, prev, prev + 1, *NOTHING, transitions=told
    )
    if written.applied:
        worker.seq = prev + 1
    return written


def hi(active: bool, us: int | None = None, value: float = 7.0, **more: Any) -> Transition:
    """tag-0 went above its limit, or came back."""
    tag_index = more.pop("tag_index", 0)
    return Transition(tag_index, more.pop("condition", "hi"), active, us or now_us(), value, **more)
