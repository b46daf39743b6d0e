"""What the storage tests do with a database: act as a tenant's worker, reader, or as superuser."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import numpy as np

from pumpjack_core.storage.ingest import Ingest, Written
from pumpjack_core.storage.levels import Level
from pumpjack_core.storage.maintain import Upkeep, maintain_once
from pumpjack_core.storage.roles import MAINTAIN_ROLE, ensure_tenant, reader_role, writer_role
from pumpjack_core.tags import Tag

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MINUTE_US = 60_000_000
STEPS = {"1min": MINUTE_US, "5min": 5 * MINUTE_US, "1hour": HOUR_US, "1day": DAY_US}

Row = tuple[int, int, float] | tuple[int, int, float, int]
"""(time in µs, tag number of the worker, value[, quality])"""


def now_us() -> int:
    """The time in microseconds, at a whole second."""
    return int(time.time()) * 1_000_000


class Worker:
    """A tenant's worker with one connection, its tags and a journal."""

    def __init__(self, ingest: Ingest, name: str, tags: list[int]) -> None:
        self.ingest, self.name, self.tags = ingest, name, tags
        self.journal, self.seq = uuid4(), 0
        self.fence: int | None = None

    async def start(self, journal: UUID | None = None, follows: int = 0) -> None:
        """Take the next fence, and open the journal under it."""
        self.fence = await self.ingest.take_fence(self.name, "modbus-tcp")
        await self.open(journal, follows)

    async def open(self, journal: UUID | None = None, follows: int = 0) -> int:
        """follows: numbers up to this one are of the process before."""
        self.journal = journal or self.journal
        self.seq = await self.ingest.open_journal(self.journal, self.name, self.fence, follows)
        return self.seq

    async def write(
        self,
        rows: Iterable[Row],
        quarantined: Iterable[tuple[int | None, int, str, str]] = (),
        *,
        prev: int | None = None,
    ) -> Written:
        """Write rows under the next number, and move on when they were applied."""
        prev = self.seq if prev is None else prev
        listed = [(*row, 0)[:4] for row in rows]
        written = await self.ingest.write_batch(
            self.journal,
            prev,
            prev + 1,
            np.array([row[0] for row in listed], np.int64),
            np.array([self.tags[row[1]] for row in listed], np.int32),
            np.array([row[3] for row in listed], np.int16),
            np.array([row[2] for row in listed], np.float64),
            [
                (None if tag is None else self.tags[tag], us, reason, raw)
                for tag, us, reason, raw in quarantined
            ],
        )
        if written.applied:
            self.seq = prev + 1
        return written


class Database:
    """A migrated database; admin is a superuser's connection."""

    def __init__(self, url: str, level: Level, admin: asyncpg.Connection) -> None:
        self.url, self.level, self.admin = url, level, admin
        self._open = AsyncExitStack()

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, level: Level) -> AsyncIterator[Self]:
        admin = await asyncpg.connect(url, statement_cache_size=0)
        database = cls(url, level, admin)
        try:
            yield database
        finally:
            await database._open.aclose()
            await admin.close()

    def login(self, user: str) -> str:
        """URL for another login."""
        return self.url.replace("//postgres@", f"//{user}@")

    async def tenant(self, tenant_id: str = "permian") -> None:
        await ensure_tenant(self.admin, tenant_id)

    async def worker(
        self,
        tenant_id: str = "permian",
        name: str = "ops/pad7",
        tags: int = 3,
        well: str = "well-1",
        protocol: str = "modbus-tcp",
        *,
        fenced: bool = True,
    ) -> Worker:
        """A worker of a tenant, with tags tag-0, tag-1 … [psi] of one well, and an open journal.

        Not fenced, it opens the journal as a schema of before can as well.
        """
        await self.tenant(tenant_id)
        ingest = await Ingest.connect(self.login(writer_role(tenant_id)), timeout_s=60)
        self._open.push_async_callback(ingest.close)
        fence = await ingest.take_fence(name, protocol)
        table = [
            Tag(well, f"tag-{number}", f"holding:{number}", "float32", 1.0, "psi")
            for number in range(tags)
        ]
        worker = Worker(ingest, name, await ingest.register_series(name, table))
        worker.fence = fence if fenced else None
        await worker.open()
        return worker

    async def read(
        self, query: str, *arguments: Any, tenant_id: str = "permian"
    ) -> list[tuple[Any, ...]]:
        """What a tenant's reader sees: as the gateway asks, in one transaction as that role."""
        async with self.admin.transaction():
            await self.admin.execute(f"SET LOCAL ROLE {reader_role(tenant_id)}")
            return [tuple(row) for row in await self.admin.fetch(query, *arguments)]

    async def maintain(self) -> Upkeep:
        """One pass of `pumpjack maintain`, as its own login."""
        return await maintain_once(self.login(MAINTAIN_ROLE))

    async def refresh(self) -> None:
        """Bring the roll-ups up to date: by maintain, or as TimescaleDB's policies would."""
        if self.level != "community":
            await self.maintain()
            return
        for step, us in STEPS.items():
            await self.admin.execute(
                f"CALL refresh_continuous_aggregate('pumpjack.rollup_{step}',"
                f" now() - interval '89 days', now() - interval '{us} microseconds')"
            )

    async def run_jobs(self, name: str) -> None:
        """Run TimescaleDB's own jobs of one kind by hand; nothing at the other levels."""
        if self.level != "community":
            return
        query = "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = $1 ORDER BY 1"
        for job in await self.admin.fetch(query, name):
            await self.admin.execute(f"CALL run_job({job['job_id']})")
