"""One client as what it follows sees it: it is told, refused, and what it does is on record."""

from __future__ import annotations

import uuid
from typing import Protocol

from pumpjack_core.errors import StorageError
from pumpjack_gateway.auth import Principal
from pumpjack_gateway.live.connection import FeedConnection
from pumpjack_gateway.live.messages import (
    ClientMessage,
    ErrorCode,
    Problem,
    ServerMessage,
    frame_of,
)
from pumpjack_gateway.live.outlet import Outlet
from pumpjack_gateway.live.service import Service
from pumpjack_gateway.sign_ins import origin


class Client:
    """A connection with its way out."""

    def __init__(self, connection: FeedConnection, service: Service) -> None:
        self.id = uuid.uuid4().hex
        self.connection = connection
        self.service = service
        self.outlet = Outlet(connection, service.outlet, service.metrics)

    def send(self, message: ServerMessage) -> None:
        """Tell it something."""
        self.outlet.tell(frame_of(message))

    def problem(self, code: ErrorCode, sentence: str, well_id: str | None = None) -> None:
        """Refuse what it asked for."""
        self.send(Problem(code, sentence, well_id))

    def refuse(self, code: ErrorCode, sentence: str, close: int) -> None:
        """Refuse the client itself."""
        self.problem(code, sentence)
        self.connection.end(close, sentence[:120])

    def audit(self, who: Principal, action: str, outcome: str, **detail: object) -> None:
        """Note in the tenant's audit log what it did."""
        self.service.audit.note(who.tenant_id, who.subject, action, outcome, **detail)

    def origin(self) -> dict[str, object]:
        """From where it came, for the audit log."""
        peer: object = self.connection.remote_address
        request = self.connection.request
        host = str(peer[0]) if isinstance(peer, tuple) and peer else None
        return origin(host, request.headers if request is not None else {})

    async def may_see(self, who: Principal, well_id: str, action: str) -> bool:
        """Whether the tenant has the well; the client is told if not."""
        try:
            exists = await self.service.wells.exists(who.tenant_id, well_id)
        except StorageError as error:
            self.problem("UNAVAILABLE", str(error), well_id)
            return False
        if not exists:
            self.audit(who, action, "refused", wellId=well_id)
            self.problem("FORBIDDEN_WELL", "there is no such well for you", well_id)
        return exists

    async def drain(self) -> None:
        """Wait until it has taken most of what it was told: that waits there, not in our memory."""
        await self.connection.drain()


class Subscription(Protocol):
    """One kind of thing that a client may follow. The session makes one for each client."""

    @property
    def messages(self) -> tuple[type[ClientMessage], ...]:
        """What a client says about it: the classes of the messages."""
        ...

    async def take(self, who: Principal, message: ClientMessage) -> None:
        """Do what the client says. The next message waits until it is done."""
        ...

    def leave(self, who: Principal) -> None:
        """The client is gone; it may have followed nothing."""
        ...
