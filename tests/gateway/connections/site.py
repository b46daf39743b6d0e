"""A tenant whose workers tell of their connections, in a real database and a real Redis."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx

from pumpjack_core.clock import SystemClock
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Tag
from pumpjack_gateway.main import Gateway
from tests.gateway.databases import Database
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import token

CONNECTION = "permian-ops/pad7"
WELL = "pad7-3"
FLOW = Tag(WELL, "flow", "holding:3", "float32", 1.0, unit="bbl/d")
MINUTE_US = 60_000_000
FACTS: dict[str, Any] = {
    "endpoint": "10.1.7.20:502",
    "journalSize": 1 << 30,
    "mapped": 36,
    "intervalS": 1.0,
}


class Site:
    """One tenant of its own."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.database = database
        self.tenant = f"t-{uuid.uuid4().hex[:12]}"
        self.worker = FakeWorker(redis_url, self.tenant, CONNECTION)
        self.fence = 0

    async def open(self) -> None:
        """Make the tenant and its connection."""
        await self.database.add(self.tenant)
        await self.start()

    async def start(self, connection: str = CONNECTION) -> None:
        """A worker of the connection starts."""
        ingest = await Ingest.connect(self.database.writer_url(self.tenant))
        self.fence = await ingest.take_fence(connection, "modbus-tcp")
        await ingest.open_journal(uuid.uuid4(), connection)
        await ingest.register_series(connection, [FLOW])
        await ingest.close()

    async def tell(
        self, *states: tuple[str, float], reason: str = "", message: str = "", **more: Any
    ) -> None:
        """The worker tells that these states began so many minutes ago."""
        now_us = SystemClock().now_us()
        changes = [
            {
                "us": now_us - int(minutes * MINUTE_US),
                "state": state,
                "reason": reason,
                "message": message,
            }
            for state, minutes in states
        ]
        ingest = await Ingest.connect(self.database.writer_url(self.tenant))
        report = json.dumps(FACTS | {"changes": changes} | more)
        assert await ingest.tell_connection(CONNECTION, self.fence, report)
        await ingest.close()

    async def ask(self, gateway: Gateway, tenant: str | None = None) -> list[dict[str, Any]]:
        """What REST answers."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.rest_port}") as client:
            answer = await client.get(
                "/api/scada/connections",
                headers={"Authorization": f"Bearer {token(tenant or self.tenant)}"},
                timeout=60,
            )
        assert answer.status_code == 200, answer.text
        connections: list[dict[str, Any]] = answer.json()["connections"]
        return connections

    async def keep_beating(self, **changes: Any) -> None:
        """Heartbeats, as a worker sends them, until cancelled."""
        while True:
            await self.worker.beat(**changes)
            await asyncio.sleep(1)

    async def close(self) -> None:
        await self.worker.close()
