"""A pipeline with real PostgreSQL and Valkey; only the device is played."""

from __future__ import annotations

import asyncpg
import pytest
import redis.asyncio

from pumpjack_core.errors import (
    StorageError,
    StorageUnavailable,
)
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_worker.pipeline import publisher, staleness, writer
from tests.workers.pipeline.scripted import TENANT, start


class Database:
    """The database as the test sees it, and a switch that lets the worker reach it or not."""

    def __init__(self, owner: asyncpg.Connection, writer_url: str) -> None:
        self.owner = owner
        self._writer_url = writer_url
        self.reachable = True
        self.lose_answers = 0
        self.most_at_once = 1_000_000
        self.sessions: list[Ingest] = []

    async def connect(self) -> Ingest:
        if not self.reachable:
            raise StorageError("cannot reach the database: connection refused")
        session = await Ingest.connect(self._writer_url)
        self.sessions.append(session)
        original = session.write_batch

        async def write_batch(*args, **more):
            if len(args[3]) > self.most_at_once:
                raise StorageUnavailable("no answer in time")
            written = await original(*args, **more)
            if self.lose_answers:
                self.lose_answers -= 1
                raise StorageError("the connection broke before the answer came")
            return written

        session.write_batch = write_batch
        return session

    async def cut(self) -> None:
        self.reachable = False
        for session in self.sessions:
            await session.close()

    async def values(self, tag_name: str = "pressure") -> list[float | None]:
        rows = await self.owner.fetch(
            "SELECT r.value FROM pumpjack.reading r JOIN pumpjack.series s USING (tag_id)"
            " WHERE s.tag_name = $1 ORDER BY r.ts",
            tag_name,
        )
        return [row["value"] for row in rows]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    """The writer waits for more readings as ever, only not for seconds."""
    monkeypatch.setattr(writer, "LINGER_S", 0.1)
    monkeypatch.setattr(writer, "SMALL_LINGER_S", 0.1)


@pytest.fixture
def _on_a_busy_machine(monkeypatch):
    """What takes long here is no trouble: no tag goes stale, and Redis may take its time."""
    monkeypatch.setattr(staleness, "LEAST_S", 3_600.0)
    monkeypatch.setattr(publisher, "CALL_TIMEOUT_S", 30.0)


@pytest.fixture
async def database(empty_database, _on_a_busy_machine):
    await migrate(empty_database)
    owner = await asyncpg.connect(empty_database)
    await ensure_tenant(owner, TENANT)
    yield Database(owner, empty_database.replace("postgres@", f"{writer_role(TENANT)}@"))
    await owner.close()


@pytest.fixture
async def feed(valkey):
    client = redis.asyncio.from_url(valkey.url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def worker(tmp_path, database, valkey, feed):
    running = await start(tmp_path / "journal", database.connect, valkey.url)
    yield running
    await running.stop()
