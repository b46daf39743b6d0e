"""The rooms of the tenants that have people at this gateway."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import Any

import hiredis

from pumpjack_core.clock import Clock, iso_us
from pumpjack_core.log import get_logger
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.live.hub import Hub
from pumpjack_gateway.presence.messages import Person, Word, encode, presence_channel
from pumpjack_gateway.presence.room import Room
from pumpjack_gateway.presence.screen import PresenceScreen

_log = get_logger("gateway.presence")


class Presences:
    """Opens a room with its first person, and closes it with its last."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._gateway_id = uuid.uuid4().hex
        self._rooms: dict[str, Room] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._complained = False

    async def run(self) -> None:
        """Own the rooms' tasks until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None

    def enter(self, screen: PresenceScreen, client_id: str, who: Principal, well_id: str) -> None:
        """A client is at a well: it and all others there are told. The caller has checked it."""
        now = iso_us(self._clock.now_us())
        person = Person(client_id, who.subject, who.email, who.role.name, now)
        self._room(who.tenant_id).enter(screen, well_id, person)

    def exit(self, screen: PresenceScreen, who: Principal) -> None:
        """It is nowhere any more."""
        room = self._rooms.get(who.tenant_id)
        if room is not None:
            room.exit(screen)

    def _room(self, tenant_id: str) -> Room:
        room = self._rooms.get(tenant_id)
        if room is None:
            assert self._tasks is not None, "the gateway does not run"
            speak = partial(self._speak, presence_channel(tenant_id))
            room = Room(tenant_id, self._gateway_id, self._clock, speak)
            self._rooms[tenant_id] = room
            self._tasks.create_task(self._keep(room), name=f"presence of {tenant_id}")
        return room

    async def _keep(self, room: Room) -> None:
        channel = presence_channel(room.tenant_id)
        self._hub.channels.open(channel, room)
        try:
            await room.run()
        finally:
            self._hub.channels.close(channel, room)
            del self._rooms[room.tenant_id]

    def _speak(self, channel: str, word: Word) -> None:
        self._hub.link.send("PUBLISH", channel, encode(word), then=self._spoken)

    def _spoken(self, answer: Any) -> None:
        if isinstance(answer, hiredis.ReplyError) and not self._complained:
            self._complained = True
            _log.error(
                "other gateways cannot be told who is at a well; let the gateway's Redis user "
                "publish on scada:presence:*",
                why=str(answer),
            )
