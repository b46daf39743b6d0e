"""What workers tell of their connections: states, since when, and what cannot be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.storage.roles import OPERATOR_ROLE, reader_role
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, MINUTE_US, Database, Worker, now_us

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)

STATES = "SELECT state FROM pumpjack.scada_connection_states ORDER BY state_no"
REPORT = (
    "SELECT connection_id, source_protocol, state, reason, message, endpoint, journal_size,"
    " by_exception, mapped, rejected, in_part, rejected_tags::text, problems::text, interval_s"
    " FROM pumpjack.scada_connection_reports ORDER BY connection_id"
)


@pytest.fixture
async def worker(database: Database) -> Worker:
    return await database.worker()


def change(state: str, us: int, **more: Any) -> dict[str, Any]:
    return {"us": us, "state": state, **more}


async def tell(worker: Worker, *changes: dict[str, Any], **more: Any) -> bool:
    report = json.dumps({"changes": changes, **more})
    return await worker.ingest.tell_connection(worker.name, worker.fence, report)


async def times(database: Database) -> list[tuple[str, datetime]]:
    query = "SELECT state, at FROM pumpjack.scada_connection_states ORDER BY state_no"
    return [(row[0], row[1]) for row in await database.read(query)]


def at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


@every_level
async def test_a_connection_is_found_as_its_worker_tells_it(
    database: Database, worker: Worker
) -> None:
    assert await database.read(REPORT) == [
        ("ops/pad7", "modbus-tcp", *[None] * 12),
    ], "a connection whose worker told nothing yet is there"
    refused = {"tag": "oil\N{SYMBOL FOR NULL}", "mapping": "ops/std", "reason": "no such register"}
    assert await tell(
        worker,
        change("disconnected", now_us(), reason="ConnectionRefused", message="it refuses"),
        endpoint="10.1.7.20:502",
        journalSize=1 << 30,
        journalFull=True,
        byException=False,
        mapped=36,
        rejected=2,
        inPart=1,
        rejectedTags=[refused],
        problems=["the clock is ahead"],
        intervalS=1.5,
    )
    found = (await database.read(REPORT))[0]
    assert found[:11] == (
        *("ops/pad7", "modbus-tcp", "disconnected", "ConnectionRefused", "it refuses"),
        *("10.1.7.20:502", 1 << 30, False, 36, 2, 1),
    )
    assert json.loads(found[11]) == [refused]
    assert json.loads(found[12]) == ["the clock is ahead"]
    assert found[13] == 1.5


@plain
async def test_a_state_is_kept_when_it_changes_and_only_then(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(worker, change("connecting", now - 60 * MINUTE_US))
    for minutes in (59, 58, 57):
        await tell(worker, change("connected", now - minutes * MINUTE_US))
    await tell(
        worker,
        change("disconnected", now - 9 * MINUTE_US, reason="Timeout"),
        change("connected", now - 5 * MINUTE_US),
    )
    assert await times(database) == [
        ("connecting", at(now - 60 * MINUTE_US)),
        ("connected", at(now - 59 * MINUTE_US)),
        ("disconnected", at(now - 9 * MINUTE_US)),
        ("connected", at(now - 5 * MINUTE_US)),
    ]
    since = "SELECT since, reason FROM pumpjack.scada_connection_reports"
    assert await database.read(since) == [(at(now - 5 * MINUTE_US), "")]


@plain
async def test_the_clock_of_a_worker_moves_no_state_ahead_or_before_another(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(worker, change("connecting", now), change("connected", now + DAY_US))
    await tell(worker, change("disconnected", now - DAY_US))
    found = [seen for _, seen in await times(database)]
    assert found == sorted(found)
    assert found[0] == at(now)
    assert found[-1] <= datetime.now(UTC) + timedelta(minutes=1)


@plain
async def test_a_worker_that_was_replaced_tells_nothing_any_more(
    database: Database, worker: Worker
) -> None:
    await tell(worker, change("connected", now_us()))
    old = worker.fence
    await worker.start()
    assert not await worker.ingest.tell_connection(
        worker.name, old, json.dumps({"changes": [change("disconnected", now_us())]})
    )
    assert await database.read(STATES) == [("connected",)]


@plain
async def test_the_time_without_a_worker_is_no_time_of_being_connected(
    database: Database, worker: Worker
) -> None:
    before = now_us()
    await tell(worker, change("connected", before - MINUTE_US))
    await worker.start()
    await tell(worker, change("connecting", now_us() + MINUTE_US))
    found = await times(database)
    assert [state for state, _ in found] == ["connected", "none", "connecting"]
    assert at(before) - timedelta(seconds=1) <= found[1][1] <= found[2][1]


@plain
async def test_a_worker_that_stopped_leaves_no_doubt_about_when(
    database: Database, worker: Worker
) -> None:
    await tell(worker, change("connected", now_us()), change("stopped", now_us()))
    await worker.start()
    await tell(worker, change("connecting", now_us()))
    assert await database.read(STATES) == [("connected",), ("stopped",), ("connecting",)]


@plain
async def test_a_device_that_comes_and_goes_fills_no_disk(
    database: Database, worker: Worker
) -> None:
    now = now_us() - DAY_US
    both = ("connected", "disconnected")
    for first in range(0, 5_400, 200):
        changes = [change(both[n % 2], now + n * 1_000_000) for n in range(first, first + 200)]
        await tell(worker, *changes)
    kept = "SELECT count(*), max(state_no) FROM pumpjack.scada_connection_states"
    assert await database.read(kept) == [(5_000, 5_400)]


@plain
async def test_states_go_after_eight_days_but_for_the_one_that_lasts(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(
        worker,
        change("connecting", now - 30 * DAY_US),
        change("disconnected", now - 20 * DAY_US),
        change("connected", now - 10 * DAY_US),
        change("disconnected", now - DAY_US),
    )
    await database.maintain()
    assert await database.read(STATES) == [("connected",), ("disconnected",)]


@plain
@pytest.mark.parametrize(
    "report",
    [
        "[]",
        "{}",
        '{"changes": []}',
        '{"changes": {}}',
        '{"changes": ["connected"]}',
        '{"changes": [{"state": "fine"}]}',
        '{"changes": [{"us": 1}]}',
    ],
)
async def test_what_is_no_report_is_refused(
    database: Database, worker: Worker, report: str
) -> None:
    with pytest.raises(StorageError, match="1 to 200 changes"):
        await worker.ingest.tell_connection(worker.name, worker.fence, report)
    assert await database.read(STATES) == []


@plain
async def test_nonsense_within_a_report_is_left_out_and_the_rest_counts(
    database: Database, worker: Worker
) -> None:
    assert await tell(
        worker,
        {"us": "yesterday", "state": "connected", "reason": 5, "message": ["x"] * 900},
        endpoint=7,
        journalSize=-1,
        byException="yes",
        mapped=1e300,
        rejected="many",
        inPart=None,
        rejectedTags=["none", {"tag": "a" * 9999}, *[{"tag": "b"}] * 80],
        problems={"a": 1},
        intervalS="fast",
        readUs="never",
    )
    found = (await database.read(REPORT))[0]
    assert found[2] == "connected"
    assert found[6:11] == (None, False, 10_000_000, 0, 0)
    told = json.loads(found[11])
    assert len(told) == 49
    assert len(told[0]["tag"]) == 253
    assert json.loads(found[12]) == []


@plain
async def test_tenants_see_and_tell_of_their_own_connections_only(
    database: Database, worker: Worker
) -> None:
    other = await database.worker("basin", "ops/pad7")
    await tell(worker, change("connected", now_us()))
    assert await database.read(REPORT, tenant_id="basin") == [
        ("ops/pad7", "modbus-tcp", *[None] * 12)
    ]
    assert await database.read(STATES, tenant_id="basin") == []
    await tell(other, change("disconnected", now_us()))
    assert await database.read(STATES) == [("connected",)]
    await database.worker(name="ops/only-here")
    with pytest.raises(StorageError, match="not known"):
        await other.ingest.tell_connection(
            "ops/only-here", 1, json.dumps({"changes": [change("connected", now_us())]})
        )


@plain
async def test_a_writer_reads_no_states_and_a_reader_tells_none(
    database: Database, worker: Worker
) -> None:
    await tell(worker, change("connected", now_us()))
    for table in ("connection_state", "connection_report"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.read(f"SELECT * FROM pumpjack.{table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.read("SELECT pumpjack.tell_connection('ops/pad7', 9, '{}')")


@plain
async def test_a_tenant_whose_role_is_gone_hides_its_own_connections_alone(
    database: Database, worker: Worker
) -> None:
    await database.tenant("gone")
    await database.admin.execute(
        "UPDATE pumpjack.tenant SET reader_role = 'nobody_any_more' WHERE tenant_id = 'gone'"
    )
    await tell(worker, change("connected", now_us()))
    assert await database.read(STATES) == [("connected",)]
    assert reader_role("gone") != "nobody_any_more"


@plain
async def test_a_connection_that_was_deleted_is_not_listed(
    database: Database, worker: Worker
) -> None:
    await tell(worker, change("connected", now_us()))
    operator = await asyncpg.connect(database.login(OPERATOR_ROLE))
    await operator.fetchval("SELECT pumpjack.retire_connection($1, $2)", "permian", worker.name)
    await operator.close()
    assert await database.read(REPORT) == []
