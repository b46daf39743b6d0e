"""A migrated database at each level.

plain      embedded PostgreSQL 18
apache     PostgreSQL 17 with TimescaleDB 2.19 of Debian (tests/timescaledb/debian.py; needs root)
community  PostgreSQL 17 with TimescaleDB 2.23, in WebAssembly (tests/timescaledb/wasm.py)
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.levels import Level
from pumpjack_core.storage.migrate import migrate
from tests.core.storage.database import Database
from tests.timescaledb.debian import timescaledb_apache
from tests.timescaledb.wasm import timescaledb

_numbers = itertools.count(1)
LEVELS: list[Any] = [
    pytest.param("plain", marks=pytest.mark.servers),
    pytest.param("apache", marks=[pytest.mark.servers, pytest.mark.peers]),
    pytest.param("community", marks=[pytest.mark.servers, pytest.mark.peers]),
]


@pytest.fixture(scope="session")
def apache_server() -> Iterator[str]:
    with timescaledb_apache() as url:
        yield url


@pytest.fixture(scope="session")
def timescaledb_server() -> Iterator[str]:
    with timescaledb() as url:
        yield url


@pytest.fixture
async def fresh_url(level: Level, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """URL, as superuser, of a database of this level that was not migrated."""
    if level != "community":
        async with _database_of_its_own(level, request) as url:
            yield url
        return
    url: str = request.getfixturevalue("timescaledb_server")
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute("DROP SCHEMA IF EXISTS pumpjack CASCADE")
    await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    await connection.close()
    yield url


@contextlib.asynccontextmanager
async def _database_of_its_own(level: Level, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    if level == "plain":
        postgres: EmbeddedPostgres = request.getfixturevalue("postgres")
        server = postgres.url()
    else:
        server = request.getfixturevalue("apache_server")
    name = f"storage{next(_numbers)}"
    url = server.replace("/postgres?", f"/{name}?")
    admin = await asyncpg.connect(server)
    # TimescaleDB's launcher looks into template1 from time to time, and would be in the way.
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    if level == "apache":
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE EXTENSION timescaledb")
        await connection.close()
    yield url
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
async def database(level: Level, fresh_url: str) -> AsyncIterator[Database]:
    """A migrated database of this level."""
    report = await migrate(fresh_url)
    assert report.level == level
    async with Database.open(fresh_url, level) as opened:
        yield opened


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> Level:
    """Each; a test for some says so by parametrize("level", LEVELS[…])."""
    return request.param
