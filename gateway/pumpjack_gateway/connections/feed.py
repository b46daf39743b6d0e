"""Shows a tenant's connections to those who look at them: at once, then what changes.

Everything is encoded once for all clients. The state comes from the heartbeats, since when and
what cannot be read from the database; either may be away.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace

from pumpjack_core import wire
from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageError
from pumpjack_gateway.connections.answers import Connection, JournalNow
from pumpjack_gateway.connections.known import KnownReports
from pumpjack_gateway.connections.messages import (
    ConnectionBeats,
    ConnectionsShown,
    beat,
    changed,
    frame_of_connections,
)
from pumpjack_gateway.connections.now import Changes, all_now
from pumpjack_gateway.connections.reports import Reports
from pumpjack_gateway.connections.screen import ConnectionsScreen
from pumpjack_gateway.live.audience import Tenant
from pumpjack_gateway.live.hub import Hub
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.times import time_of

LOOK_S = 1.0
BEATS_S = 2.0
FIRST_LOOK_S = 3.0
"""So long the first client waits for the database, and for the heartbeats."""
_QUIET = JournalNow(0, 0, 0.0, None)


class ConnectionsFeed:
    """One tenant's, while somebody looks.

    screens  who is told of changes
    """

    def __init__(self, tenant_id: str, hub: Hub, known: KnownReports, clock: Clock) -> None:
        self.tenant_id = tenant_id
        self.screens: set[ConnectionsScreen] = set()
        self._hub = hub
        self._known = known
        self._clock = clock
        self._tenant: Tenant | None = None
        self._reports: Reports = {}
        self._changes = Changes()
        self._told: dict[str, Connection] = {}
        self._waiting: dict[ConnectionsScreen, asyncio.Future[None]] = {}
        self._wake = asyncio.Event()
        self._read_once = asyncio.Event()
        self._heard = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether nobody looks or waits."""
        return not self.screens and not self._waiting

    async def join(self, screen: ConnectionsScreen) -> None:
        """Show everything to a client, and then what changes. Returns when it was told."""
        admitted = self._waiting[screen] = asyncio.get_running_loop().create_future()
        screen.on_release = self._wake.set
        self._wake.set()
        try:
            await admitted
        finally:
            if self._waiting.get(screen) is admitted:
                del self._waiting[screen]

    def leave(self, screen: ConnectionsScreen) -> None:
        """Show it no more."""
        self.screens.discard(screen)
        screen.forget()

    async def run(self) -> None:
        """Until cancelled."""
        self._tenant = self._hub.follow(self, self.tenant_id)
        if self._tenant.subscribed or not self._hub.is_up:
            self._heard.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._learn(), name=f"reports of {self.tenant_id}")
                tasks.create_task(self._show(), name=f"connections of {self.tenant_id}")
        finally:
            self._hub.unfollow(self, self.tenant_id)

    # The feed (live.audience.Tap)

    def tune_in(self) -> None:
        """The feed is there; the heartbeats that were kept come next."""
        self._wake.set()

    def lose(self) -> None:
        """The feed is lost."""
        self._heard.set()
        self._wake.set()

    def readings(self, message: Message) -> None:
        """A batch: nothing that is shown here."""

    def heartbeat(self, beat: wire.Heartbeat) -> None:
        """The numbers of a connection: told with the others."""

    def health_changed(self, connection_id: str | None) -> None:
        """A connection is in another state now."""
        if connection_id is None:
            self._heard.set()
        self._wake.set()

    # What is shown

    async def _learn(self) -> None:
        while True:
            with suppress(StorageError):
                self._reports, _ = await self._known.last(self.tenant_id)
            self._read_once.set()
            await asyncio.sleep(LOOK_S)

    async def _show(self) -> None:
        for ready in (self._read_once, self._heard):
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_LOOK_S):
                    await ready.wait()
        loop = asyncio.get_running_loop()
        beats_due_s = loop.time()
        while True:
            beats = loop.time() >= beats_due_s
            if beats:
                beats_due_s = loop.time() + BEATS_S
            self._tell(beats=beats)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()

    def _tell(self, *, beats: bool) -> None:
        """Tell what changed to those who have all, and all to those who do not."""
        now = {one.connection_id: one for one in self._now()}
        news = [one for name, one in now.items() if _gist(self._told.get(name)) != _gist(one)]
        gone = self._told.keys() - now.keys()
        numbers = [one for one in now.values() if one not in news] if beats and not gone else []
        numbers = [one for one in numbers if beat(self._told[one.connection_id]) != beat(one)]
        newcomers = [*self._waiting, *(one for one in self.screens if one.is_behind)]
        if self.screens and not gone:
            for one in news:
                self._tell_all(frame_of_connections(changed(one)))
            if numbers:
                message = ConnectionBeats(self._at(), [beat(one) for one in numbers])
                self._tell_all(frame_of_connections(message))
        self._told.update((one.connection_id, one) for one in (*news, *numbers))
        for name in gone:
            del self._told[name]
        if gone or newcomers:
            frame = frame_of_connections(ConnectionsShown(self._at(), list(now.values())))
            for screen in {*newcomers, *(self.screens if gone else ())}:
                self.screens.add(screen)
                screen.all(frame)
        for admitted in self._waiting.values():
            if not admitted.done():
                admitted.set_result(None)

    def _tell_all(self, frame: bytes) -> None:
        for screen in self.screens:
            screen.change(frame)

    def _now(self) -> list[Connection]:
        tenant = self._tenant
        assert tenant is not None, "run() makes it"
        lost = not tenant.subscribed
        return all_now(self._reports, tenant.health, self._at(), self._changes, feed_lost=lost)

    def _at(self) -> datetime:
        return time_of(self._clock.now_us())


def _gist(connection: Connection | None) -> Connection | None:
    """What must differ for a connection to be told; the numbers come with the beats."""
    if connection is None:
        return None
    return replace(connection, last_heartbeat=None, last_reading_at=None, journal=_QUIET)
