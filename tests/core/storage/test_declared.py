"""What a worker declares of its tags: ranges, alarms, what may be written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.tags import Alarm, Tag, Write
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker
from tests.core.storage.desk import ALARMS, EVENTS, Desk, declare, hi, named, tag, tell

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)
HI = Alarm("hi", limit=5.0)
DECLARED = "SELECT condition, declared FROM pumpjack.scada_alarms ORDER BY condition"
AUDIT = """
    SELECT actor, detail->>'tags', detail->>'alarms', detail->>'events' FROM pumpjack.audit_logs
    WHERE action = 'tags.declared' ORDER BY audit_no
"""


@pytest.fixture
async def worker(database: Database) -> Worker:
    return await database.worker()


@pytest.fixture
async def desk(database: Database, worker: Worker) -> AsyncIterator[Desk]:
    async with Desk.open(database) as desk:
        yield desk


def audited(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


@every_level
async def test_tags_are_found_with_their_ranges_words_and_what_may_be_written(
    database: Database, worker: Worker
) -> None:
    speed = Tag(
        *("well-1", "tag-0", "holding:0", "float32", 2.0, "psi"),
        low=0.0,
        high=60.0,
        description="pump\0speed",
        state_names={"0": "STOPPED"},
        write=Write(low=10.0, high=50.0, approval="required", verify_s=2.5),
    )
    valve = Tag("well-1", "tag-1", "coil:1", "bool", 1.0, "psi", write=Write(states=(0, 1)))
    assert await declare(worker, speed, valve, tag(2)) == 3
    rows = await database.read(
        "SELECT tag_name, connection_id, address, description, interval_s, low, high, state_names,"
        " unit, data_type, connection_writes, writable, write_low, write_high, write_states,"
        " write_approval, write_verify_s FROM pumpjack.scada_tag_definitions ORDER BY tag_name"
    )
    read_only = (True, False, None, None, [], "none", 5.0)
    assert rows == [
        (
            *("tag-0", "ops/pad7", "holding:0", "pump␀speed", 2.0, 0.0, 60.0),
            *('{"0": "STOPPED"}', "psi", "float32", True, True, 10.0, 50.0, [], "required", 2.5),
        ),
        (
            *("tag-1", "ops/pad7", "coil:1", "", 1.0, None, None, "{}", "psi", "float32"),
            *(True, True, None, None, [0, 1], "none", 5.0),
        ),
        (
            *("tag-2", "ops/pad7", "holding:2", "", 1.0, None, None, "{}", "psi", "float32"),
            *read_only,
        ),
    ]
    await declare(worker, valve, writes=False)
    assert await database.read(
        "SELECT tag_name, connection_writes FROM pumpjack.scada_tag_definitions"
    ) == [("tag-1", False)]


@plain
async def test_an_alarm_is_there_as_it_was_declared_last(
    database: Database, worker: Worker
) -> None:
    alarm = Alarm(
        "deviation",
        limit=3.0,
        from_tag="tag-1",
        priority=1,
        deadband=0.5,
        on_delay_s=5.0,
        off_delay_s=30.0,
        message="m",
        consequence="c",
        response="r",
    )
    await declare(worker, tag(0, alarm, Alarm("state", states=(0, 3), latch=True)))
    columns = (
        'condition, "limit", from_tag, states, priority, deadband, on_delay_s, off_delay_s, latch,'
        " message, consequence, response, state, version, declared"
    )
    query = f"SELECT {columns} FROM pumpjack.scada_alarms ORDER BY condition"
    assert await database.read(query) == [
        (
            *("deviation", 3.0, "tag-1", [], 1, 0.5, 5.0, 30.0, False, "m", "c", "r"),
            *("normal", 0, True),
        ),
        ("state", None, "", [0, 3], 3, 0.0, 0.0, 0.0, True, "", "", "", "normal", 0, True),
    ]
    await tell(worker, hi(True, condition="deviation"))
    await declare(worker, tag(0, Alarm("deviation", limit=4.0, from_tag="tag-1", priority=4)))
    row = await database.read(
        'SELECT "limit", priority, state, version FROM pumpjack.scada_alarms WHERE declared'
    )
    assert row == [(4.0, 4, "unacknowledged", 1)], "a new limit is no event"
    assert await database.read('SELECT "limit", priority FROM pumpjack.scada_events') == [(3.0, 1)]


@every_level
async def test_an_alarm_that_is_declared_no_more_is_removed_and_comes_back_as_it_is(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "hi")
    await declare(worker, tag(0, HI, Alarm("lo", limit=1.0)))
    await tell(worker, hi(True))
    await desk.act("out_of_service", [alarm], comment="x")
    await declare(worker, tag(0))
    assert await database.read(DECLARED) == [("hi", False), ("lo", False)]
    assert await database.read(ALARMS, alarm) == [("normal",)]
    await tell(worker, hi(False), hi(True, value=9.0))  # what the journal still held
    assert await database.read(ALARMS, alarm) == [("normal",)], "nobody declares it"
    await declare(worker, tag(0, HI))
    assert await database.read(ALARMS, alarm) == [("unacknowledged",)]
    assert [(kind, state) for _, kind, state in await database.read(EVENTS)] == [
        ("raised", "unacknowledged"),
        ("out_of_service", "out_of_service"),
        ("removed", "normal"),
        ("raised", "normal"),
        ("raised", "unacknowledged"),
    ]


@plain
async def test_one_that_nobody_declared_goes_with_the_first_declaration(
    database: Database, worker: Worker
) -> None:
    await tell(worker, hi(True), hi(True, condition="lo"))
    await declare(worker, tag(0, HI))
    assert await database.read(
        "SELECT condition, state, declared FROM pumpjack.scada_alarms ORDER BY condition"
    ) == [("hi", "unacknowledged", True), ("lo", "normal", False)]


@plain
async def test_a_worker_that_was_replaced_declares_nothing(
    database: Database, worker: Worker
) -> None:
    await worker.ingest.take_fence(worker.name, "modbus-tcp")
    assert await declare(worker, tag(0, HI), fence=2) == 1
    assert await declare(worker, tag(0), tag(1), fence=1) == 0
    assert await database.read(DECLARED) == [("hi", True)]


@plain
async def test_the_same_again_changes_nothing_and_is_audited_once(
    database: Database, worker: Worker, desk: Desk
) -> None:
    for _ in range(3):
        assert await declare(worker, tag(0, HI), tag(1)) == 2
    assert audited(await database.admin.fetch(AUDIT)) == [("worker", "2", "1", "0")]
    await tell(worker, hi(True))
    await declare(worker, tag(1))
    assert audited(await database.admin.fetch(AUDIT))[1:] == [("worker", "1", "0", "1")]


@plain
async def test_tags_of_another_connection_are_left_alone(
    database: Database, worker: Worker
) -> None:
    other = await database.worker(name="ops/pad8")
    await declare(worker, tag(0, HI))
    await declare(other, tag(0, HI))
    await declare(other)
    assert await database.read(
        "SELECT connection_id, declared FROM pumpjack.scada_alarms ORDER BY 1"
    ) == [("ops/pad7", True), ("ops/pad8", False)]
    assert await database.read("SELECT connection_id FROM pumpjack.scada_tag_definitions") == [
        ("ops/pad7",)
    ]


@plain
@pytest.mark.parametrize(
    ("sent", "code", "says"),
    [
        ({"tags": 7}, "PJ004", "declare_tags needs"),
        ({"writes": True}, "PJ004", "declare_tags needs"),
        (
            {"tags": [{"well": "w", "tag": "t", "alarms": [{"condition": "hi", "alarmId": "0"}]}]},
            "PJ004",
            "not named after its tenant",
        ),
        ({"tags": [{"well": "w", "tag": "t", "alarms": [{"condition": "no"}]}]}, "23514", "check"),
        ({"tags": [{"tag": "t"}]}, "23502", "null value"),
    ],
)
async def test_a_definition_that_cannot_be_read_changes_nothing(
    database: Database, worker: Worker, sent: dict[str, Any], code: str, says: str
) -> None:
    await declare(worker, tag(0, HI))
    with pytest.raises(asyncpg.PostgresError, match=says) as refused:
        await worker.ingest._connection.fetchval(
            "SELECT pumpjack.declare_tags($1, 1, $2)", worker.name, json.dumps(sent)
        )
    assert refused.value.sqlstate == code
    assert await database.read(DECLARED) == [("hi", True)]


@plain
async def test_a_connection_that_is_not_known_declares_nothing(worker: Worker) -> None:
    worker.name = "ops/unknown"
    with pytest.raises(StorageError, match="the connection ops/unknown is not known; Call take_f"):
        await declare(worker, tag(0))


@plain
async def test_the_largest_table_is_declared_within_one_call(
    database: Database, worker: Worker
) -> None:
    alarms = [Alarm(name, limit=1.0) for name in ("hihi", "hi", "lo", "lolo")]
    assert await declare(worker, *(tag(number, *alarms) for number in range(5_000))) == 5_000
    assert await database.read("SELECT count(*) FROM pumpjack.scada_alarms") == [(20_000,)]
