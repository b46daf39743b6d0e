"""The alarm feeds of the tenants whose alarms somebody looks at."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec

from pumpjack_core.clock import Clock
from pumpjack_core.wire import alarms_channel
from pumpjack_gateway.alarms.beats import HeartbeatStore
from pumpjack_gateway.alarms.feed import AlarmFeed, Reader
from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.alarms.screen import AlarmScreen
from pumpjack_gateway.live.hub import Hub

FIRST_LOOK_S = 3.0
"""So long a client waits for the database before it is shown what is known without."""


class AlarmFeeds:
    """Starts a feed with its first client, and ends it with its last."""

    def __init__(self, hub: Hub, reader: Reader, clock: Clock, metrics: AlarmMetrics) -> None:
        self._hub = hub
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._feeds: dict[str, tuple[AlarmFeed, asyncio.Task[None]]] = {}
        self._waiting: dict[str, int] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Own the feeds' tasks until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None

    async def join(self, screen: AlarmScreen, tenant_id: str) -> None:
        """Tell a client of the tenant's alarms. Cancelling leaves nothing behind."""
        feed = self._feed(tenant_id)
        self._waiting[tenant_id] = self._waiting.get(tenant_id, 0) + 1
        try:
            with suppress(TimeoutError):  # the database is slow: the rest is told when it comes
                async with asyncio.timeout(FIRST_LOOK_S):
                    await feed.tried.wait()
            feed.join(screen)
        finally:
            self._waiting[tenant_id] -= 1
            if not self._waiting[tenant_id]:
                del self._waiting[tenant_id]
            self._drop_if_idle(feed)

    def leave(self, screen: AlarmScreen, tenant_id: str) -> None:
        """Tell it no more."""
        known = self._feeds.get(tenant_id)
        if known is not None:
            known[0].leave(screen)
            self._drop_if_idle(known[0])

    def wake(self, tenant_id: str) -> None:
        """Something changed in the database: every gateway looks."""
        text = msgspec.json.encode({"type": "alarms-stored", "tenantId": tenant_id})
        self._hub.link.send("PUBLISH", alarms_channel(tenant_id), text, then=lambda _: None)
        known = self._feeds.get(tenant_id)
        if known is not None:
            known[0].tune_in()  # also when Redis is away

    def _feed(self, tenant_id: str) -> AlarmFeed:
        known = self._feeds.get(tenant_id)
        if known is not None:
            return known[0]
        assert self._tasks is not None, "the gateway does not run"
        channel = alarms_channel(tenant_id)
        feed = AlarmFeed(
            tenant_id,
            self._reader,
            HeartbeatStore(self._hub.link),
            hears=lambda: self._hub.channels.hears(channel),
            clock=self._clock,
            metrics=self._metrics,
        )
        self._hub.channels.open(channel, feed)
        task = self._tasks.create_task(feed.run(), name=f"alarms of {tenant_id}")
        self._feeds[tenant_id] = (feed, task)
        return feed

    def _drop_if_idle(self, feed: AlarmFeed) -> None:
        if feed.screens or self._waiting.get(feed.tenant_id):
            return
        known = self._feeds.pop(feed.tenant_id, None)
        if known is not None:
            self._hub.channels.close(feed.channel, feed)
            known[1].cancel()
