"""What is told of commands, over REST and on the WebSocket."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

CommandState = Literal[
    "requested",
    "validated",
    "approved",
    "sent",
    "accepted",
    "verified",
    "mismatch",
    "timeout",
    "refused",
    "expired",
    "rejected",
]
RUNNING: tuple[CommandState, ...] = ("requested", "validated", "approved", "sent", "accepted")
STATES: tuple[CommandState, ...] = (
    *RUNNING,
    *("verified", "mismatch", "timeout", "refused", "expired", "rejected"),
)


class CommandStep(Struct, frozen=True, rename="camel"):
    """One thing that happened to a command.

    changeNo  1, 2, 3 … over all commands of the tenant, without a hole
    actor     who did it: a person, "worker", or "" where it happened by itself
    message   the same as a sentence
    """

    change_no: int
    at: datetime
    state: CommandState
    actor: str
    message: str


class Command(Struct, frozen=True, rename="camel"):
    """A value that somebody wants written, and what became of it.

    value         asked for, in the tag's unit; written: as the device can hold it, where told
    readBack      what the device showed afterwards, where it could be read
    state         verified: read back as asked. mismatch: the device said yes and shows another
                  value. timeout: it could not be found out in time. refused: not written. expired:
                  nobody took it in time, not written. rejected: by the second person, not written
    running       it has not ended yet; while it runs, no other may be sent to the tag
    approval      required: a second person must approve it
    """

    command_id: UUID
    well_id: str
    tag_name: str
    connection_id: str
    unit: str
    value: float
    written: float | None
    read_back: float | None
    state: CommandState
    running: bool
    message: str
    reason: str
    approval: Literal["none", "required"]
    requested_by: str
    requested_role: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    comment: str
    expires_at: datetime
    sent_at: datetime | None
    done_at: datetime | None
    idempotency_key: str
    change_no: int


class CommandAnswer(Struct, frozen=True, rename="camel"):
    """One command with its steps, the first one first."""

    as_of: datetime
    command: Command
    steps: list[CommandStep]


class CommandsPage(Struct, frozen=True, rename="camel"):
    """Commands, the newest first."""

    as_of: datetime
    commands: list[Command]
    next_cursor: str | None


class WritableTag(Struct, frozen=True, rename="camel"):
    """A tag that may be written, within which limits, and why it cannot be now.

    states      the values that it may be given; else low to high, in its unit
    stateNames  words for values
    off         why nothing can be written now, as a sentence; null when it can
    running     the command that runs on it
    """

    well_id: str
    tag_name: str
    connection_id: str
    description: str
    unit: str
    low: float | None
    high: float | None
    states: list[int]
    state_names: dict[str, str]
    approval: Literal["none", "required"]
    off: str | None
    running: Command | None


class WritableTags(Struct, frozen=True, rename="camel"):
    """The tags of a well that may be written."""

    as_of: datetime
    well_id: str
    tags: list[WritableTag]


Detail = dict[str, Any]
