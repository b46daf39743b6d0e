"""What a client says about where it is."""

from __future__ import annotations

from pumpjack_gateway.auth import Principal
from pumpjack_gateway.live.client import Client
from pumpjack_gateway.live.messages import ClientMessage
from pumpjack_gateway.presence.messages import Presence
from pumpjack_gateway.presence.screen import PresenceScreen


class PresenceSubscription:
    """The well at which the client is, and who else is there."""

    messages = (Presence,)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._screen = PresenceScreen(client.outlet)
        client.outlet.holders.append(self._screen)

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Be at another well, or at none. A well that is refused is none."""
        assert isinstance(message, Presence)
        well_id = message.well_id
        if well_id is None or not await self._client.may_see(who, well_id, "presence"):
            self.leave(who)
            return
        self._client.service.presences.enter(self._screen, self._client.id, who, well_id)

    def leave(self, who: Principal) -> None:
        """Be at none."""
        self._client.service.presences.exit(self._screen, who)
