"""The subscription of one session, from its making to its renewal, and what must be asked beside.

Everything here runs in the adapter's keeper task or in connect(); what comes of it goes to
Readings, so that a cancelled read_batch() loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pumpjack_core.clock import Clock
from pumpjack_core.errors import AddressError
from pumpjack_core.log import get_logger
from pumpjack_worker.adapters.opcua.backfill import Backfill, read_portion
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.failures import ServiceFault, status_text
from pumpjack_worker.adapters.opcua.items import Item, Limits, Maker, node_id
from pumpjack_worker.adapters.opcua.publishing import Publishing, is_gone
from pumpjack_worker.adapters.opcua.readings import Readings
from pumpjack_worker.adapters.opcua.settings import Settings
from pumpjack_worker.adapters.opcua.subscription import (
    end,
    limits_of,
    read_now,
    subscribe,
    transfer,
)

NO_WORK_S = 3_600.0

_log = get_logger("worker.opcua")


class Feed:
    """One subscription at a time.

    publishing    its messages, None before there is one
    keep_alive_s  how often the server says that it is there
    """

    def __init__(
        self, settings: Settings, readings: Readings, clock: Clock, on_news: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._readings = readings
        self._clock = clock
        self._on_news = on_news
        self._limits = Limits()
        self._maker = Maker(settings.peer, self._limits, settings.spec.queue_size)
        self._read_again = False
        self.publishing: Publishing | None = None
        self.keep_alive_s = 1.0

    @property
    def namespaces(self) -> tuple[str, ...]:
        """URIs of the server's namespaces, by index."""
        return self._limits.namespaces

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it was asked for."""
        short = self._maker.short_queues
        if not short:
            return ()
        return (
            f"{self._settings.peer} keeps fewer than queueSize values of {short} tags between "
            "two publishings; lower publishingInterval, or values may be lost",
        )

    @property
    def has_work(self) -> bool:
        """Whether work() has something to do at once."""
        publishing, readings = self.publishing, self._readings
        return (
            readings.next_items is not None
            or readings.ended is not None
            or self._read_again
            or readings.must_read
            or readings.losses.is_news
            or (publishing is not None and bool(publishing.missing or publishing.trouble))
        )

    def next_work(self) -> float:
        """When there is something to do without anything happening [s, monotonic]."""
        now = self._clock.monotonic()
        due = self._readings.items.next_due()
        later = now + NO_WORK_S if due is None else due
        to_read_back = self._readings.losses.next_due()
        return later if to_read_back is None else min(later, to_read_back)

    async def begin(self, channel: Channel, *, resumed: bool) -> None:
        """Have notifications come. Raises NotConnected, ServiceFault."""
        if not resumed:
            self._limits = await limits_of(channel)
            self._maker = Maker(self._settings.peer, self._limits, self._settings.spec.queue_size)
        if self.publishing is not None and await self._take_up(channel, resumed=resumed):
            self._readings.losses.nothing_lost()
            return
        why = "the worker was away"
        if self.publishing is not None:
            why = "the server has neither the session nor the subscription any more"
        await self._subscribe(channel)
        if self._readings.losses.lost_us is not None:
            self._readings.begin_backfill(why)

    async def work(self, channel: Channel) -> None:
        """Do what is to be done. Raises NotConnected, ServiceFault."""
        await self._renew_if_gone(channel)
        publishing = self.publishing
        assert publishing is not None
        if publishing.missing:
            await publishing.repair(channel)
        if self._readings.next_items is not None:
            await self._change_items(channel)
        await self._make(channel, self._readings.items.due(self._clock.monotonic()))
        if (self._read_again or self._readings.must_read) and not publishing.ready:
            self._read_again = False
            self._readings.times.catching_up = False
            await self._read_values(channel)
        await self._backfill(channel)

    async def _take_up(self, channel: Channel, *, resumed: bool) -> bool:
        """Go on with the old subscription. False: the server does not have it any more."""
        publishing = self.publishing
        assert publishing is not None
        if not resumed and not await transfer(channel, publishing.subscription):
            return False
        try:
            await publishing.catch_up(channel)
        except ServiceFault as fault:
            if not is_gone(fault):
                raise
            return False
        self._readings.times.catching_up = True
        publishing.start(channel)
        self._read_again = True
        return True

    async def _subscribe(self, channel: Channel) -> None:
        """A new subscription with all items."""
        granted = await subscribe(channel, self._settings.spec)
        self.publishing = Publishing(granted.number, self._clock, self._on_news)
        self.keep_alive_s = granted.keep_alive_s
        self._readings.ended = None
        self._readings.times.catching_up = self._read_again = False
        if self._readings.next_items is not None:
            self._readings.switch(self._readings.next_items)
        items = self._readings.items
        items.forget()
        self._maker.short_queues = 0
        await self._make(channel, list(items.by_place.values()), tell_refused=True)
        self.publishing.start(channel)

    async def _renew_if_gone(self, channel: Channel) -> None:
        """Another subscription, when the server has ended or forgotten ours."""
        publishing, ended = self.publishing, self._readings.ended
        trouble = None if publishing is None else publishing.trouble
        if trouble is not None and not is_gone(trouble):
            raise trouble
        if ended is None and trouble is None:
            return
        why = status_text(ended) if ended is not None else str(trouble)
        _log.warning("subscription is gone", device=self._settings.peer, reason=why)
        assert publishing is not None
        await end(channel, publishing.subscription)
        await self._subscribe(channel)
        self._readings.begin_backfill(f"the server ended the subscription: {why}", in_session=True)

    async def _change_items(self, channel: Channel) -> None:
        items = self._readings.next_items
        assert items is not None
        assert self.publishing is not None
        self._readings.switch(items)
        await self._maker.delete(channel, self.publishing.subscription, items.dropped)
        items.dropped = []
        await self._make(channel, items.to_make())

    async def _make(
        self, channel: Channel, items: list[Item], *, tell_refused: bool = False
    ) -> None:
        """Have the server monitor these; who is newly refused has no value."""
        if not items or self.publishing is None:
            return
        known = {item.handle for item in items if item.refused and not tell_refused}
        await self._maker.make(channel, self.publishing.subscription, items, self._clock.monotonic)
        refused = {item.handle for item in items if item.refused} - known
        if refused:
            by_place = self._readings.items.by_place
            places = [place for place, item in by_place.items() if item.handle in refused]
            self._readings.refuse(places)
            first = by_place[places[0]].refused if places else ""
            _log.warning(
                "nodes refused", device=self._settings.peer, count=len(places), first=first
            )

    async def _read_values(self, channel: Channel) -> None:
        """After an outage that lost nothing: what did not change holds still, and says so.

        After messages were lost: what they would have said.
        """
        everything, self._readings.must_read = self._readings.must_read, False
        items = [item for item in self._readings.items.by_place.values() if item.item_id]
        nodes = [(item.handle, self._node(item)) for item in items]
        for changes in await read_now(channel, nodes, self._limits):
            self._readings.still(changes, everything=everything)

    async def _backfill(self, channel: Channel) -> None:
        """Read a portion of what was missed from the server's history."""
        tags = self._readings.items.tags
        backfill = self._readings.losses.due(tags)
        if backfill is None:
            return
        if not backfill.begun:
            await self._plan(channel, backfill)
        for place, changes in await read_portion(channel, backfill, self._limits):
            self._readings.backfilled(backfill, place, changes)
        if backfill.is_done:
            self._readings.losses.end(backfill, tags)
        else:
            backfill.due_at = self._clock.monotonic()

    async def _plan(self, channel: Channel, backfill: Backfill) -> None:
        """Find out which nodes have a history."""
        by_place = self._readings.items.by_place
        wanted = [
            (place, item)
            for place, item in by_place.items()
            if item.item_id and backfill.concerns(place)
        ]
        has: list[tuple[int, int, Any]] = []
        if self._settings.spec.history and wanted:
            nodes = [(place, self._node(item)) for place, item in wanted]
            parts = await read_now(channel, nodes, self._limits, attribute=ACCESS_LEVEL)
            levels = np.concatenate([part.value for part in parts])
            readable = np.nan_to_num(levels).astype(np.int64) & HISTORY_READ != 0
            has = [
                (place, item.handle, node)
                for (place, item), (_, node), is_readable in zip(
                    wanted, nodes, readable.tolist(), strict=True
                )
                if is_readable
            ]
        readable_places = {place for place, _, _ in has}
        concerned = {place for place in by_place if backfill.concerns(place)}
        backfill.plan(has, concerned - readable_places)

    def _node(self, item: Item) -> Any:
        try:
            return node_id(item.address, self._limits.namespaces)
        except AddressError:
            return None


ACCESS_LEVEL, HISTORY_READ = 17, 4
"""The attribute, and its bit, OPC 10000-3, section 8.57."""
