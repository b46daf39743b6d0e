"""The gateway's store when its database goes away in the worst moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

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
