"""Databases and logins of a local system."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from pumpjack_cli.local.database import embedded, external, with_login
from pumpjack_cli.local.datadir import DataDir
from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.errors import StorageError

URLS = {
    "postgresql://me:x@db:5433/wells?sslmode=require": (
        "postgresql://ann:s%2Fc@db:5433/wells?sslmode=require"
    ),
    "postgresql://db/wells": "postgresql://ann:s%2Fc@db/wells",
    "postgresql://me@/wells?host=/run/pg": "postgresql://ann:s%2Fc@/wells?host=/run/pg",
    "postgresql:///wells?host=/run/pg": "postgresql://ann:s%2Fc@/wells?host=/run/pg",
    "postgresql://me:p%40ss@[::1]:5432/wells": "postgresql://ann:s%2Fc@[::1]:5432/wells",
}


@pytest.mark.parametrize(("url", "other"), URLS.items(), ids=URLS)
def test_another_login_reaches_the_same_database(url: str, other: str) -> None:
    assert with_login(url, "ann", "s/c") == other


@pytest.fixture(params=["a superuser", "an owner who may make roles"])
async def admin_url(request: pytest.FixtureRequest, empty_server: EmbeddedPostgres) -> str:
    """URL of a new database for its administrator."""
    admin = await asyncpg.connect(empty_server.url())
    await admin.execute("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'x'")
    await admin.execute("CREATE DATABASE wells OWNER boss")
    await admin.close()
    return empty_server.url("wells", "postgres" if request.param == "a superuser" else "boss")


@pytest.fixture
def empty_server() -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to the whole server."""
    with tempfile.TemporaryDirectory(prefix="pj-db-", ignore_cleanup_errors=True) as folder:
        with EmbeddedPostgres(Path(folder) / "data") as server:
            yield server


@pytest.mark.servers
async def test_a_given_database_gets_logins_with_generated_passwords(
    admin_url: str, empty_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    database = external(admin_url, DataDir(tmp_path))
    assert (await database.prepare()).applied
    await database.ensure_tenants(["permian"])
    for url in (database.gateway, database.maintain, database.writer("permian")):
        connection = await asyncpg.connect(url)
        await connection.close()
    assert await database.count_readings("permian") == {}
    admin = await asyncpg.connect(empty_server.url("wells"))
    kept = await admin.fetchval(
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'pumpjack_gateway'"
    )
    await admin.close()
    assert kept.startswith("SCRAM-SHA-256$")
    again = external(admin_url, DataDir(tmp_path))
    assert (await again.prepare()).applied == ()
    await again.ensure_tenants(["permian", "bakken"])


@pytest.mark.servers
async def test_the_embedded_server_gets_its_database_once(postgres: EmbeddedPostgres) -> None:
    first = await embedded(postgres.url)
    again = await embedded(postgres.url)
    assert first.admin == again.admin
    connection = await asyncpg.connect(first.admin)
    assert await connection.fetchval("SELECT current_database()") == "pumpjack"
    await connection.close()


async def test_a_database_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="check that it runs and can be reached"):
        await external("postgresql://me@127.0.0.1:9/wells", DataDir(tmp_path)).prepare()
