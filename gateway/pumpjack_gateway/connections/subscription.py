"""What a client says about the connections."""

from __future__ import annotations

from pumpjack_gateway.auth import Principal
from pumpjack_gateway.connections.messages import (
    ConnectionsUnsubscribed,
    SubscribeConnections,
    UnsubscribeConnections,
    frame_of_connections,
)
from pumpjack_gateway.connections.screen import ConnectionsScreen
from pumpjack_gateway.live.client import Client
from pumpjack_gateway.live.messages import ClientMessage


class ConnectionsSubscription:
    """All connections of the tenant."""

    messages = (SubscribeConnections, UnsubscribeConnections)

    def __init__(self, client: Client) -> None:
        self._client = client
        self._screen = ConnectionsScreen(client.outlet)
        client.outlet.holders.append(self._screen)

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Show them, or show them no more."""
        client = self._client
        if isinstance(message, SubscribeConnections):
            await client.service.connections.join(self._screen, who.tenant_id)
            client.audit(who, "subscribe-connections", "ok")
            await client.drain()
        else:
            self.leave(who)
            client.outlet.tell(frame_of_connections(ConnectionsUnsubscribed()))

    def leave(self, who: Principal) -> None:
        """Show none."""
        self._client.service.connections.leave(self._screen, who.tenant_id)
