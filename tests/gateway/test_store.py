"""The gateway's store in the worst moment: its database goes away, a tenant comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant
from pumpjack_gateway.store import Store, StoreUnavailable
from tests.faults import FaultProxy

pytestmark = pytest.mark.servers
_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
GOOD_BYE = b"E" + (4 + len(_FIELDS)).to_bytes(4, "big") + _FIELDS
"""ErrorResponse (PostgreSQL, message formats)."""


async def test_a_server_that_says_good_bye_unasked_is_away_for_now_and_nothing_ends_by_it(
    empty_database: str,
) -> None:
    address, _, folder = empty_database.partition("?host=")
    async with FaultProxy(Path(folder) / ".s.PGSQL.5432") as proxy:
        store = Store(address.replace("@/", f"@127.0.0.1:{proxy.port}/"), pool_max=1, limit_s=30.0)
        await store.open()
        await store.ping()
        proxy.say(GOOD_BYE)
        await asyncio.sleep(0.2)  # it is heard
        with pytest.raises(StoreUnavailable, match="try again in a moment"):
            await store.ping()
        assert not store.is_up
        await store.ping()
        assert store.is_up
        await store.close()


async def test_a_tenant_that_comes_while_others_are_read_is_read_at_once(
    empty_database: str,
) -> None:
    """PostgreSQL can read its roles while one is granted, and keep what it has read."""
    await migrate(empty_database)
    address = empty_database.replace("//postgres@", "//pumpjack_gateway@")
    assert "pumpjack_gateway" in address
    admin = await asyncpg.connect(empty_database)
    for number in range(40):
        await ensure_tenant(admin, f"before-{number}")
    for number in range(40):
        store = Store(address, pool_max=3, limit_s=30.0)
        await store.open()
        done = asyncio.Event()
        readers = [asyncio.create_task(_read_on(store, done)) for _ in range(3)]
        await ensure_tenant(admin, f"new-{number}")
        done.set()
        await asyncio.gather(*readers)
        await asyncio.gather(*[_read(store, f"new-{number}") for _ in range(3)])
        await store.close()
    await admin.close()


async def _read_on(store: Store, done: asyncio.Event) -> None:
    number = 0
    while not done.is_set():
        number = (number + 7) % 40
        await _read(store, f"before-{number}")


async def _read(store: Store, tenant_id: str) -> None:
    async with store.reader(tenant_id) as connection:
        await connection.fetch("SELECT FROM pumpjack.scada_wells")
