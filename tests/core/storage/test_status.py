"""What the operator of a database is told of it, and with which login."""

from __future__ import annotations

import pytest

from pumpjack_core.storage.roles import MAINTAIN_ROLE, OPERATOR_ROLE
from pumpjack_core.storage.status import status
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, HOUR_US, Database, now_us


async def fill(database: Database) -> None:
    worker = await database.worker()
    await worker.write([(now_us() - 20 * DAY_US + n * 1_000, 0, float(n)) for n in range(2_000)])
    await worker.write([(now_us() - 2 * HOUR_US, 0, 1.0)], [(0, now_us(), "text_value", '"x"')])


async def test_the_upkeep_s_login_sees_level_sizes_lag_and_no_reading(database: Database) -> None:
    await fill(database)
    await database.maintain()
    found = await status(database.login(MAINTAIN_ROLE), tenants=True)
    assert (found.level, found.version >= 17) == (database.level, True)
    sizes = {part.name: part.bytes for part in found.parts}
    assert {"reading", "rollup_1min", "rollup_1day", "quarantine"} <= set(sizes)
    assert sizes["reading"] > 2_000 * 50
    assert found.database_bytes and found.database_bytes > sizes["reading"]
    assert found.connections is not None and found.tenants is not None
    (connection,) = found.connections
    assert (connection.connection_id, connection.quarantined) == ("ops/pad7", 1)
    assert connection.stored_at and connection.newest and connection.oldest_mark is None
    (tenant,) = found.tenants
    assert (tenant.readings, tenant.wells, tenant.tags) == (2_001, 1, 3)
    assert found.jobs[0].last is not None
    partitions = found.partitions
    assert partitions.begins and partitions.next_dropped
    assert (partitions.next_dropped - partitions.begins).days == 91
    assert len(found.hidden) <= 1, "the write-ahead log alone may be hidden"


async def test_a_connection_whose_roll_ups_wait_says_since_when(database: Database) -> None:
    await fill(database)
    found = await status(database.url)
    assert found.connections is not None and found.hidden == ()
    waits = found.connections[0].oldest_mark
    if database.level == "community":
        assert waits is None, "its own jobs roll up"
    else:
        assert waits is not None and (found.at - waits).days == 20


async def test_who_onboards_tenants_sees_it_too_and_a_worker_does_not(database: Database) -> None:
    await fill(database)
    assert (await status(database.login(OPERATOR_ROLE))).connections is not None


@pytest.mark.parametrize("level", LEVELS[2:])
async def test_the_compression_ratio_and_the_jobs_are_told(database: Database) -> None:
    await fill(database)
    assert (await status(database.url)).compression is None
    await database.run_jobs("policy_compression")
    found = await status(database.login(MAINTAIN_ROLE))
    assert found.compression is not None and found.compression.ratio > 1.0
    assert found.partitions.compressed == 1
    names = [job.name for job in found.jobs]
    assert "policy_compression of reading" in names
    assert "policy_refresh_continuous_aggregate of rollup_1min" in names
