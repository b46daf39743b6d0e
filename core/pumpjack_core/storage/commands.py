"""A worker's way to its commands: the functions of migrations/0025, typed.

    orders = await Orders.connect(url)                       # logged in as the tenant's writer
    claim = await orders.claim_command("permian-ops/pad7", fence)
    await orders.tell_command(claim.command_id, "verified", {"message": …})

Every method raises StorageUnavailable when the same call may succeed later, StorageError when
a person has to do something. A claim whose answer was lost is among unfinished_commands().
"""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from pumpjack_core.clock import since_boot_s
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.connect import open_connection, place, translated

_NEVER = ("PJ004", "PJ032")
"""It cannot be kept as it is; there is no such command (any more)."""


class NeverTaken(StorageError):
    """The database knows nothing of the command, or cannot keep what it is told of it."""


class Claim(Struct, frozen=True):
    """One command that nobody else may carry out.

    value     in the tag's unit
    fence     of the worker that claimed it
    until_s   when it expires, by since_boot_s(). Of a claim rather too early, of what somebody else
              has claimed rather too late
    accepted  it is on record that the device said yes
    """

    command_id: UUID
    well_id: str
    tag_name: str
    value: float
    fence: int
    until_s: float = 0.0
    accepted: bool = False


class Orders:
    """One connection of one tenant's writer. Not for two tasks at once."""

    def __init__(self, connection: asyncpg.Connection, where: str) -> None:
        self._connection = connection
        self._where = where

    @classmethod
    async def connect(cls, url: str, *, timeout_s: float = 10.0) -> Self:
        """Log in. timeout_s bounds the connecting, and then each call."""
        return cls(await open_connection(url, timeout_s=timeout_s), place(url))

    async def claim_command(self, connection_id: str, fence: int) -> Claim | None:
        """The oldest that is approved and has not expired; that it was sent is on record now."""
        sql = (
            "SELECT command_id, well_id, tag_name, value, $2::bigint AS fence, 'sent' AS state,"
            " extract(epoch FROM expires_at - clock_timestamp())::float8 AS left_s"
            " FROM pumpjack.claim_command($1, $2)"
        )
        asked_s = since_boot_s()  # before the call: whatever it takes is gone
        rows = await self._fetch(sql, connection_id, fence)
        return _claim(rows[0], asked_s) if rows else None

    async def unfinished_commands(self, connection_id: str, fence: int) -> list[Claim]:
        """Those that were sent and whose end is not on record, also of this fence."""
        sql = (
            "SELECT command_id, well_id, tag_name, value, fence, state,"
            " extract(epoch FROM expires_at - clock_timestamp())::float8 AS left_s"
            " FROM pumpjack.unfinished_commands($1, $2)"
        )
        rows = await self._fetch(sql, connection_id, fence)
        answered_s = since_boot_s()
        return [_claim(row, answered_s) for row in rows]

    async def tell_command(self, command_id: UUID, state: str, detail: dict[str, Any]) -> bool:
        """Put on record what became of one; again changes nothing. False: it ended otherwise.

        Raises NeverTaken where trying again is of no use.
        """
        sql = "SELECT pumpjack.tell_command($1, $2, $3::text::jsonb) AS told"
        try:
            rows = await self._fetch(sql, command_id, state, msgspec.json.encode(detail).decode())
        except StorageError as error:
            if getattr(error.__cause__, "sqlstate", "") in _NEVER:
                raise NeverTaken(str(error)) from error
            raise
        return bool(rows[0]["told"])

    async def close(self) -> None:
        """End the connection. Safe to call again."""
        try:
            await self._connection.close(timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()

    async def _fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        with translated(self._where):
            return await self._connection.fetch(sql, *arguments)


def _claim(row: asyncpg.Record, at_s: float) -> Claim:
    # asyncpg's UUID is a class of its own
    return Claim(
        UUID(int=row["command_id"].int),
        row["well_id"],
        row["tag_name"],
        row["value"],
        row["fence"],
        at_s + row["left_s"],
        row["state"] == "accepted",
    )
