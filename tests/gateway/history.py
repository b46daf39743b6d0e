"""Wells of two tenants with some history, written the way that workers write."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import numpy as np

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.quality import GOOD, Level, Reason, quality
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Tag
from tests.gateway.databases import Database, made

S = 1_000_000
DAY = 86_400 * S
BAD = quality(Level.BAD, Reason.OUT_OF_RANGE)
NAME = "gateway_history"

PERMIAN = "permian"
BAKKEN = "bakken"
WELL = "pad7-3"
OTHER_WELL = "bakken-1"
CONNECTION = "permian-ops/pad7"
MINUTES = 10
"""WELL has casing_pressure and flow each second for so long, up to the last whole minute."""
OLD_DAYS = 40
"""And casing_pressure once an hour for a day, so long ago."""


class Filled:
    """Where it is, and when its readings end [µs since the epoch]."""

    def __init__(self, url: str, end_us: int) -> None:
        self.url = url
        self.end_us = end_us
        self.start_us = end_us - MINUTES * 60 * S
        self.old_us = (end_us - OLD_DAYS * DAY) // DAY * DAY


async def fill(postgres: EmbeddedPostgres, now_us: int) -> Filled:
    """Make the database."""
    database = await made(postgres, NAME)
    await database.add(PERMIAN, BAKKEN)
    filled = Filled(database.gateway_url, now_us // (60 * S) * 60 * S)
    seconds = np.arange(filled.start_us, filled.end_us, S, dtype=np.int64)
    pressure = Tag(WELL, "casing_pressure", "holding:1", "float32", 1.0, unit="psi")
    flow = Tag(WELL, "flow", "holding:3", "float32", 1.0, unit="bbl/d")
    level = Tag("pad7-4", "level", "holding:5", "float32", 1.0, unit="ft")
    old = filled.old_us + np.arange(24, dtype=np.int64) * 3600 * S
    await write(
        database,
        PERMIAN,
        CONNECTION,
        {
            pressure: (np.r_[old, seconds], 800.0),
            flow: (seconds, 100.0),
            level: (seconds[:5], 12.0),
        },
    )
    theirs = Tag(OTHER_WELL, "flow", "holding:1", "float32", 1.0, unit="bbl/d")
    await write(database, BAKKEN, "bakken-ops/a", {theirs: (seconds[:5], 666.0)})
    return filled


async def write(
    database: Database,
    tenant: str,
    connection: str,
    series: Mapping[Tag, tuple[np.ndarray, float]],
) -> None:
    """Value: the base and the number of the reading; every tenth of flow is BAD."""
    ingest = await Ingest.connect(database.writer_url(tenant))
    await ingest.take_fence(connection, "modbus-tcp")
    journal = uuid.uuid4()
    cursor = await ingest.open_journal(journal, connection)
    ids = await ingest.register_series(connection, list(series))
    for tag_id, (tag, (us, base)) in zip(ids, series.items(), strict=True):
        codes = np.full(len(us), GOOD, np.int16)
        if tag.name == "flow":
            codes[::10] = BAD
        written = await ingest.write_batch(
            journal,
            cursor,
            cursor + 1,
            us,
            np.full(len(us), tag_id, np.int32),
            codes,
            base + np.arange(len(us), dtype=np.float64),
        )
        assert written.stored == len(us), written
        cursor = written.cursor
    await ingest.close()
