"""A real gateway over a field whose worker raises what alarms a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.tags import Tag
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import Field
from tests.gateway.conftest import running
from tests.gateway.databases import Database
from tests.gateway.screens import token
from tests.screens.field import build_screens

BEAT_EVERY_S = 1.0


@dataclass(frozen=True)
class Alarming:
    """field: whose alarms they are; gateway: whose screens show them."""

    field: Field
    gateway: Gateway

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.gateway.rest_port}"

    def link(self, path: str = "/", *, who: str = "ann", role: str = "operator") -> str:
        """A page of the screens that signs in by itself."""
        return f"{self.rest}{path}#token={token(self.field.tenant, role=role, subject=who)}"


@asynccontextmanager
async def alarming(
    postgres: EmbeddedPostgres, database_url: str, valkey: EmbeddedValkey, tags: Sequence[Tag] = ()
) -> AsyncIterator[Alarming]:
    """On an empty database; without tags, one with three alarms."""
    build_screens()
    await migrate(database_url)
    database = Database(postgres, urlsplit(database_url).path[1:])
    field = Field(database, valkey.url)
    await field.open(*tags)
    async with running(valkey.url, database.gateway_url) as gateway, _beating(field):
        yield Alarming(field, gateway)
    await field.close()


@asynccontextmanager
async def _beating(field: Field) -> AsyncIterator[None]:
    """The worker is alive for as long as the block lasts."""

    async def beat() -> None:
        while True:
            await field.beat()
            await asyncio.sleep(BEAT_EVERY_S)

    await field.beat()
    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
