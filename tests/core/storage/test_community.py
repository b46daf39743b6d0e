"""What only TimescaleDB's community edition does: policies and compression."""

from __future__ import annotations

import json

import pytest

from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, Database, now_us

pytestmark = pytest.mark.parametrize("level", LEVELS[2:])


async def test_policies_follow_the_settings_and_never_reach_what_was_dropped(
    database: Database,
) -> None:
    await database.admin.execute(
        "UPDATE pumpjack.settings SET raw_days = 20, aggregate_days = 400, compress_after_days = 3"
    )
    assert (await database.maintain()).changed == 1
    assert (await database.maintain()).changed == 0
    jobs = await database.admin.fetch(
        "SELECT proc_name, hypertable_name, config FROM timescaledb_information.jobs"
        " WHERE job_id >= 1000 ORDER BY job_id"
    )
    configs = [(row["proc_name"], json.loads(row["config"])) for row in jobs]
    refreshes = [config for name, config in configs if "refresh" in name]
    assert [config["start_offset"] for config in refreshes] == ["19 days"] * 8
    retention = [config["drop_after"] for name, config in configs if "retention" in name]
    assert sorted(retention) == ["20 days"] + ["400 days"] * 8
    compression = [config["compress_after"] for name, config in configs if "compression" in name]
    assert sorted(compression) == ["20 days"] * 8 + ["3 days"]
    worker = await database.worker()
    refused = await worker.write([(now_us() - 19 * DAY_US, 0, 1.0)])
    assert refused.quarantined == 1, "older than the refresh window: its aggregate would be missing"


async def test_late_readings_into_compressed_days_are_stored_once(database: Database) -> None:
    worker = await database.worker()
    old = now_us() - 20 * DAY_US
    rows = [(old + n * 1_000_000, 0, float(n)) for n in range(500)]
    await worker.write(rows)
    await database.run_jobs("policy_compression")
    compressed = "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed"
    assert await database.admin.fetchval(compressed) == 1
    written = await worker.write([*rows[:10], (old, 0, 77.0), (old + 1, 1, 5.0)])
    assert (written.stored, written.duplicates, written.shifted) == (2, 10, 1)
    count = "SELECT count(*), sum(value) FROM pumpjack.scada_readings"
    assert await database.read(count) == [(502, sum(range(500)) + 82.0)]
    latest = "SELECT tag_name, value FROM pumpjack.scada_latest ORDER BY tag_name"
    assert await database.read(latest) == [("tag-0", 499.0), ("tag-1", 5.0)]
    assert (await database.read("SELECT sum(reading_count) FROM pumpjack.scada_readings_1day")) == [
        (502,)
    ]
