"""What is known of a tenant's wells, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_gateway.live.link import LinkLost
from pumpjack_gateway.store import StoreUnavailable, UnknownTenant
from pumpjack_gateway.wells import Wells
from tests.gateway.clocks import HandClock


class Names:
    """A database that counts how often it was asked."""

    def __init__(self, *wells: str) -> None:
        self.wells = set(wells)
        self.asked = 0
        self.trouble: Exception | None = None

    async def well_ids(self, tenant_id: str) -> frozenset[str]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return frozenset(self.wells)


class Redis:
    """Hashes that are there."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.is_down = False

    async def call(self, *words: str | bytes, limit_s: float = 2.0) -> Any:
        if self.is_down:
            raise LinkLost("down")
        return int(words[1] in self.keys)


async def test_a_known_well_is_not_asked_for_each_time() -> None:
    names, clock = Names("a"), HandClock()
    wells = Wells(names, Redis(), clock)
    assert [await wells.exists("t", "a") for _ in range(3)] == [True] * 3
    assert names.asked == 1
    clock.forward(6)
    await wells.exists("t", "a")
    assert names.asked == 2


async def test_a_new_well_is_known_soon() -> None:
    names, clock = Names("a"), HandClock()
    wells = Wells(names, Redis(), clock)
    assert not await wells.exists("t", "b")
    names.wells.add("b")
    assert not await wells.exists("t", "b")
    clock.forward(1.1)
    assert await wells.exists("t", "b")


async def test_unknown_wells_do_not_ask_the_database_more_than_once_a_second() -> None:
    names = Names("a")
    wells = Wells(names, Redis(), HandClock())
    for number in range(100):
        await wells.exists("t", f"guess-{number}")
    assert names.asked == 1


async def test_a_well_that_publishes_exists_before_the_database_knows_it() -> None:
    wells = Wells(Names(), Redis("scada:latest:t:a"), HandClock())
    assert await wells.exists("t", "a")
    assert not await wells.exists("other", "a")


async def test_a_tenant_that_the_database_does_not_know_has_no_wells() -> None:
    names = Names()
    names.trouble = UnknownTenant("none")
    assert not await Wells(names, Redis(), HandClock()).exists("t", "a")


async def test_without_the_database_nobody_can_say_and_it_is_not_asked_without_pause() -> None:
    names = Names()
    names.trouble = StoreUnavailable("down")
    wells = Wells(names, Redis("scada:latest:t:a"), HandClock())
    assert await wells.exists("t", "a")
    for _ in range(10):
        with pytest.raises(StoreUnavailable):
            await wells.exists("t", "b")
    assert names.asked == 1


async def test_without_redis_the_database_is_enough() -> None:
    redis = Redis()
    redis.is_down = True
    wells = Wells(Names("a"), redis, HandClock())
    assert await wells.exists("t", "a")
    assert not await wells.exists("t", "b")
