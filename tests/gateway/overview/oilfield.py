"""A tenant whose connections declare their wells to a real database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import Alarm, Tag, WellFacts
from tests.gateway.databases import Database
from tests.gateway.fake_worker import FakeWorker

CONNECTION = "permian-ops/pad7"
WELL, OTHER = "pad7-3", "pad7-4"
HIHI = Alarm("hihi", 2400.0, priority=1, message="Very high")
LO = Alarm("lo", 100.0, priority=3, message="Low")
CASING = Tag(
    WELL,
    "casing_pressure",
    "holding:1",
    "float32",
    1.0,
    unit="psi",
    low=0.0,
    high=3000.0,
    alarms=(HIHI, LO),
    title="Casing",
    normal_low=600.0,
    normal_high=1100.0,
    digits=0,
)
FLOW = Tag(WELL, "flow", "holding:3", "float32", 1.0, unit="bbl/d")
RUNNING = Tag(WELL, "running", "coil:1", "bool", 1.0, state_names={"0": "STOPPED", "1": "RUNNING"})
LEVEL = Tag(OTHER, "level", "holding:5", "float32", 1.0, unit="ft")
TAGS = (CASING, FLOW, RUNNING, LEVEL)
FACTS = (
    WellFacts(
        WELL,
        "Pad 7 well 3",
        "rod-pump",
        "Pad 7",
        "North",
        "America/Chicago",
        {},
        ("flow", "casing_pressure"),
    ),
)


class Oilfield:
    """One tenant of its own."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self.database = database
        self.tenant = f"t-{uuid.uuid4().hex[:12]}"
        self.worker = FakeWorker(redis_url, self.tenant, CONNECTION)

    async def open(self, tags: Sequence[Tag] = TAGS, facts: Sequence[WellFacts] = FACTS) -> None:
        """Make the tenant, and declare what its one connection reads."""
        await self.database.add(self.tenant)
        await self.declare(tags, facts)

    async def declare(
        self, tags: Sequence[Tag], facts: Sequence[WellFacts] = (), connection: str = CONNECTION
    ) -> None:
        """What a worker of this connection says that starts now."""
        ingest = await Ingest.connect(self.database.writer_url(self.tenant))
        fence = await ingest.take_fence(connection, "modbus-tcp")
        await ingest.open_journal(uuid.uuid4(), connection)
        await ingest.register_series(connection, tags)
        await ingest.declare_tags(connection, fence, tags, facts, writes=False)
        await ingest.close()

    async def close(self) -> None:
        await self.worker.close()
