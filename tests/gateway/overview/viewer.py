"""A screen with all wells, which takes messages in as docs/wire.md says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pumpjack_gateway.main import Gateway
from tests.gateway.screens import WAIT_S, Screen, screen

Wells = dict[str, dict[str, Any]]


class Viewer:
    """wells: as they are shown; told: all messages about them."""

    def __init__(self, client: Screen) -> None:
        self.client = client
        self.wells: Wells = {}
        self.told: list[dict[str, Any]] = []

    async def open(self) -> None:
        await self.client.say(type="subscribe-overview")
        while (await self.next())["type"] != "overview":
            pass

    async def next(self) -> dict[str, Any]:
        message = await self.client.next()
        self.take(message)
        return message

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "overview":
            names = [well["wellId"] for well in message["wells"]]
            assert names == sorted(set(names))
            self.wells = {well.pop("wellId"): well for well in message["wells"]}
        elif message["type"] == "overview-changes":
            for change in message["wells"]:
                self._change(change)
        else:
            return
        self.told.append(message)

    def _change(self, change: dict[str, Any]) -> None:
        well = self.wells[change.pop("wellId")]  # a new well would come with another overview
        assert change, "a well without a change has no place here"
        for place, value in change.pop("values", {}).items():
            well["values"][int(place)] = value
        well.update(change)

    async def until(self, holds: Callable[[Wells], bool]) -> None:
        """Read on until it is so."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not holds(self.wells):
                    await self.next()
        except TimeoutError:
            raise AssertionError(f"it did not become so: {self.wells}") from None

    def values(self, well_id: str) -> list[float | None]:
        """The values of a well's keys."""
        return [value and value[0] for value in self.wells[well_id]["values"]]

    def states(self, well_id: str) -> dict[str | None, tuple[str, str | None]]:
        """State and, where it is stale, the reason, of each connection of a well."""
        return {
            one["connectionId"]: (one["state"], one["reason"] if one["stale"] else None)
            for one in self.wells[well_id]["connections"]
        }


@asynccontextmanager
async def viewer(gateway: Gateway, tenant: str, **options: Any) -> AsyncIterator[Viewer]:
    """A client that sees all wells."""
    async with screen(gateway, tenant, **options) as client:
        shown = Viewer(client)
        await shown.open()
        yield shown
