"""The views that people and the gateway read."""

from __future__ import annotations

from datetime import UTC, datetime

from pumpjack_core.quality import Level as QualityLevel
from pumpjack_core.quality import Reason, level_text, quality, reason_text
from pumpjack_core.storage.roles import reader_role
from pumpjack_core.tags import Tag
from tests.core.storage.database import DAY_US, Database, now_us


async def test_the_latest_reading_of_each_tag_is_found_however_old(database: Database) -> None:
    worker = await database.worker(tags=4)
    now = now_us()
    await worker.write(
        [
            (now - 40 * DAY_US, 0, 1.0),
            (now - DAY_US, 1, 2.0),
            (now, 1, 3.0),
            (now - 1, 1, 4.0),
            (now, 2, 5.0, quality(QualityLevel.BAD, Reason.STALE)),
        ]
    )
    assert await database.read(
        "SELECT tenant_id, well_id, connection_id, tag_name, value, quality, reason,"
        " source_protocol, unit FROM pumpjack.scada_latest ORDER BY tag_name"
    ) == [
        ("permian", "well-1", "ops/pad7", "tag-0", 1.0, "GOOD", None, "modbus-tcp", "psi"),
        ("permian", "well-1", "ops/pad7", "tag-1", 3.0, "GOOD", None, "modbus-tcp", "psi"),
        ("permian", "well-1", "ops/pad7", "tag-2", 5.0, "BAD", "stale", "modbus-tcp", "psi"),
    ]


async def test_wells_tags_connections_and_journals_are_listed(database: Database) -> None:
    worker = await database.worker(tags=1)
    await database.worker(name="ops/pad8", well="well-2", tags=1, protocol="opc-ua")
    assert await database.read("SELECT well_id FROM pumpjack.scada_wells ORDER BY 1") == [
        ("well-1",),
        ("well-2",),
    ]
    assert await database.read(
        "SELECT well_id, connection_id, tag_name, unit, data_type, source_protocol, is_current"
        " FROM pumpjack.scada_tags ORDER BY 1"
    ) == [
        ("well-1", "ops/pad7", "tag-0", "psi", "float32", "modbus-tcp", True),
        ("well-2", "ops/pad8", "tag-0", "psi", "float32", "opc-ua", True),
    ]
    connections = "SELECT connection_id, protocol, fence, stored_at FROM pumpjack.scada_connections"
    assert await database.read(connections + " ORDER BY 1") == [
        ("ops/pad7", "modbus-tcp", 1, None),
        ("ops/pad8", "opc-ua", 1, None),
    ]
    await worker.write([(now_us(), 0, 1.0)])
    stored = await database.read(connections + " WHERE stored_at IS NOT NULL")
    assert [row[0] for row in stored] == ["ops/pad7"]
    assert await database.read(
        "SELECT connection_id, seq FROM pumpjack.scada_journals WHERE journal_id = $1",
        worker.journal,
    ) == [("ops/pad7", 1)]


async def test_each_quality_reads_as_the_worker_wrote_it(database: Database) -> None:
    worker = await database.worker()
    now = now_us()
    codes = [
        quality(level, reason, backfilled=backfilled)
        for level in QualityLevel
        for reason in Reason
        for backfilled in (False, True)
    ]
    await worker.write([(now + n, 0, 1.0, code) for n, code in enumerate([*codes, 3])])
    rows = await database.read(
        "SELECT quality, reason, backfilled FROM pumpjack.scada_readings ORDER BY time"
    )
    assert rows == [(level_text(c), reason_text(c), bool(c & 256)) for c in [*codes, 3]]


async def test_a_query_for_one_tag_and_a_time_range_uses_the_index(database: Database) -> None:
    worker = await database.worker(tags=40)
    now = now_us()
    for day in range(3):
        await worker.write(
            [(now - day * DAY_US - n, tag, 1.0) for tag in range(40) for n in range(200)]
        )
    await database.admin.execute("ANALYZE")
    plan = await database.read(
        "EXPLAIN (COSTS OFF) SELECT time, value FROM pumpjack.scada_readings"
        " WHERE well_id = $1 AND tag_name = $2 AND time >= $3 AND time < $4 ORDER BY time",
        "well-1",
        "tag-7",
        datetime.fromtimestamp(now / 1e6 - 3600, UTC),
        datetime.fromtimestamp(now / 1e6 + 1, UTC),
    )
    text = "\n".join(line for (line,) in plan)
    lines = [line for line in text.splitlines() if "Index Cond: ((tag_id = s.tag_id)" in line]
    assert lines and all("ts >=" in line and "ts <" in line for line in lines), text
    assert "Seq Scan on reading" not in text and "Seq Scan on _hyper" not in text, text
    # The days that the range does not touch are not opened.
    assert len(lines) <= 2, text


async def test_tags_with_two_units_keep_their_histories_apart(database: Database) -> None:
    worker = await database.worker(tags=1)
    now = now_us()
    await worker.write([(now, 0, 1.0)])
    bar = [Tag("well-1", "tag-0", "holding:0", "float32", 1.0, "bar")]
    worker.tags += await worker.ingest.register_series(worker.name, bar)
    await worker.write([(now + 1, 1, 0.07)])
    assert await database.read(
        "SELECT value, unit FROM pumpjack.scada_readings WHERE tag_name = 'tag-0' ORDER BY time"
    ) == [(1.0, "psi"), (0.07, "bar")]


OF_TENANTS = """
SELECT c.relname FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relnamespace = 'pumpjack'::regnamespace AND c.relkind = 'v'
  AND has_table_privilege('pumpjack_reader', c.oid, 'SELECT')
ORDER BY c.relname
"""


async def test_a_tenant_whose_reader_role_is_gone_takes_no_view_from_the_others(
    database: Database,
) -> None:
    for tenant in ("permian", "Bakken-2"):
        worker = await database.worker(tenant_id=tenant)
        await worker.write([(now_us(), 0, 1.0)])
    views = [row["relname"] for row in await database.admin.fetch(OF_TENANTS)]
    assert {"scada_readings", "scada_readings_1day", "scada_alarms", "scada_holes"} <= set(views)
    role = reader_role("Bakken-2")
    await database.admin.execute(f"ALTER ROLE {role} RENAME TO {role}_gone")
    try:
        for view in views:
            rows = await database.read(f"SELECT DISTINCT tenant_id FROM pumpjack.{view}")
            assert rows in ([("permian",)], []), view
        assert await database.read("SELECT tag_name FROM pumpjack.scada_latest") == [("tag-0",)]
    finally:
        await database.admin.execute(f"ALTER ROLE {role}_gone RENAME TO {role}")
    read = "SELECT tenant_id FROM pumpjack.scada_latest"
    assert await database.read(read, tenant_id="Bakken-2") == [("Bakken-2",)]


async def test_no_view_shows_rows_to_a_condition_before_it_has_hidden_those_of_others(
    database: Database,
) -> None:
    rows = await database.admin.fetch(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'pumpjack'::regnamespace AND relkind = 'v'"
        " AND relname LIKE 'scada%' AND NOT coalesce(reloptions, '{}') @> '{security_barrier=true}'"
    )
    assert [row["relname"] for row in rows] == []
