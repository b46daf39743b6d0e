"""What clients and gateway say to one another on the WebSocket (docs/wire.md).

`readings` is not here: it is the worker's message (pumpjack_core.wire.Readings), forwarded.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from pumpjack_core.wire import Position, Reading
from pumpjack_gateway.alarms.messages import SubscribeAlarms, UnsubscribeAlarms
from pumpjack_gateway.commands.messages import SubscribeCommands, UnsubscribeCommands
from pumpjack_gateway.connections.messages import SubscribeConnections, UnsubscribeConnections
from pumpjack_gateway.live.frames import text_frame
from pumpjack_gateway.live.health import Status
from pumpjack_gateway.overview.messages import SubscribeOverview, UnsubscribeOverview
from pumpjack_gateway.presence.messages import Presence

WELL_ID_MAX_CHARS = 253

ErrorCode = Literal[
    "AUTH_FAILED",
    "TOKEN_EXPIRED",
    "AUTH_REQUIRED",
    "FORBIDDEN_WELL",
    "BAD_MESSAGE",
    "RATE_LIMITED",
    "TOO_MANY_SUBSCRIPTIONS",
    "TOO_MANY_CLIENTS",
    "UNAVAILABLE",
]

# From a client


class Auth(Struct, frozen=True, tag="auth", forbid_unknown_fields=True):
    """Who it is; again before the token ends, to stay."""

    token: str


class _Wells(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    well_id: str | None = None
    well_ids: list[str] | None = None

    def wells(self) -> list[str]:
        """The wells named, each once. Raises ValueError with a sentence."""
        named = ([self.well_id] if self.well_id is not None else []) + (self.well_ids or [])
        if not named:
            raise ValueError("name the well with wellId, or several with wellIds")
        if not all(0 < len(well) <= WELL_ID_MAX_CHARS for well in named):
            raise ValueError(f"a wellId has 1 to {WELL_ID_MAX_CHARS} characters")
        if not all(well.isprintable() for well in named):
            raise ValueError("a wellId has no control characters")
        return list(dict.fromkeys(named))


class SubscribeWell(_Wells, frozen=True, tag="subscribe-well"):
    """Show these wells."""


class UnsubscribeWell(_Wells, frozen=True, tag="unsubscribe-well"):
    """Show them no more."""


class GetStats(Struct, frozen=True, tag="getStats", forbid_unknown_fields=True):
    """How am I served."""


ClientMessage = (
    Auth
    | SubscribeWell
    | UnsubscribeWell
    | SubscribeAlarms
    | UnsubscribeAlarms
    | SubscribeCommands
    | UnsubscribeCommands
    | SubscribeOverview
    | UnsubscribeOverview
    | SubscribeConnections
    | UnsubscribeConnections
    | Presence
    | GetStats
)
decode_client_message = msgspec.json.Decoder(ClientMessage).decode

# To a client


class Connected(Struct, frozen=True, rename="camel", tag="connected"):
    """Signed in, or signed in again. expires_at: send auth again before it."""

    client_id: str
    tenant_id: str
    subject: str
    role: str
    expires_at: str
    server_time: str


class Subscribed(Struct, frozen=True, rename="camel", tag="subscribed"):
    """The well as it is now; what follows continues from here.

    source   feed: the latest values of the live feed; database: the last stored ones, because
             the feed is down; none: neither could be read
    resumed  true when the gateway had lost the feed and has it again: show these values, and
             keep those of tags that are not among them (Redis may have lost them)
    """

    well_id: str
    source: Literal["feed", "database", "none"]
    resumed: bool
    positions: dict[str, Position]
    latest: list[Reading]


class Unsubscribed(Struct, frozen=True, rename="camel", tag="unsubscribed"):
    """The well is shown no more."""

    well_id: str


class GapNotice(Struct, frozen=True, tag="gap"):
    """Messages of a well were lost between gateway and worker, or are in the database now.

    Missing are those after `from` up to and including `to`. healed: fetch them from REST.
    """

    well_id: str = msgspec.field(name="wellId")
    connection_id: str = msgspec.field(name="connectionId")
    epoch: str
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    healed: bool


class Conflated(Struct, frozen=True, rename="camel", tag="conflated"):
    """The client was too slow: instead of messages it gets the latest reading of each tag.

    epoch, seq      position after it
    messages        messages that it stands for
    dropped         readings of them that are not in it
    readings        the latest of each tag
    """

    epoch: str
    seq: int
    tenant_id: str
    well_id: str
    connection_id: str
    source_protocol: str
    messages: int
    dropped: int
    readings: list[Reading]


class Problem(Struct, frozen=True, rename="camel", tag="error", omit_defaults=True):
    """Something was refused: a code for programs and a sentence for people."""

    code: ErrorCode
    message: str
    well_id: str | None = None
    retry_after_s: float | None = None


class Stats(Struct, frozen=True, rename="camel", tag="stats"):
    """How this client is served."""

    client_id: str
    connected_at: str
    wells: list[str]
    messages_sent: int
    messages_conflated: int
    readings_dropped: int
    feed_connected: bool
    tenant_clients: int


ServerMessage = (
    Connected | Subscribed | Unsubscribed | GapNotice | Conflated | Problem | Stats | Status
)

_encode = msgspec.json.Encoder().encode


def frame_of(message: ServerMessage) -> bytes:
    """A message as the frame that goes to the client."""
    return text_frame(_encode(message))


class Close:
    """Close codes of our own (RFC 6455, 7.4.2 leaves 4000-4999 to us); docs/wire.md says what a
    client does on each. Below 4000 they are those of the RFC.
    """

    GOING_AWAY = 1001
    TRY_AGAIN_LATER = 1013
    AUTH_FAILED = 4001
    TOKEN_EXPIRED = 4002
    AUTH_TIMEOUT = 4003
    SLOW_CONSUMER = 4008
