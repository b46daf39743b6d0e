"""A field of its own for each test, and the people who work there."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.commands.field import NAME, Field, Person
from tests.gateway.conftest import running
from tests.gateway.databases import made

People = Callable[..., Person]


@pytest.fixture(scope="session")
def commands_database(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    asyncio.run(made(postgres, NAME))
    return postgres


@pytest.fixture
async def field(
    commands_database: EmbeddedPostgres, valkey: EmbeddedValkey
) -> AsyncIterator[Field]:
    field = Field(commands_database, valkey.url, f"t-{uuid.uuid4().hex[:12]}")
    await field.open()
    yield field
    await field.close()


@pytest.fixture
async def gateway(field: Field, valkey: EmbeddedValkey) -> AsyncIterator[Gateway]:
    async with running(valkey.url, field.url, command_rate_user_burst=100.0) as gateway:
        yield gateway


@pytest.fixture
async def people(gateway: Gateway, field: Field) -> AsyncIterator[People]:
    """Makes somebody by name and role."""
    made: list[Person] = []

    def person(name: str, role: str = "operator", *, tenant: str | None = None) -> Person:
        made.append(Person(gateway, tenant or field.tenant, name, role))
        return made[-1]

    yield person
    for one in made:
        await one.close()


@pytest.fixture
def ann(people: People) -> Person:
    """An operator."""
    return people("ann")
