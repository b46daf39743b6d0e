"""The databases and logins that a local system needs, made where they are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from pumpjack_cli.local.datadir import DataDir
from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.migrate import Report, migrate
from pumpjack_core.storage.roles import (
    GATEWAY_ROLE,
    MAINTAIN_ROLE,
    ensure_tenant,
    reader_role,
    scram_verifier,
    writer_role,
)

DATABASE = "pumpjack"
LIMIT_S = 30.0
_SET_LOGIN = "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)"


@dataclass(frozen=True)
class Database:
    """One database, as its administrator and as each of its logins.

    admin   URL of a login that may make roles
    as_     URL of another login of it
    """

    admin: str
    as_: Callable[[str], str]
    data: DataDir | None = None
    """Where generated passwords are kept; None where the server asks for none."""

    @property
    def gateway(self) -> str:
        """URL for the gateway."""
        return self.as_(GATEWAY_ROLE)

    @property
    def maintain(self) -> str:
        """URL for maintenance."""
        return self.as_(MAINTAIN_ROLE)

    def writer(self, tenant_id: str) -> str:
        """URL for the workers of a tenant."""
        return self.as_(writer_role(tenant_id))

    async def prepare(self) -> Report:
        """Bring the schema to this version and give the logins their passwords."""
        report = await migrate(self.admin)
        if self.data is not None:
            async with connect(self.admin, timeout_s=LIMIT_S) as connection:
                for role in (GATEWAY_ROLE, MAINTAIN_ROLE):
                    await _set_password(connection, role, self.data.secret(role))
        return report

    async def ensure_tenants(self, tenant_ids: Iterable[str]) -> None:
        """Make tenants with their roles."""
        async with connect(self.admin, timeout_s=LIMIT_S) as connection:
            for tenant_id in tenant_ids:
                password = self.data.secret(writer_role(tenant_id)) if self.data else None
                await ensure_tenant(connection, tenant_id, writer_password=password)

    async def count_readings(self, tenant_id: str) -> dict[str, tuple[int, int]]:
        """Readings and series of a tenant by protocol, as the gateway sees them in its role."""
        async with connect(self.gateway, timeout_s=LIMIT_S) as connection:
            async with connection.transaction():
                role = await connection.fetchval("SELECT quote_ident($1)", reader_role(tenant_id))
                await connection.execute(f"SET LOCAL ROLE {role}")
                rows = await connection.fetch(
                    "SELECT source_protocol, count(*) AS readings, "
                    "count(DISTINCT (well_id, tag_name)) AS series FROM pumpjack.scada_readings "
                    "WHERE time > now() - interval '1 hour' GROUP BY source_protocol"
                )
        return {row["source_protocol"]: (row["readings"], row["series"]) for row in rows}

    async def command_state(self, tenant_id: str, command_id: str) -> str | None:
        """How a command stands, as the gateway sees it in the tenant's role."""
        async with connect(self.gateway, timeout_s=LIMIT_S) as connection:
            async with connection.transaction():
                role = await connection.fetchval("SELECT quote_ident($1)", reader_role(tenant_id))
                await connection.execute(f"SET LOCAL ROLE {role}")
                state: str | None = await connection.fetchval(
                    "SELECT state FROM pumpjack.scada_commands WHERE command_id = $1::uuid",
                    command_id,
                )
        return state


async def embedded(url: Callable[[str, str], str]) -> Database:
    """The database of the embedded server: url(database, user). Its socket is ours alone."""
    async with connect(url("postgres", "postgres"), timeout_s=LIMIT_S) as connection:
        known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE)
        if not known:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    return Database(url(DATABASE, "postgres"), lambda role: url(DATABASE, role))


def external(admin: str, data: DataDir) -> Database:
    """A database of the user's; its logins get passwords that are kept in the data folder."""
    return Database(admin, lambda role: with_login(admin, role, data.secret(role)), data)


def with_login(url: str, user: str, password: str) -> str:
    """The same database for another login.

    >>> with_login("postgresql://me:x@db:5433/wells?sslmode=require", "ann", "s/c")
    'postgresql://ann:s%2Fc@db:5433/wells?sslmode=require'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))


async def _set_password(connection: asyncpg.Connection, role: str, password: str) -> None:
    await connection.execute(await connection.fetchval(_SET_LOGIN, role, scram_verifier(password)))
