"""What is said of who looks at a well: to clients, and between gateways (docs/wire.md)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pumpjack_gateway.history import NAME_PATTERN
from pumpjack_gateway.live.frames import text_frame


def presence_channel(tenant_id: str) -> str:
    """Redis channel of a tenant; gateways alone speak and listen there."""
    return f"scada:presence:{tenant_id}"


class Person(Struct, frozen=True, rename="camel"):
    """Somebody at a well. since: when this client came there, ISO 8601."""

    client_id: str
    subject: str
    email: str | None
    role: str
    since: str


# From a client


class Presence(Struct, frozen=True, rename="camel", tag="presence", forbid_unknown_fields=True):
    """I am at this well now; null: at none."""

    well_id: Annotated[str, Meta(min_length=1, max_length=253, pattern=NAME_PATTERN)] | None


# To a client


class People(Struct, frozen=True, rename="camel", tag="presence"):
    """All who are at the client's well now, whoever came first before."""

    well_id: str
    people: list[Person]


# Between gateways


class Roster(Struct, frozen=True, rename="camel", tag="roster"):
    """Who is at some wells through one gateway.

    revision  one more with each
    whole     at all other wells nobody is; else those are as they were
    """

    gateway_id: str
    tenant_id: str
    revision: int
    whole: bool
    wells: dict[str, list[Person]]


class RosterBeat(Struct, frozen=True, rename="camel", tag="roster-beat"):
    """The gateway lives, and its last roster has this revision."""

    gateway_id: str
    tenant_id: str
    revision: int


class RosterWanted(Struct, frozen=True, rename="camel", tag="roster-wanted"):
    """A gateway knows nothing, or missed something: tell it everything."""

    gateway_id: str
    tenant_id: str


Word = Roster | RosterBeat | RosterWanted
encode = msgspec.json.Encoder().encode
decode_word = msgspec.json.Decoder(Word).decode


def frame_of_people(message: People) -> bytes:
    """As the frame that goes to the client."""
    return text_frame(encode(message))
