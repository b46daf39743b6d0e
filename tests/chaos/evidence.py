"""What the stores have after a run, read past all proxies."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct

from pumpjack_core.clock import iso_us, us_of
from tests.chaos.findings import Evidence, Row, Span
from tests.chaos.ledger import Ledger

_VALUE = re.compile(r"(?:value|number)[ =](-?[0-9.]+(?:e[+-]?\d+)?)")
_SERIES = """
SELECT s.tag_id FROM pumpjack.series s JOIN pumpjack.connection c USING (connection_no)
WHERE s.tenant_id = $1 AND c.connection_id = $2 AND s.well_id = $3 AND s.tag_name = $4"""
_US = "(extract(epoch FROM {}) * 1000000)::bigint"
_WIDTHS = {
    "1min": "1 minute",
    "5min": "5 minutes",
    "1hour": "1 hour",
    "1day": "1 day",
}


class Note(Struct, frozen=True):
    """A hole that is on record: readings that nobody has, with since when and until when.

    readings  how many, where that is known
    """

    reason: str
    span: Span
    readings: int | None = None


async def of_tag(database: asyncpg.Connection, ledger: Ledger) -> Evidence:
    """What is stored of one tag, and what is kept out of its series."""
    ids = [
        row["tag_id"]
        for row in await database.fetch(
            _SERIES, ledger.tenant_id, ledger.connection_id, ledger.well_id, ledger.tag_name
        )
    ]
    rows = await database.fetch(
        f"SELECT {_US.format('ts')} AS us, value, quality FROM pumpjack.reading"
        " WHERE tag_id = ANY ($1) ORDER BY ts",
        ids,
    )
    kept_out = await database.fetch(
        "SELECT raw FROM pumpjack.quarantine WHERE tag_id = ANY ($1)", ids
    )
    values = [float(found[1]) for row in kept_out if (found := _VALUE.search(row["raw"]))]
    return Evidence(ledger, [Row(row["us"], row["value"], row["quality"]) for row in rows], values)


async def notes(database: asyncpg.Connection, tenant_id: str, connection_id: str) -> list[Note]:
    """The holes that are on record for a connection."""
    rows = await database.fetch(
        "SELECT q.reason, q.raw FROM pumpjack.quarantine q JOIN pumpjack.connection c"
        " USING (connection_no) WHERE c.tenant_id = $1 AND c.connection_id = $2"
        " AND q.reason IN ('gap', 'not_stored') ORDER BY q.quarantine_id",
        tenant_id,
        connection_id,
    )
    return [_note(row["reason"], row["raw"]) for row in rows]


def _note(reason: str, raw: str) -> Note:
    content = json.loads(raw)
    start = content.get("from") or content.get("after")
    end = content.get("to") or content.get("before")
    span = (us_of(start) if start else 0, us_of(end) if end else 1 << 62)
    return Note(reason, span, content.get("readings"))


async def reasons(database: asyncpg.Connection) -> dict[str, int]:
    """How many readings are in quarantine, by reason."""
    rows = await database.fetch(
        "SELECT reason, sum(total)::bigint AS total FROM pumpjack.quarantine_total GROUP BY reason"
    )
    return {row["reason"]: row["total"] for row in rows}


async def wrong_aggregates(database: asyncpg.Connection) -> list[str]:
    """Every bucket of every view is what the raw rows give; a sentence for each view that lies."""
    found: list[str] = []
    for name, width in _WIDTHS.items():
        wrong: Sequence[asyncpg.Record] = await database.fetch(
            f"""
            WITH raw AS (
                SELECT date_bin('{width}', ts, 'epoch') AS bucket, tag_id, count(*) AS number,
                       sum(value) AS total, min(value) AS low, max(value) AS high
                FROM pumpjack.reading WHERE quality & 3 = 0 AND value IS NOT NULL GROUP BY 1, 2
            ), view AS (
                SELECT bucket, tag_id, reading_count AS number, avg_value * reading_count AS total,
                       min_value AS low, max_value AS high
                FROM pumpjack.scada_readings_{name}
            )
            SELECT tag_id, bucket, raw.number AS right_number, view.number AS number
            FROM raw FULL JOIN view USING (bucket, tag_id)
            WHERE raw.number IS DISTINCT FROM view.number OR raw.low IS DISTINCT FROM view.low
               OR raw.high IS DISTINCT FROM view.high
               OR abs(raw.total - view.total) > 1e-6 * abs(raw.total)
            """
        )
        if wrong:
            first = dict(wrong[0])
            found.append(f"{len(wrong)} buckets of {name} are not what the readings give: {first}")
    return found


def write_down(tag: Evidence, folder: Path) -> None:
    """Leave what was sent and what is stored of a tag as two tables, for who looks into it."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = tag.ledger
    name = f"{ledger.tenant_id}-{ledger.well_id}-{ledger.tag_name}"
    sent = [
        f"{iso_us(one.sent_us)},{value:g},{'acknowledged' if value in ledger.promised else ''}"
        for value, one in ledger.sent.items()
    ]
    stored = [f"{iso_us(row.us)},{row.value},{row.quality}" for row in tag.rows]
    (folder / f"{name}-sent.csv").write_text("\n".join(["sent,value,state", *sent]))
    (folder / f"{name}-stored.csv").write_text("\n".join(["time,value,quality", *stored]))
