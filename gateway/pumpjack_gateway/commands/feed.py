"""What happens to commands, to those who listen: each step once, in its order, without a hole.

The database is the truth; what comes over Redis only says when to look. While a command runs, or
Redis is away, the database is looked at anyway. What is overdue is ended here, too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from pumpjack_core import wire
from pumpjack_core.backoff import Backoff
from pumpjack_core.clock import Clock
from pumpjack_core.decoding import decoder
from pumpjack_core.errors import StorageError
from pumpjack_core.log import get_logger
from pumpjack_gateway.commands.answers import Command, CommandStep
from pumpjack_gateway.commands.book import Changes, Snapshot
from pumpjack_gateway.commands.messages import (
    CommandChanged,
    CommandsShown,
    frame_of_commands,
)
from pumpjack_gateway.live.channels import Channels
from pumpjack_gateway.times import time_of

BUSY_LOOK_S = 1.0
"""While a command runs."""
QUIET_LOOK_S = 15.0
"""While none does, and Redis would tell of one."""
DEAF_LOOK_S = 2.0
"""While none does, and Redis cannot tell."""
_log = get_logger("gateway.commands")


class Steps(Protocol):
    """Where commands are kept (book.Book)."""

    async def snapshot(self, tenant_id: str, well_id: str | None) -> Snapshot:
        """Raises StorageError."""
        ...

    async def changes(self, tenant_id: str, after: int) -> Changes | None:
        """None: it cannot be continued from there. Raises StorageError."""
        ...

    async def expire(self, tenant_id: str) -> int:
        """Raises StorageError."""
        ...


class Listener(Protocol):
    """One client (live.outlet.Outlet). May neither block nor raise."""

    def tell(self, frame: bytes) -> None:
        """A message of the gateway."""
        ...


class _Head(Struct, frozen=True):
    """Of a message on the channel: is it for us."""

    type: str


_decode_head = decoder(_Head)


class _Place:
    """How far one client has been told, and of which well (None: all)."""

    __slots__ = ("admitted", "change_no", "well_id")

    def __init__(self, well_id: str | None) -> None:
        self.well_id = well_id
        self.change_no: int | None = None
        self.admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Tenant:
    """Follows the commands of one tenant while somebody listens, or one runs."""

    def __init__(self, tenant_id: str, steps: Steps, channels: Channels, clock: Clock) -> None:
        self._clock = clock
        self.tenant_id = tenant_id
        self.places: dict[Listener, _Place] = {}
        self.news = asyncio.Event()
        self._steps = steps
        self._channels = channels
        self._running: set[UUID] = set()
        self._change_no: int | None = None

    # Of the channel

    def hear(self, payload: bytes) -> None:
        """Look, if it is about commands."""
        with contextlib.suppress(msgspec.MsgspecError):
            if _decode_head(payload).type == "commands-stored":
                self.news.set()

    def tune_in(self) -> None:
        """Something may have been missed."""
        self.news.set()

    async def follow(self) -> None:
        """Until nobody listens and nothing runs."""
        name = wire.alarms_channel(self.tenant_id)
        self._channels.open(name, self)
        pause = Backoff(first_s=0.2, most_s=5.0)
        try:
            while True:
                self.news.clear()
                try:
                    await self._look()
                    pause.reset()
                except StorageError:
                    await asyncio.sleep(pause.next_s())
                    continue
                except Exception as error:  # of one tenant's commands: no other may notice
                    _log.error("commands are not told", tenant=self.tenant_id, why=repr(error))
                    await asyncio.sleep(pause.next_s())
                    continue
                if not self.places and not self._running and not self.news.is_set():
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause_s(name)):
                        await self.news.wait()
        finally:
            self._channels.close(name, self)

    def _pause_s(self, channel: str) -> float:
        if self._running:
            return BUSY_LOOK_S
        return QUIET_LOOK_S if self._channels.hears(channel) else DEAF_LOOK_S

    async def _look(self) -> None:
        if self._change_no is None or self._running:
            await self._steps.expire(self.tenant_id)
        while (changes := await self._changes()) is None:
            _log.warning(
                "the database was put back: commands are shown anew", tenant=self.tenant_id
            )
            self._change_no = None
            for place in self.places.values():
                place.change_no = None  # they are admitted again, with a snapshot
        self._tell(changes.steps)
        if changes.more:
            self.news.set()
        for listener, place in list(self.places.items()):
            if place.change_no is None:
                await self._admit(listener, place)

    async def _changes(self) -> Changes | None:
        if self._change_no is None:
            whole = await self._steps.snapshot(self.tenant_id, None)
            self._change_no = whole.change_no
            self._running = {one.command_id for one in whole.commands if one.running}
        return await self._steps.changes(self.tenant_id, self._change_no)

    def _tell(self, steps: Sequence[tuple[CommandStep, Command]]) -> None:
        for step, command in steps:
            self._change_no = step.change_no
            if command.running:
                self._running.add(command.command_id)
            else:
                self._running.discard(command.command_id)
            frame = frame_of_commands(CommandChanged(step.change_no, step, command))
            for listener, place in self.places.items():
                if place.change_no is not None and step.change_no > place.change_no:
                    place.change_no = step.change_no
                    if place.well_id in (None, command.well_id):
                        listener.tell(frame)

    async def _admit(self, listener: Listener, place: _Place) -> None:
        snapshot = await self._steps.snapshot(self.tenant_id, place.well_id)
        if self.places.get(listener) is not place:
            return  # it left meanwhile, or asked for something else
        place.change_no = snapshot.change_no
        as_of = time_of(self._clock.now_us())
        listener.tell(
            frame_of_commands(
                CommandsShown(as_of, place.well_id, snapshot.change_no, snapshot.commands)
            )
        )
        if not place.admitted.done():
            place.admitted.set_result(None)


class Feeds:
    """The commands of all tenants that somebody listens to, or that has one running."""

    def __init__(self, steps: Steps, channels: Channels, clock: Clock) -> None:
        self._steps = steps
        self._channels = channels
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    async def join(
        self, listener: Listener, tenant_id: str, well_id: str | None, late: Callable[[], None]
    ) -> None:
        """Tell the listener of a well's commands, or of all, from now on.

        Returns when it got its snapshot. late() is called when the database cannot be asked at
        once; the snapshot comes as soon as it can.
        """
        tenant = self._tenant(tenant_id)
        place = tenant.places[listener] = _Place(well_id)
        tenant.news.set()
        try:
            async with asyncio.timeout(DEAF_LOOK_S):
                await asyncio.shield(place.admitted)
        except TimeoutError:
            late()

    def leave(self, listener: Listener, tenant_id: str) -> None:
        """Tell the listener no more."""
        tenant = self._tenants.get(tenant_id)
        if tenant is not None and tenant.places.pop(listener, None) is not None:
            tenant.news.set()

    def poke(self, tenant_id: str) -> None:
        """Something was done to a command of this tenant; see to its end, too."""
        self._tenant(tenant_id).news.set()

    def _tenant(self, tenant_id: str) -> _Tenant:
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            tenant = _Tenant(tenant_id, self._steps, self._channels, self._clock)
            self._tenants[tenant_id] = tenant
            if self._tasks is not None:
                self._tasks.create_task(self._follow(tenant), name=f"commands of {tenant_id}")
        return tenant

    async def _follow(self, tenant: _Tenant) -> None:
        try:
            await tenant.follow()
        finally:
            self._tenants.pop(tenant.tenant_id, None)
