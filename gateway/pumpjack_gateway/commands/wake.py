"""Wakes those who wait for commands: the worker of a connection, and the other gateways.

Redis only wakes. What is not woken looks by itself, so nothing here is waited for or repeated.
"""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

import hiredis
from msgspec import Struct

from pumpjack_core import wire
from pumpjack_core.log import get_logger
from pumpjack_gateway.live.link import OnReply

KEPT_MAX = 16
"""Entries of a stream that are kept; a worker that was away looks into the database anyway."""
_log = get_logger("gateway.commands")


class CommandsStored(Struct, frozen=True, rename="camel", tag="commands-stored"):
    """Something happened to a command of the tenant; the database says what."""

    tenant_id: str


class Sender(Protocol):
    """Who sends to Redis (live.link.Link)."""

    def send(self, *words: str | bytes, then: OnReply) -> None:
        """Returns at once."""
        ...


class Wake:
    """Says that there is something to look at."""

    def __init__(self, redis: Sender) -> None:
        self._redis = redis
        self._complained = False

    def worker(self, tenant_id: str, connection_id: str, command_id: UUID) -> None:
        """There is a command for this connection."""
        key = wire.commands_stream(tenant_id, connection_id)
        kept = str(KEPT_MAX)
        self._redis.send(
            *("XADD", key, "MAXLEN", "~", kept, "*", "command", str(command_id)), then=self._note
        )

    def gateways(self, tenant_id: str) -> None:
        """Something was done to a command of this tenant."""
        message = wire.encode(CommandsStored(tenant_id))
        self._redis.send("PUBLISH", wire.alarms_channel(tenant_id), message, then=self._note)

    def _note(self, answer: Any) -> None:
        if isinstance(answer, hiredis.ReplyError) and not self._complained:
            self._complained = True
            _log.error(
                "Redis lets the gateway wake nobody: commands take longer to start; give its user "
                "the rights of docs/operations.md",
                why=str(answer),
            )
