"""Readings that were kept out of their series: listed, and replayed when that is mended."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import asyncpg
from msgspec import Struct

from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.reasons import Correction, Item, Reading, reading_of
from pumpjack_core.storage.reconcile import become_reader

TIMEOUT_S = 120.0
AT_ONCE = 5_000
"""Rows that one transaction replays."""
_LIST = """
SELECT quarantine_id, (extract(epoch FROM time) * 1000000)::bigint AS us, well_id, tag_name, tag_id,
       current_tag_id, reason, raw
FROM pumpjack.scada_quarantine
WHERE tenant_id = $1 AND ($2::text IS NULL OR connection_id = $2)
  AND ($3::text IS NULL OR reason = $3)
  AND time >= $4 AND time < $5 AND quarantine_id > $6
ORDER BY quarantine_id LIMIT $7
"""
_TOTALS = """
SELECT connection_id, reason, total, kept, first_time, last_time
FROM pumpjack.scada_quarantine_totals
WHERE tenant_id = $1 AND ($2::text IS NULL OR connection_id = $2)
  AND ($3::text IS NULL OR reason = $3)
ORDER BY connection_id, total DESC
"""


class Which(Struct, frozen=True):
    """Rows to look at: [begins, ends) is of the readings' time."""

    tenant_id: str
    connection_id: str | None
    reason: str | None
    begins: datetime
    ends: datetime


class Total(Struct, frozen=True):
    """How many a connection ever had of a reason, how many are kept, the first and the last."""

    connection_id: str
    reason: str
    total: int
    kept: int
    first_time: datetime
    last_time: datetime


class Replayed(Struct, frozen=True):
    """What became of rows: readings by their end, and those left, with why.

    removed      rows that left the quarantine; others had taken the rest
    quarantined  of those, kept out again, for the reason that the database has now
    """

    removed: int
    stored: int
    duplicates: int
    shifted: int
    quarantined: int
    left: dict[str, int]


async def totals(url: str, which: Which) -> list[Total]:
    """By connection and reason. url is of a login that may read the tenant."""
    async with connect(url, timeout_s=TIMEOUT_S) as connection:
        async with connection.transaction(readonly=True):
            await become_reader(connection, which.tenant_id)
            rows = await connection.fetch(
                _TOTALS, which.tenant_id, which.connection_id, which.reason
            )
    return [Total(**dict(row)) for row in rows]


async def items(url: str, which: Which, *, limit: int) -> list[Item]:
    """The first rows. url is of a login that may read the tenant."""
    async with connect(url, timeout_s=TIMEOUT_S) as connection:
        return await _items(connection, which, 0, limit)


async def replay(
    url: str, which: Which, correction: Correction, *, actor: str, dry_run: bool
) -> Replayed:
    """Move rows into their series, AT_ONCE in a transaction; each row once, whoever else does so.

    which names a connection. url is of a superuser, or of a login that has the tenant's reader and
    pumpjack_operator. dry_run says what could be replayed, and does nothing.
    """
    assert which.connection_id is not None
    done: Counter[str] = Counter()
    left: Counter[str] = Counter()
    after = 0
    async with connect(url, timeout_s=TIMEOUT_S) as connection:
        # What goes back gets a new number: it is not looked at again.
        last = await _last(connection, which)
        while found := await _items(connection, which, after, AT_ONCE):
            after = found[-1].quarantine_id
            readings: list[Reading] = []
            for item in found:
                made = reading_of(item, correction)
                if item.quarantine_id > last:
                    continue
                if isinstance(made, str):
                    left[made] += 1
                else:
                    readings.append(made)
            if dry_run:
                done["stored"] += len(readings)
            elif readings:
                done.update(await _replay(connection, which, readings, actor))
            if after >= last:
                break
    return Replayed(
        done["removed"],
        done["stored"],
        done["duplicates"],
        done["shifted"],
        done["quarantined"],
        dict(left),
    )


async def _last(connection: asyncpg.Connection, which: Which) -> int:
    async with connection.transaction(readonly=True):
        await become_reader(connection, which.tenant_id)
        found = await connection.fetchval(
            "SELECT max(quarantine_id) FROM pumpjack.scada_quarantine"
        )
    return int(found or 0)


async def _items(
    connection: asyncpg.Connection, which: Which, after: int, limit: int
) -> list[Item]:
    async with connection.transaction(readonly=True):
        await become_reader(connection, which.tenant_id)
        rows = await connection.fetch(
            _LIST,
            *(which.tenant_id, which.connection_id, which.reason, which.begins, which.ends),
            *(after, limit),
        )
    return [Item(**dict(row)) for row in rows]


async def _replay(
    connection: asyncpg.Connection, which: Which, readings: list[Reading], actor: str
) -> dict[str, int]:
    row = await connection.fetchrow(
        "SELECT * FROM pumpjack.replay_quarantined($1, $2, $3, $4, $4, $5, $6, $7, $8)",
        *(which.tenant_id, which.connection_id, actor),
        [one.quarantine_id for one in readings],
        [one.us for one in readings],
        [one.tag_id for one in readings],
        [one.quality for one in readings],
        [one.value for one in readings],
    )
    assert row is not None
    return dict(row)
