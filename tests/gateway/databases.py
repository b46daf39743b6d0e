"""Databases that tests of one kind share; each test has a tenant of its own in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from tests.faults import FaultProxy


class Database:
    """A migrated database; tenants are made as they are needed."""

    def __init__(self, postgres: EmbeddedPostgres, name: str) -> None:
        self._postgres = postgres
        self.name = name

    @property
    def gateway_url(self) -> str:
        return self._postgres.url(self.name, "pumpjack_gateway")

    @property
    def admin_url(self) -> str:
        return self._postgres.url(self.name)

    def writer_url(self, tenant: str) -> str:
        return self._postgres.url(self.name, writer_role(tenant))

    @asynccontextmanager
    async def breakable(self) -> AsyncIterator[tuple[str, FaultProxy]]:
        """The gateway's URL through a proxy that breaks when a test wants it to."""
        folder = parse_qs(urlsplit(self.gateway_url).query)["host"][0]
        async with FaultProxy(Path(folder) / ".s.PGSQL.5432") as proxy:
            yield (
                f"postgresql://pumpjack_gateway@{proxy.host}:{proxy.port}/{self.name}?sslmode=disable",
                proxy,
            )

    async def add(self, *tenants: str) -> None:
        """Set tenants up; one that is there stays as it is."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            for tenant in tenants:
                await ensure_tenant(admin, tenant)
        finally:
            await admin.close()

    async def ask(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """As the database's owner."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def audited(self, tenant: str, action: str) -> list[dict[str, Any]]:
        """The audit log's entries of an action."""
        rows = await self.ask(
            "SELECT actor, outcome, detail::text AS detail FROM pumpjack.audit_logs "
            "WHERE tenant_id = $1 AND action = $2 ORDER BY audit_id",
            tenant,
            action,
        )
        return [dict(row) | {"detail": msgspec.json.decode(row["detail"])} for row in rows]


async def made(postgres: EmbeddedPostgres, name: str) -> Database:
    """The migrated database of this name; tests of another folder may have made it already."""
    admin = await asyncpg.connect(postgres.url())
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f"CREATE DATABASE {name}")
    finally:
        await admin.close()
    await migrate(postgres.url(name))
    return Database(postgres, name)
