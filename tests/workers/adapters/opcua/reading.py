"""Reading an adapter until something came."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from pumpjack_core.errors import NotConnected
from pumpjack_core.readings import Quarantined
from pumpjack_worker.adapters.contract import Adapter

PATIENCE_S = 60.0


class Row(NamedTuple):
    name: str
    value: float
    quality: int
    us: int


@dataclass
class Seen:
    """Everything that was delivered, in its order."""

    rows: list[Row] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    memos: list[bytes] = field(default_factory=list)

    def of(self, name: str) -> list[Row]:
        return [row for row in self.rows if row.name == name]

    def values(self, name: str) -> list[float]:
        return [row.value for row in self.of(name)]

    def has(self, name: str, value: float) -> bool:
        return value in self.values(name)

    @property
    def gaps(self) -> list[Quarantined]:
        return [one for one in self.quarantined if one.reason == "gap"]


async def read_into(seen: Seen, adapter: Adapter) -> None:
    """One delivery, acknowledged."""
    delivery = await adapter.read_batch()
    batch = delivery.batch
    for index, value, quality, us in zip(
        batch.tag_index.tolist(),
        batch.value.tolist(),
        batch.quality.tolist(),
        batch.source_us.tolist(),
        strict=True,
    ):
        seen.rows.append(Row(batch.tags.tags[index].name, value, quality, us))
    seen.quarantined += delivery.quarantined
    seen.errors.update(delivery.errors)
    if delivery.memo:
        seen.memos.append(delivery.memo)
    await delivery.ack()


async def read_until(
    adapter: Adapter, enough: Callable[[Seen], bool], seen: Seen | None = None
) -> Seen:
    """Read until enough came."""
    seen = Seen() if seen is None else seen
    async with asyncio.timeout(PATIENCE_S):
        while not enough(seen):
            await read_into(seen, adapter)
    return seen


async def read_for(adapter: Adapter, pause_s: float, seen: Seen | None = None) -> Seen:
    """Read until nothing came for so long."""
    seen = Seen() if seen is None else seen
    while True:
        try:
            async with asyncio.timeout(pause_s):
                await read_into(seen, adapter)
        except TimeoutError:
            return seen


async def read_until_lost(adapter: Adapter, seen: Seen | None = None) -> NotConnected:
    """Read until the session is lost; how that is told."""
    seen = Seen() if seen is None else seen
    with pytest.raises(NotConnected) as caught:
        await read_until(adapter, lambda _: False, seen)
    return caught.value


async def reconnect(adapter: Adapter) -> None:
    """Connect again as the pipeline does."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await adapter.connect()
            except NotConnected:
                await asyncio.sleep(0.05)
