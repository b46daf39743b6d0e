"""The upkeep of a database: roll-ups, partitions, retention, where the server does not do them.

At the level community TimescaleDB's own jobs do the work, and this keeps their policies in step
with pumpjack.settings. Two at once take turns; a pass that is cut off leaves nothing half done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
from msgspec import Struct

from pumpjack_core.errors import StorageUnavailable
from pumpjack_core.storage.connect import connect, explain
from pumpjack_core.storage.levels import Level

HOURS_A_TRANSACTION = 500
"""Connection-hours rolled up in one transaction: small enough not to hold vacuum back for long."""
ROWS_A_TRANSACTION = 5_000
"""Events and audit entries of a tenant removed in one: its alarms and commands wait meanwhile."""
LOOK_BACK_S = 5.0
"""For one transaction that looks through hours of before doubt was kept (migration 0042)."""
LOOKS_A_PASS = 6
"""Roll-ups of new readings wait meanwhile."""
_PASSES_LIMIT = 10_000

Progress = Callable[[str], None]


class Upkeep(Struct, frozen=True):
    """What one pass did.

    hours    connection-hours rolled up
    changed  partitions or policies made, dropped or changed
    removed  rows removed: quarantine, events, commands and audit past their time
    looked   hours of before migration 0042 looked through for readings that are not GOOD
    missed   steps that could not be done now, each a sentence; the next pass tries them again
    """

    hours: int = 0
    changed: int = 0
    removed: int = 0
    looked: int = 0
    missed: tuple[str, ...] = ()


async def maintain(
    url: str,
    *,
    once: bool = False,
    interval_s: float = 60.0,
    progress: Progress | None = None,
    report: Callable[[Upkeep], None] | None = None,
) -> Upkeep:
    """Do a pass every interval_s seconds until cancelled; with once a single one.

    url is of pumpjack_maintain or of a superuser. A pass that fails because the database is away
    is reported through progress and tried again; with once it raises StorageError.
    """
    say = progress or (lambda _: None)
    while True:
        try:
            done = await maintain_once(url)
        except StorageUnavailable as error:
            if once:
                raise
            say(f"missed a pass: {error}")
        else:
            if report is not None:
                report(done)
            if once:
                return done
        await asyncio.sleep(interval_s)


async def maintain_once(url: str) -> Upkeep:
    """One pass. Raises StorageError."""
    async with connect(url, timeout_s=300.0) as connection:
        level: Level = await connection.fetchval("SELECT level FROM pumpjack.settings")
        missed: list[str] = []
        hours = looked = 0
        if level != "community":
            await _step(connection, "thin_marks()", missed)
            for _ in range(_PASSES_LIMIT):
                rolled = await _step(
                    connection, f"roll_up({HOURS_A_TRANSACTION})", missed, "repeatable_read"
                )
                hours += rolled
                if rolled < HOURS_A_TRANSACTION:
                    break
            for _ in range(LOOKS_A_PASS):
                seen = await _step(connection, "look_back($1)", missed, arguments=(LOOK_BACK_S,))
                looked += seen
                if seen == 0:
                    break
        changed = await _step(connection, "apply_settings()", missed)
        removed = await _step(connection, "remove_expired()", missed)
        removed += await _remove_of_tenants(connection, missed)
    return Upkeep(hours, changed, removed, looked, tuple(missed))


async def _remove_of_tenants(connection: asyncpg.Connection, missed: list[str]) -> int:
    """What is too old of each tenant, in transactions of one tenant and few rows."""
    try:
        found = await connection.fetch("SELECT pumpjack.tenants_with_expired() AS tenant_id")
    except asyncpg.PostgresError as error:
        raise explain(error, "tenants_with_expired()") from error
    removed = 0
    for row in found:
        for _ in range(_PASSES_LIMIT):
            call = "remove_expired_of($1, $2)"
            gone = await _step(
                connection, call, missed, arguments=(row["tenant_id"], ROWS_A_TRANSACTION)
            )
            removed += gone
            if gone == 0:
                break
    return removed


async def _step(
    connection: asyncpg.Connection,
    call: str,
    missed: list[str],
    isolation: str = "read_committed",
    arguments: tuple[object, ...] = (),
) -> int:
    """Call one function in its own transaction. What passes by itself is noted, not raised."""
    try:
        async with connection.transaction(isolation=isolation):  # type: ignore[arg-type]
            if not await connection.fetchval("SELECT pumpjack.take_turn()"):
                missed.append(f"{call}: another maintain is at work")
                return 0
            return int(await connection.fetchval(f"SELECT pumpjack.{call}", *arguments))
    except asyncpg.PostgresError as error:
        sentence = explain(error, call)
        if connection.is_closed() or not isinstance(sentence, StorageUnavailable):
            raise sentence from error
        missed.append(str(sentence))
        return 0
