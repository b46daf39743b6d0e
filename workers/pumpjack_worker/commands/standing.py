"""How the worker stands, and what it tells of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from pumpjack_core import wire
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import DeviceError
from pumpjack_core.storage.commands import Claim, Orders
from pumpjack_core.tags import Tag

State = Literal["accepted", "verified", "mismatch", "timeout", "refused"]


class Told(Struct, frozen=True):
    """What became of a command. detail: for people and screens, see docs/commands.md."""

    command_id: UUID
    state: State
    detail: dict[str, Any]


class Standing(Struct, frozen=True):
    """How the worker stands at this moment.

    trouble  why the device is not connected
    fence    None before the database gave one
    """

    config: WorkerConfig
    state: wire.DeviceState
    trouble: DeviceError | None
    fence: int | None

    def tag(self, claim: Claim) -> Tag | None:
        """The tag that a command names."""
        for tag in self.config.tags.tags:
            if (tag.well_id, tag.name) == (claim.well_id, claim.tag_name):
                return tag
        return None


class ConnectOrders(Protocol):
    """Opens a session with the database. Raises StorageError."""

    async def __call__(self) -> Orders:
        """A session."""


Stand = Callable[[], Standing]
Tell = Callable[[Told], None]
