"""A list and watch, before a real API server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from pumpjack_operator import reflect, seen
from pumpjack_operator.api import Api
from pumpjack_operator.kinds import CONFIG_MAP
from pumpjack_operator.login import Login
from pumpjack_operator.reflect import Reflector, Watched
from tests.controlplane.server import TOKEN, anyone
from tests.operator.cluster import answered, eventually

pytestmark = pytest.mark.peers
LIST, WATCH = ("list", "configmaps"), ("watch", "configmaps")


class Names:
    """Remembers the names that are there."""

    def __init__(self) -> None:
        self.there: set[str] = set()

    def put(self, raw):
        self.there.add(raw["metadata"]["name"])
        return raw["metadata"]["name"]

    def gone(self, known, _version):
        self.there.discard(known)


@contextlib.asynccontextmanager
async def following(plane, wells, **more) -> AsyncIterator[tuple[Api, Names]]:
    """The ConfigMaps of the namespace are followed."""
    names = Names()
    async with Api(Login(f"https://127.0.0.1:{plane.port}", anyone(), TOKEN)) as api:
        watched = Watched(CONFIG_MAP, wells.name)
        run = asyncio.create_task(Reflector(api, watched, names, key=seen.key_of, **more).run())
        try:
            yield api, names
        finally:
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run


def make(wells, name):
    answered(wells.client.post(wells.path("configmaps"), json={"metadata": {"name": name}}))


async def test_a_list_of_many_pages_is_whole_and_what_it_lacks_is_gone(plane, wells, monkeypatch):
    monkeypatch.setattr(reflect, "PAGE", 2)
    for number in range(5):
        make(wells, f"m{number}")
    async with following(plane, wells) as (api, names):
        await eventually(lambda: names.there == {f"m{number}" for number in range(5)})
        assert api.calls[LIST] == 3
        make(wells, "later")
        wells.delete("configmaps", "m0")
        await eventually(lambda: "later" in names.there and "m0" not in names.there)
        assert api.calls[LIST] == 3


async def test_between_two_lists_it_watches_however_soon_the_next_is_due(plane, wells):
    async with following(plane, wells, relist_s=0.8) as (api, _names):
        await eventually(lambda: api.calls[LIST] >= 3)
        assert api.calls[WATCH] >= 2


async def test_a_watch_that_ends_at_once_again_and_again_is_trouble_and_asked_for_less_often(
    plane, wells
):
    class Brief(Api):
        @contextlib.asynccontextmanager
        async def watch(self, kind, *_given, **_more):
            self.calls["watch", kind.resource] += 1
            await asyncio.sleep(0.001)

            async def nothing():
                for line in ():
                    yield line

            yield nothing()

    names = Names()
    async with Brief(Login(f"https://127.0.0.1:{plane.port}", anyone(), TOKEN)) as api:
        watched = Watched(CONFIG_MAP, wells.name)
        run = asyncio.create_task(Reflector(api, watched, names, key=seen.key_of).run())
        try:
            await eventually(lambda: api.calls[WATCH] >= 4)
            (trouble,) = await eventually(lambda: list(api.troubled.values()))
            assert "it ended as soon as it began" in trouble.why
            assert api.calls[WATCH] < 50
        finally:
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run
    assert not api.troubled
