"""What a client may follow: wells, alarms, commands. Each kind takes its own messages.

A new kind is a class here (or beside its feed), its messages in live.messages.ClientMessage, and
a line in subscriptions_of().
"""

from __future__ import annotations

from contextlib import suppress

from pumpjack_core.errors import StorageError
from pumpjack_gateway.alarms.messages import (
    AlarmsUnsubscribed,
    SubscribeAlarms,
    UnsubscribeAlarms,
    frame_of_alarms,
)
from pumpjack_gateway.alarms.screen import AlarmScreen
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.commands.messages import (
    CommandsUnsubscribed,
    SubscribeCommands,
    UnsubscribeCommands,
    frame_of_commands,
)
from pumpjack_gateway.connections.subscription import ConnectionsSubscription
from pumpjack_gateway.live.client import Client, Subscription
from pumpjack_gateway.live.messages import (
    ClientMessage,
    SubscribeWell,
    Unsubscribed,
    UnsubscribeWell,
)
from pumpjack_gateway.overview.subscription import OverviewSubscription
from pumpjack_gateway.presence.subscription import PresenceSubscription


def subscriptions_of(client: Client) -> list[Subscription]:
    """All kinds but the wells, which the session asks about, too."""
    return [
        AlarmSubscription(client),
        CommandSubscription(client),
        OverviewSubscription(client),
        ConnectionsSubscription(client),
        PresenceSubscription(client),
    ]


class WellSubscriptions:
    """The wells that a client looks at."""

    messages = (SubscribeWell, UnsubscribeWell)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hub = client.service.hub
        self.wells: dict[str, None] = {}

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Show wells, or show them no more."""
        if isinstance(message, SubscribeWell):
            for well_id in message.wells():
                await self._subscribe(who, well_id)
        elif isinstance(message, UnsubscribeWell):
            for well_id in message.wells():
                self._unsubscribe(who, well_id)

    def leave(self, who: Principal) -> None:
        """Show none."""
        for well_id in self.wells:
            self._hub.leave(self._client.outlet, who.tenant_id, well_id)

    async def _subscribe(self, who: Principal, well_id: str) -> None:
        client, most = self._client, self._client.service.wells_max
        if well_id not in self.wells and len(self.wells) >= most:
            sentence = (
                f"one connection shows at most {most} wells; "
                "unsubscribe from some, or open another connection"
            )
            client.problem("TOO_MANY_SUBSCRIPTIONS", sentence, well_id)
            return
        if not await client.may_see(who, well_id, "subscribe"):
            return
        stored = None
        if not self._hub.is_up:
            with suppress(StorageError):
                stored = await client.service.store.latest(who.tenant_id, well_id)
        self.wells[well_id] = None
        await self._hub.join(client.outlet, who.tenant_id, well_id, stored)
        client.audit(who, "subscribe", "ok", wellId=well_id)
        await client.drain()

    def _unsubscribe(self, who: Principal, well_id: str) -> None:
        self.wells.pop(well_id, None)
        self._hub.leave(self._client.outlet, who.tenant_id, well_id)
        self._client.outlet.forget(well_id)
        self._client.send(Unsubscribed(well_id))


class AlarmSubscription:
    """The tenant's alarms."""

    messages = (SubscribeAlarms, UnsubscribeAlarms)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._screen = AlarmScreen(client.outlet)
        client.outlet.holders.append(self._screen)

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Tell of alarms, or tell no more."""
        client = self._client
        if isinstance(message, SubscribeAlarms):
            await client.service.alarms.join(self._screen, who.tenant_id)
            client.audit(who, "subscribe-alarms", "ok")
            await client.drain()
        else:
            self.leave(who)
            self._screen.forget()
            client.outlet.tell(frame_of_alarms(AlarmsUnsubscribed()))

    def leave(self, who: Principal) -> None:
        """Tell no more."""
        self._client.service.alarms.leave(self._screen, who.tenant_id)


class CommandSubscription:
    """The commands of a well, or of all."""

    messages = (SubscribeCommands, UnsubscribeCommands)

    def __init__(self, client: Client) -> None:
        self._client = client

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Tell of commands, or tell no more."""
        if isinstance(message, SubscribeCommands):
            await self._subscribe(who, message.well_id)
        else:
            self.leave(who)
            self._client.outlet.tell(frame_of_commands(CommandsUnsubscribed()))

    def leave(self, who: Principal) -> None:
        """Tell no more."""
        self._client.service.commands.leave(self._client.outlet, who.tenant_id)

    async def _subscribe(self, who: Principal, well_id: str | None) -> None:
        client = self._client
        if well_id is not None and not await client.may_see(who, well_id, "subscribe-commands"):
            return

        def late() -> None:
            client.problem("UNAVAILABLE", "the commands come when the database can be reached")

        await client.service.commands.join(client.outlet, who.tenant_id, well_id, late)
        client.audit(who, "subscribe-commands", "ok", wellId=well_id)
        await client.drain()
