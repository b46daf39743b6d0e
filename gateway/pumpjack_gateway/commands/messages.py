"""What clients and gateway say to one another of commands on the WebSocket (docs/wire.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pumpjack_gateway.commands.answers import Command, CommandStep
from pumpjack_gateway.history import NAME_PATTERN
from pumpjack_gateway.live.frames import text_frame

# From a client


class SubscribeCommands(
    Struct, frozen=True, rename="camel", tag="subscribe-commands", forbid_unknown_fields=True
):
    """Show the commands of a well, or of all. Again, for another well, replaces it."""

    well_id: Annotated[str, Meta(min_length=1, max_length=253, pattern=NAME_PATTERN)] | None = None


class UnsubscribeCommands(
    Struct, frozen=True, tag="unsubscribe-commands", forbid_unknown_fields=True
):
    """Show them no more."""


# To a client


class CommandsShown(Struct, frozen=True, rename="camel", tag="commands"):
    """Those that run and the last ones, the newest first; what follows continues from change_no."""

    as_of: datetime
    well_id: str | None
    change_no: int
    commands: list[Command]


class CommandChanged(Struct, frozen=True, rename="camel", tag="command"):
    """One step of one command. command is as it was when the step was read: maybe further on."""

    change_no: int
    step: CommandStep
    command: Command


class CommandsUnsubscribed(Struct, frozen=True, tag="commands-unsubscribed"):
    """They are shown no more."""


CommandMessage = CommandsShown | CommandChanged | CommandsUnsubscribed
_encode = msgspec.json.Encoder().encode


def frame_of_commands(message: CommandMessage) -> bytes:
    """A message as the frame that goes to the client."""
    return text_frame(_encode(message))
