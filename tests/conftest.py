"""Servers that the tests start by themselves, once a session, and never reach over a network."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey

# An example may take as long as a busy machine lets it: only its answer counts.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="pj-pg-", ignore_cleanup_errors=True) as folder:
        with EmbeddedPostgres(Path(folder) / "data") as server:
            yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="pj-vk-", ignore_cleanup_errors=True) as folder:
        with EmbeddedValkey(Path(folder)) as server:
            yield server


@pytest.fixture
async def empty_database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """URL, as superuser, of a database that nothing was done to."""
    name = f"t{next(_numbers)}"
    admin = await asyncpg.connect(postgres.url())
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
