"""What a client says about the overview of all wells."""

from __future__ import annotations

from pumpjack_gateway.auth import Principal
from pumpjack_gateway.live.client import Client
from pumpjack_gateway.live.messages import ClientMessage
from pumpjack_gateway.overview.messages import (
    OverviewUnsubscribed,
    SubscribeOverview,
    UnsubscribeOverview,
    frame_of_overview,
)
from pumpjack_gateway.overview.screen import OverviewScreen


class OverviewSubscription:
    """All wells of the tenant."""

    messages = (SubscribeOverview, UnsubscribeOverview)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._screen = OverviewScreen(client.outlet)
        client.outlet.holders.append(self._screen)

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Show all wells, or show them no more."""
        client = self._client
        if isinstance(message, SubscribeOverview):
            await client.service.overviews.join(self._screen, who.tenant_id)
            client.audit(who, "subscribe-overview", "ok")
            await client.drain()
        else:
            self.leave(who)
            client.outlet.tell(frame_of_overview(OverviewUnsubscribed()))

    def leave(self, who: Principal) -> None:
        """Show none."""
        self._client.service.overviews.leave(self._screen, who.tenant_id)
