"""What the WebSocket says of connections (docs/wire.md)."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from pumpjack_gateway.connections.answers import Connection
from pumpjack_gateway.live.frames import text_frame

# From a client


class SubscribeConnections(
    Struct, frozen=True, tag="subscribe-connections", forbid_unknown_fields=True
):
    """Tell me of the connections of my tenant."""


class UnsubscribeConnections(
    Struct, frozen=True, tag="unsubscribe-connections", forbid_unknown_fields=True
):
    """Tell me of them no more."""


# To a client


class ConnectionsShown(Struct, frozen=True, rename="camel", tag="connections"):
    """All connections, by id, without their strips; in place of what was told before."""

    as_of: datetime
    connections: list[Connection]


class ConnectionChanged(Connection, frozen=True, rename="camel", tag="connection"):
    """One of them, as it is now."""


class Beat(Struct, frozen=True, array_like=True):
    """The numbers of a connection that change all the time: [connectionId, lastHeartbeat, …]."""

    connection_id: str
    last_heartbeat: str | None
    last_reading_at: str | None
    journal_batches: int
    journal_bytes: int
    journal_oldest_s: float


class ConnectionBeats(Struct, frozen=True, rename="camel", tag="connection-beats"):
    """Numbers of connections of which nothing else changed."""

    as_of: datetime
    beats: list[Beat]


class ConnectionsUnsubscribed(Struct, frozen=True, tag="connections-unsubscribed"):
    """They are shown no more."""


ConnectionMessage = ConnectionsShown | ConnectionChanged | ConnectionBeats | ConnectionsUnsubscribed
_encode = msgspec.json.Encoder().encode


def changed(connection: Connection) -> ConnectionChanged:
    """A connection as the message that tells of it."""
    values = {name: getattr(connection, name) for name in connection.__struct_fields__}
    return ConnectionChanged(**values)


def beat(connection: Connection) -> Beat:
    """The numbers of a connection."""
    journal = connection.journal
    return Beat(
        connection.connection_id,
        connection.last_heartbeat,
        connection.last_reading_at,
        journal.batches,
        journal.bytes,
        journal.oldest_s,
    )


def frame_of_connections(message: ConnectionMessage) -> bytes:
    """A message as the frame that goes to the client."""
    return text_frame(_encode(message))
