"""Shows a tenant's wells to those who look at all of them: at once, then each second what changed.

Everything is encoded once for all clients; each is told when the ones before had their turn.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from msgspec import Raw

from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.errors import StorageError
from pumpjack_gateway.live.hub import Hub
from pumpjack_gateway.overview.board import Board
from pumpjack_gateway.overview.known import KnownFacts
from pumpjack_gateway.overview.messages import Overview, OverviewChanges, frame_of_overview
from pumpjack_gateway.overview.screen import OverviewScreen

CHANGES_S = 1.0
FIRST_LOOK_S = 3.0
"""So long the first client waits for the database, and then for Redis."""
ROWS_AT_ONCE = 50
"""So many are encoded before others have their turn."""


class OverviewFeed:
    """One tenant's, while somebody looks.

    screens  who is told of changes
    """

    def __init__(self, tenant_id: str, hub: Hub, facts: KnownFacts, clock: Clock) -> None:
        self.tenant_id = tenant_id
        self.screens: set[OverviewScreen] = set()
        self._hub = hub
        self._facts = facts
        self._clock = clock
        self._board = Board(tenant_id, hub.link, clock)
        self._waiting: dict[OverviewScreen, asyncio.Future[None]] = {}
        self._wake = asyncio.Event()
        self._read_once = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether nobody looks or waits."""
        return not self.screens and not self._waiting

    async def join(self, screen: OverviewScreen) -> None:
        """Show everything to a client, and then what changes. Returns when it was told."""
        admitted = self._waiting[screen] = asyncio.get_running_loop().create_future()
        screen.on_release = self._wake.set
        self._wake.set()
        try:
            await admitted
        finally:
            if self._waiting.get(screen) is admitted:
                del self._waiting[screen]

    def leave(self, screen: OverviewScreen) -> None:
        """Show it no more."""
        self.screens.discard(screen)
        screen.forget()

    async def run(self) -> None:
        """Until cancelled."""
        self._board.connect(self._hub.follow(self._board, self.tenant_id))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._learn(), name=f"facts of {self.tenant_id}")
                tasks.create_task(self._show(), name=f"overview of {self.tenant_id}")
        finally:
            self._board.reader.end()
            self._hub.unfollow(self._board, self.tenant_id)

    async def _learn(self) -> None:
        """Read the facts again and again; what is known stays while the database is away."""
        pause = Backoff(first_s=0.5, most_s=10.0)
        while True:
            try:
                facts, wait_s = await self._facts.fresh(self.tenant_id)
                for number, known in enumerate(facts.wells.values(), 1):
                    self._board.learn(known)
                    if number % ROWS_AT_ONCE == 0:
                        await asyncio.sleep(0)
                self._board.keep_only(facts.wells)
                pause.reset()
            except StorageError:
                wait_s = pause.next_s()
            self._read_once.set()
            await asyncio.sleep(wait_s)

    async def _show(self) -> None:
        await self._first_look()
        loop = asyncio.get_running_loop()
        due_s = loop.time() + CHANGES_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= due_s:
                due_s = loop.time() + CHANGES_S
                self._board.reader.retry()
                await self._tell_changes()
            await self._catch_up()
            await self._admit()

    async def _first_look(self) -> None:
        """Nobody is shown rows that are about to be there in a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._read_once.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                while not self._board.is_read:
                    self._board.read_on.clear()
                    await self._board.read_on.wait()

    async def _tell_changes(self) -> None:
        if self._board.is_other:
            await self._tell_all()
            return
        bits: dict[str, int] = {}
        for number, (well_id, changed) in enumerate(self._board.changes(), 1):
            bits[well_id] = changed
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        if bits:
            frame = await self._some(bits)
            for screen in self.screens:
                screen.changes(frame, bits)

    async def _tell_all(self) -> None:
        """Other wells or keys: everyone gets everything, in which all changes are."""
        self._board.begin_anew()
        if self.screens:
            frame = await self._all(resumed=True)
            for screen in self.screens:
                screen.all_anew(frame)

    async def _catch_up(self) -> None:
        """Tell those who were slow what they missed, merged."""
        everything: bytes | None = None
        for screen in [one for one in self.screens if one.is_behind]:
            missed = screen.take_missed()
            if missed is None and everything is None:
                everything = await self._all(resumed=True)
            frame = await self._some(missed) if missed is not None else everything
            if frame is not None and screen in self.screens:
                screen.admit(frame)

    async def _admit(self) -> None:
        if not self._waiting:
            return
        if self._board.is_other:
            await self._tell_all()
        frame = await self._all(resumed=False)
        for screen, admitted in list(self._waiting.items()):
            self.screens.add(screen)
            screen.admit(frame)
            if not admitted.done():
                admitted.set_result(None)

    async def _all(self, *, resumed: bool) -> bytes:
        parts: list[Raw] = []
        for number, well_id in enumerate(self._board.well_ids, 1):
            part = self._board.now(well_id)
            if part is not None:
                parts.append(part)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return frame_of_overview(Overview(self._now(), resumed, parts))

    async def _some(self, bits: dict[str, int]) -> bytes:
        parts: list[Raw] = []
        for number, (well_id, changed) in enumerate(bits.items(), 1):
            part = self._board.change(well_id, changed)
            if part is not None:
                parts.append(part)
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return frame_of_overview(OverviewChanges(self._now(), parts))

    def _now(self) -> str:
        return iso_us(self._clock.now_us())
