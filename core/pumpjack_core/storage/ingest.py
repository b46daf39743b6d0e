"""The worker's way into the database: the functions of docs/architecture.md, typed.

    ingest = await Ingest.connect(url)                       # logged in as the tenant's writer
    fence = await ingest.take_fence("permian-ops/pad7", "modbus-tcp")
    cursor = await ingest.open_journal(journal_id, "permian-ops/pad7")
    tag_ids = await ingest.register_series("permian-ops/pad7", table.tags)
    written = await ingest.write_batch(journal_id, cursor, seq, us, tag, quality, value)

Every method raises StorageUnavailable when the same call may succeed later (the connection was
lost, the server restarts, its disk is full): close, connect anew after a back-off, repeat. A batch
that was stored although its answer was lost is not stored again. Any other StorageError says what
a person has to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
from msgspec import Struct

from pumpjack_core.alarms import Transition
from pumpjack_core.errors import StorageError
from pumpjack_core.readings import Floats, Int16s, Int32s, Int64s
from pumpjack_core.storage.connect import open_connection, place, translated
from pumpjack_core.storage.declared import definition
from pumpjack_core.tags import Tag, WellFacts

RAW_LIMIT = 4096
TRANSITION_S = 0.005
"""A call may take so much longer for each: those of a batch cannot be split. 25 times the usual."""
_WRITE_BATCH = "SELECT * FROM pumpjack.write_batch($1, $2, $3, $4, $5, $6, $7, $8)"
_WRITE_BATCH_WITH_TRANSITIONS = (
    "SELECT * FROM pumpjack.write_batch($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)


class Written(Struct, frozen=True):
    """What one write_batch did.

    applied      whether the cursor stood at prev; when false nothing was stored
    cursor       seq up to which the database has everything
    fence        greater than ours: this worker was replaced
    stored, duplicates, shifted, quarantined   readings; shifted ones are among the stored
    """

    applied: bool
    cursor: int
    fence: int
    stored: int
    duplicates: int
    shifted: int
    quarantined: int


class Ingest:
    """One connection of one tenant's writer. Not for two tasks at once."""

    def __init__(self, connection: asyncpg.Connection, where: str, timeout_s: float) -> None:
        """timeout_s: what bounds each call of the connection."""
        self._connection = connection
        self._where = where
        self._timeout_s = timeout_s
        self._prepared: dict[str, Any] = {}
        self._pooled = False

    @classmethod
    async def connect(cls, url: str, *, timeout_s: float = 10.0) -> Self:
        """Log in. timeout_s bounds the connecting, and then each call."""
        return cls(await open_connection(url, timeout_s=timeout_s), place(url), timeout_s)

    async def take_fence(self, connection_id: str, protocol: str) -> int:
        """Register the connection and move its fence one up; returns the new fence."""
        sql = "SELECT pumpjack.take_fence($1, $2) AS fence"
        return int((await self._call(sql, connection_id, protocol))["fence"])

    async def know_connection(self, connection_id: str, protocol: str | None) -> int:
        """The fence as it stands. With a protocol, a connection that is not known is registered."""
        sql = "SELECT pumpjack.know_connection($1, $2) AS fence"
        return int((await self._call(sql, connection_id, protocol))["fence"])

    async def open_journal(
        self, journal_id: UUID, connection_id: str, fence: int | None = None, follows: int = 0
    ) -> int:
        """Register a journal; returns its cursor: 0 for a new one.

        fence    of the worker whose journal it is. None: somebody empties it in a worker's place,
                 and what it says of alarms is no newer for that
        follows  numbers up to this one are of workers before; no batch may reach across it
        """
        if fence is None:
            sql = "SELECT pumpjack.open_journal($1, $2) AS cursor"
            return int((await self._call(sql, journal_id, connection_id))["cursor"])
        sql = "SELECT pumpjack.open_journal($1, $2, $3, $4) AS cursor"
        return int((await self._call(sql, journal_id, connection_id, fence, follows))["cursor"])

    async def register_series(self, connection_id: str, tags: Sequence[Tag]) -> list[int]:
        """The tag_id of each tag, in the order of tags; made where missing."""
        sql = "SELECT pumpjack.register_series($1, $2, $3, $4, $5) AS tag_ids"
        row = await self._call(
            sql,
            connection_id,
            [tag.well_id for tag in tags],
            [tag.name for tag in tags],
            [tag.unit for tag in tags],
            [tag.data_type for tag in tags],
        )
        return list(row["tag_ids"])

    async def write_batch(  # noqa: PLR0917 - the columns, as the database function has them
        self,
        journal_id: UUID,
        prev: int,
        seq: int,
        us: Int64s,
        tag: Int32s,
        quality: Int16s,
        value: Floats,
        quarantined: Sequence[tuple[int | None, int, str, str]] = (),
        transitions: Sequence[tuple[int, Transition]] = (),
    ) -> Written:
        """Store readings and move the journal's cursor from prev to seq, both or neither.

        us           int64[n]    time, microseconds since the epoch, UTC
        tag          int32[n]    tag_id from register_series
        quality      int16[n]    see pumpjack_core.quality
        value        float64[n]  NaN and infinities are stored as NULL with quality BAD
        quarantined  (tag_id or None, us, reason, raw); raw is cut at 4,096 characters
        transitions  (tag_id, transition) in the order in which they were decided; alarms change
                     with the cursor, or not at all
        """
        order = np.lexsort((us, tag))  # stable; ordered rows cost the server a quarter less
        arguments = (
            journal_id,
            prev,
            seq,
            us[order].tolist(),
            tag[order].tolist(),
            quality[order].tolist(),
            value[order].tolist(),
            _quarantine_json(quarantined) if quarantined else None,
        )
        if transitions:
            told = _transitions_json(transitions)
            timeout_s = self._timeout_s + TRANSITION_S * len(transitions)
            row = await self._call(
                _WRITE_BATCH_WITH_TRANSITIONS, *arguments, told, timeout_s=timeout_s
            )
        else:
            row = await self._call(_WRITE_BATCH, *arguments)
        return Written(**dict(row))

    async def declare_tags(
        self,
        connection_id: str,
        fence: int,
        tags: Sequence[Tag],
        facts: Sequence[WellFacts] = (),
        *,
        writes: bool,
    ) -> int:
        """Tell what is read, of which wells, its alarms, what may be written: all of it each time.

        Alarms that are in it no more are removed. Returns how many tags the database has now; 0,
        and nothing changed, when another worker took a greater fence.
        """
        sql = "SELECT pumpjack.declare_tags($1, $2, $3::text::jsonb) AS declared"
        table = definition(tags, facts, writes=writes)
        return int((await self._call(sql, connection_id, fence, table))["declared"])

    async def tell_connection(self, connection_id: str, fence: int, report: str) -> bool:
        """Tell how the connection is and was, as JSON (migration 0043).

        False, and nothing changed, when another worker took a greater fence.
        """
        sql = "SELECT pumpjack.tell_connection($1, $2, $3::text::jsonb) AS told"
        return bool((await self._call(sql, connection_id, fence, report))["told"])

    async def close_journal(self, journal_id: UUID, seq: int) -> bool:
        """Say that nothing waits in the journal beyond seq; False when the cursor is elsewhere."""
        sql = "SELECT pumpjack.close_journal($1, $2) AS closed"
        return bool((await self._call(sql, journal_id, seq))["closed"])

    async def tell_restored(self, journal_id: UUID, seq: int, received_us: int) -> None:
        """Have on record that the database had everything up to seq once, and has it no more.

        received_us: receipt of the last of it [µs since the epoch, UTC].
        """
        sql = "SELECT pumpjack.tell_restored($1, $2, $3) AS told"
        await self._call(sql, journal_id, seq, received_us)

    async def read_until(self, connection_id: str, journal_id: UUID) -> int:
        """Until when other journals have stored readings of a connection [µs]; 0 without any."""
        sql = "SELECT pumpjack.read_until($1, $2) AS us"
        return int((await self._call(sql, connection_id, journal_id))["us"])

    async def tell_suspended(
        self, connection_id: str, journal_id: UUID, *, suspended: bool, started_us: int
    ) -> None:
        """Say that the device is left alone on purpose, or read, since started_us [µs]."""
        sql = "SELECT pumpjack.tell_suspended($1, $2, $3, $4) AS told"
        await self._call(sql, connection_id, journal_id, suspended, started_us)

    async def close(self) -> None:
        """End the connection. Safe to call again."""
        try:
            await self._connection.close(timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()

    async def _call(
        self, sql: str, *arguments: Any, timeout_s: float | None = None
    ) -> asyncpg.Record:
        """timeout_s: None for that of the connection."""
        with translated(self._where):
            if not self._pooled:
                try:
                    statement = await self._prepare(sql)
                    return _only(await statement.fetchrow(*arguments, timeout=timeout_s))
                except (
                    asyncpg.InvalidSQLStatementNameError,
                    asyncpg.DuplicatePreparedStatementError,
                ):
                    # A pooler gave us another server connection, or one that somebody prepared.
                    # Nothing ran. From now on each call prepares anew, in its own transaction.
                    self._pooled = True
            return _only(await self._connection.fetchrow(sql, *arguments, timeout=timeout_s))

    async def _prepare(self, sql: str) -> Any:
        """A statement prepared under a name that no other statement can have."""
        if sql not in self._prepared:
            name = "pumpjack_" + hashlib.sha256(sql.encode()).hexdigest()[:16]
            self._prepared[sql] = await self._connection.prepare(sql, name=name)
        return self._prepared[sql]


def _only(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise StorageError("the database function returned no row; run `pumpjack migrate`")
    return row


def _transitions_json(transitions: Sequence[tuple[int, Transition]]) -> str:
    rows = [
        {
            "tag": tag_id,
            "condition": seen.condition,
            "active": seen.active,
            "us": seen.us,
            "value": seen.value,  # what is no number is encoded as null
            "suppressed": seen.suppressed,
        }
        for tag_id, seen in transitions
    ]
    return msgspec.json.encode(rows).decode()


def _quarantine_json(quarantined: Sequence[tuple[int | None, int, str, str]]) -> str:
    rows = [
        # PostgreSQL's text cannot hold NUL; its visible symbol stands in.
        {"tag": tag, "us": us, "reason": reason, "raw": raw[:RAW_LIMIT].replace("\0", "␀")}
        for tag, us, reason, raw in quarantined
    ]
    return msgspec.json.encode(rows).decode()
