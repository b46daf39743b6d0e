"""`python -m pumpjack_worker` as its users run it, against a simulated OPC UA server."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from pumpjack_core import config
from pumpjack_core.clock import SystemClock, us_of
from pumpjack_core.manifests.types import Opcua, ScadaConnectionSpec
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.workers.pipeline.scripted import until
from tests.workers.test_main import CONNECTION, TENANT, Site, exit_code

pytestmark = pytest.mark.servers

KEPT, UNKEPT = "ns=2;s=well-1.kept", "ns=2;s=well-1.unkept"
TAGS = (
    Tag("a1", "kept", KEPT, "float64", 0.01),
    Tag("a1", "unkept", UNKEPT, "float64", 0.01),
)
PAUSE_S = 0.01
AWAY_S = 1.0


class Field(Site):
    """A server whose nodes count on; of one of them it keeps a history.

    ledger  value to the time at which the nodes had it
    """

    def __init__(self, folder: Path, database: asyncpg.Connection, writer_url: str) -> None:
        super().__init__(folder, database, writer_url)
        self.server = SimulatedServer(
            {KEPT: SimulatedNode(value=0.0, history=True), UNKEPT: SimulatedNode(value=0.0)}
        )
        self.ledger: dict[float, int] = {}

    def configure(self, *tags: Tag, **spec: Any) -> None:
        target = Opcua(
            endpoint=self.server.url, security="None", publishing_interval="20ms", queue_size=100
        )
        config.save(
            config.worker_config(
                tenant_id=TENANT,
                connection_id=CONNECTION,
                spec=ScadaConnectionSpec(protocol="opcua", opcua=target, **spec),
                allowed_networks=("127.0.0.0/8",),
                tags=TagTable(tags),
            ),
            self.folder / "config",
        )

    async def count_on(self) -> None:
        clock = SystemClock()
        while True:
            value, now_us = float(len(self.ledger) + 1), clock.now_us()
            for node in (KEPT, UNKEPT):
                await self.server.write(node, value, source_us=now_us)
            self.ledger[value] = now_us
            await asyncio.sleep(PAUSE_S)

    async def rows(self, name: str) -> dict[float, list[int]]:
        """Each stored value with its times [µs]."""
        found: dict[float, list[int]] = {}
        for row in await self.database.fetch(
            "SELECT r.value, (extract(epoch FROM r.ts) * 1000000)::bigint AS us"
            " FROM pumpjack.reading r JOIN pumpjack.series s USING (tag_id)"
            " WHERE s.tag_name = $1 AND r.value IS NOT NULL ORDER BY r.ts",
            name,
        ):
            found.setdefault(row["value"], []).append(row["us"])
        return found

    async def gaps(self) -> list[dict[str, Any]]:
        rows = await self.database.fetch(
            "SELECT raw FROM pumpjack.quarantine WHERE reason = 'gap' ORDER BY ts"
        )
        return [json.loads(row["raw"]) for row in rows]


@pytest.fixture
async def field(tmp_path: Path, empty_database: str, valkey: Any) -> AsyncIterator[Field]:
    await migrate(empty_database)
    database = await asyncpg.connect(empty_database)
    await ensure_tenant(database, TENANT)
    login = empty_database.replace("postgres@", f"{writer_role(TENANT)}@")
    field = Field(tmp_path, database, login)
    field.redis_url = valkey.url
    async with field.server:
        field.configure(*TAGS)
        counting = asyncio.create_task(field.count_on())
        yield field
        counting.cancel()
        await asyncio.wait((counting,))
        await field.end()
    await database.close()


async def test_kill_minus_9_and_a_new_start_store_each_value_once_or_tell_the_gap(
    field: Field,
) -> None:
    worker = await field.start()
    await field.has_stored(50, "kept")
    worker.kill()
    await worker.wait()
    await asyncio.sleep(AWAY_S)
    worker = await field.start()
    killed_at = len(await field.stored("kept"))
    await field.has_stored(killed_at + 150, "kept")

    async def told() -> bool:
        return bool(await field.gaps())

    await until(told)
    worker.send_signal(signal.SIGTERM)
    assert await exit_code(worker) == 0

    for name in ("kept", "unkept"):
        stored = await field.rows(name)
        twice = {value: times for value, times in stored.items() if len(times) > 1}
        assert twice == {}
        moved = {value: us for value, (us,) in stored.items() if field.ledger.get(value, us) != us}
        assert len(moved) <= 1, "only the first of a start may get another time"
        missing = [
            us
            for value, us in field.ledger.items()
            if min(stored) < value < max(stored) and value not in stored
        ]
        (gap,) = await field.gaps()
        outside = [us for us in missing if not us_of(gap["after"]) <= us <= us_of(gap["before"])]
        assert outside == []
        assert bool(missing) == (name == "unkept")
    assert gap["tags_without_history"] == 1
    assert Counter(await field.stored("kept"))[None] <= 2
