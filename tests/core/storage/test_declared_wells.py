"""What screens show of wells and tags beside their readings, as their workers declare it."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from pumpjack_core.storage.roles import OPERATOR_ROLE
from pumpjack_core.tags import Tag, WellFacts, Write
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)

FACTS = "SELECT * FROM pumpjack.scada_well_facts ORDER BY well_id"
TAGS = "SELECT tag_name, connection_id, unit, title FROM pumpjack.scada_tag_facts ORDER BY 1, 2"
A1 = WellFacts(
    "well-1",
    title="Permian A-1",
    type="rod-pump",
    pad="Pad\0A",
    route="Route 12",
    time_zone="America/Chicago",
    roles={"tubing_pressure": "tag-0"},
    key_tags=("tag-1", "tag-0"),
)


@pytest.fixture
async def worker(database: Database) -> Worker:
    return await database.worker()


def tag(number: int = 0, unit: str = "psi", **more: Any) -> Tag:
    return Tag("well-1", f"tag-{number}", f"holding:{number}", "float32", 1.0, unit, **more)


async def declare(worker: Worker, *tags: Tag, facts: tuple[WellFacts, ...] = ()) -> int:
    return await worker.ingest.declare_tags(worker.name, worker.fence, tags, facts, writes=False)


@every_level
async def test_a_well_is_found_with_what_its_connection_says_of_it(
    database: Database, worker: Worker
) -> None:
    nothing = ("permian", "well-1", "", "", "", "", "", "{}", [])
    assert await database.read(FACTS) == [nothing], "a well that nobody describes is there"
    await declare(worker, tag(), facts=(A1,))
    assert await database.read(FACTS) == [
        (
            *("permian", "well-1", "Permian A-1", "rod-pump", "Pad␀A", "Route 12"),
            *("America/Chicago", '{"tubing_pressure": "tag-0"}', ["tag-1", "tag-0"]),
        )
    ]
    await declare(worker, tag())
    assert await database.read(FACTS) == [nothing], "and what is said no more is gone"


@every_level
async def test_six_key_tags_are_kept_and_no_more(database: Database, worker: Worker) -> None:
    names = tuple(f"tag-{number}" for number in range(7))
    await declare(worker, tag(), facts=(WellFacts("well-1", key_tags=names),))
    kept = await database.read("SELECT key_tags FROM pumpjack.scada_well_facts")
    assert kept == [(list(names[:6]),)]


@plain
async def test_of_two_connections_the_older_is_heard_first_fact_by_fact(
    database: Database, worker: Worker
) -> None:
    younger = await database.worker(name="ops/battery")
    assert worker.fence == younger.fence == 1
    pad = WellFacts("well-1", title="Battery", pad="Pad A", key_tags=("tag-2",))
    await declare(younger, tag(2), facts=(pad,))
    await declare(worker, tag(), facts=(WellFacts("well-1", type="esp", title="A-1"),))
    columns = "SELECT title, type, pad, key_tags FROM pumpjack.scada_well_facts"
    assert await database.read(columns) == [("A-1", "esp", "Pad A", ["tag-2"])]
    await retire(database, worker)
    assert await database.read(columns) == [("Battery", "esp", "Pad A", ["tag-2"])]


@every_level
async def test_a_tag_is_found_with_everything_that_a_screen_needs(
    database: Database, worker: Worker
) -> None:
    speed = tag(
        low=0.0,
        high=20.0,
        description="strokes",
        state_names={"0": "STOPPED"},
        write=Write(low=2.0, high=9.0),
        title="Pump speed",
        normal_low=6.0,
        normal_high=8.5,
        digits=1,
    )
    await declare(worker, speed, tag(1), tag(7))
    assert await database.read(
        "SELECT * FROM pumpjack.scada_tag_facts WHERE well_id = $1 ORDER BY tag_name", "well-1"
    ) == [
        (
            *("permian", "well-1", "tag-0", worker.tags[0], "ops/pad7", "modbus-tcp", "psi"),
            *("float32", "Pump speed", "strokes", "holding:0", 1.0, 0.0, 20.0, 6.0, 8.5, 1),
            *('{"0": "STOPPED"}', True),
        ),
        (
            *("permian", "well-1", "tag-1", worker.tags[1], "ops/pad7", "modbus-tcp", "psi"),
            *("float32", "", "", "holding:1", 1.0, None, None, None, None, None, "{}", False),
        ),
        (
            *("permian", "well-1", "tag-7", None, "ops/pad7", "modbus-tcp", "psi"),
            *("float32", "", "", "holding:7", 1.0, None, None, None, None, None, "{}", False),
        ),
    ]


@plain
async def test_a_tag_with_another_unit_is_not_taken_for_the_series_of_the_one_before(
    database: Database, worker: Worker
) -> None:
    query = "SELECT tag_name, tag_id, unit FROM pumpjack.scada_tag_facts"
    await declare(worker, tag())
    assert await database.read(query) == [("tag-0", worker.tags[0], "psi")]
    await declare(worker, tag(unit="bar"))
    assert await database.read(query) == [("tag-0", None, "bar")]
    (bar,) = await worker.ingest.register_series(worker.name, [tag(unit="bar")])
    assert await database.read(query) == [("tag-0", bar, "bar")]


@plain
async def test_what_was_registered_is_shown_as_long_as_nothing_was_declared(
    database: Database, worker: Worker
) -> None:
    await worker.ingest.register_series(worker.name, [tag(unit="bar")])
    assert await database.read(TAGS) == [
        ("tag-0", "ops/pad7", "bar", ""),
        ("tag-1", "ops/pad7", "psi", ""),
        ("tag-2", "ops/pad7", "psi", ""),
    ]
    await declare(worker, tag(1, title="Casing"))
    assert await database.read(TAGS) == [("tag-1", "ops/pad7", "psi", "Casing")]


@plain
async def test_a_tag_that_moved_is_shown_once_as_its_present_connection_has_it(
    database: Database, worker: Worker
) -> None:
    other = await database.worker(name="ops/pad8")
    await declare(worker, tag(title="before"))
    await declare(other, tag(title="after"))
    assert await database.read(TAGS) == [("tag-0", "ops/pad8", "psi", "after")]
    await retire(database, other)
    assert await database.read(TAGS) == [("tag-0", "ops/pad7", "psi", "before")]


@plain
async def test_words_and_bands_of_screens_do_not_undo_a_command_that_is_under_way(
    database: Database, worker: Worker
) -> None:
    query = "SELECT write_hash FROM pumpjack.tag_definition"
    valve = tag(write=Write(low=0.0, high=1.0))
    await declare(worker, valve)
    before = await database.admin.fetchval(query)
    dressed = tag(
        write=Write(low=0.0, high=1.0), title="Valve", normal_low=0.0, normal_high=1.0, digits=2
    )
    await declare(worker, dressed, facts=(A1,))
    assert await database.admin.fetchval(query) == before
    await declare(worker, tag(write=Write(low=0.0, high=2.0)))
    assert await database.admin.fetchval(query) != before


@plain
async def test_a_change_of_facts_alone_is_told_and_audited(
    database: Database, worker: Worker
) -> None:
    for facts in ((), (A1,), (A1,), ()):
        assert await declare(worker, tag(), facts=facts) == 1
    audited = "SELECT count(*) FROM pumpjack.audit_logs WHERE action = 'tags.declared'"
    assert await database.admin.fetchval(audited) == 3


@plain
async def test_a_replaced_worker_says_nothing_of_its_wells(
    database: Database, worker: Worker
) -> None:
    await declare(worker, tag(), facts=(A1,))
    await worker.ingest.take_fence(worker.name, "modbus-tcp")
    assert await declare(worker, tag(), facts=(WellFacts("well-1", title="mine"),)) == 0
    assert await database.read("SELECT title FROM pumpjack.scada_well_facts") == [("Permian A-1",)]


@plain
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"tags": [], "wells": 7}, "PJ004"),
        ({"tags": [], "wells": {"well": "w"}}, "PJ004"),
        ({"tags": [], "wells": [{"title": "of no well"}]}, "23502"),
        ({"tags": [], "wells": [{"well": "w", "roles": [1]}]}, "22023"),
        ({"tags": [{"well": "w", "tag": "t", "digits": 9}]}, "23514"),
    ],
)
async def test_facts_that_cannot_be_read_change_nothing(
    database: Database, worker: Worker, sent: dict[str, Any], code: str
) -> None:
    await declare(worker, tag(), facts=(A1,))
    with pytest.raises(asyncpg.PostgresError) as refused:
        await _declared_by_hand(worker, sent)
    assert refused.value.sqlstate == code
    assert await database.read("SELECT title FROM pumpjack.scada_well_facts") == [("Permian A-1",)]


@plain
@pytest.mark.parametrize("wells", [{}, {"wells": None}, {"wells": []}])
async def test_a_worker_of_the_version_before_declares_as_it_did(
    database: Database, worker: Worker, wells: dict[str, Any]
) -> None:
    sent = {"writes": False, "tags": [{"well": "well-1", "tag": "tag-0"}], **wells}
    assert await _declared_by_hand(worker, sent) == 1
    assert await database.read(TAGS) == [("tag-0", "ops/pad7", "psi", "")]


@plain
async def test_no_tenant_sees_what_another_declares(database: Database, worker: Worker) -> None:
    other = await database.worker("bakken", tags=1)
    await declare(worker, tag(), facts=(A1,))
    await declare(other, tag(title="theirs"), facts=(WellFacts("well-1", title="Bakken 1"),))
    both = "SELECT w.title, t.title FROM pumpjack.scada_well_facts w, pumpjack.scada_tag_facts t"
    assert await database.read(both, tenant_id="bakken") == [("Bakken 1", "theirs")]
    assert await database.read(both) == [("Permian A-1", "")]


@plain
async def test_a_well_is_looked_up_by_its_name(database: Database, worker: Worker) -> None:
    """A condition on the well reaches the index, through the views."""
    wells = [f"w-{number}" for number in range(2_000)]
    tags = [Tag(well, "t", "holding:1", "float32", 1.0) for well in wells]
    await worker.ingest.register_series(worker.name, tags)
    await declare(worker, *tags, facts=tuple(WellFacts(well, title=well) for well in wells))
    await database.admin.execute("ANALYZE")
    for view, index in (
        ("scada_tag_facts", "tag_definition_by_name"),
        ("scada_well_facts", "well_definition_by_well"),
    ):
        plan = await database.read(
            f"EXPLAIN (COSTS OFF) SELECT * FROM pumpjack.{view} WHERE well_id = $1", "w-7"
        )
        assert index in str(plan), "\n".join(line for (line,) in plan)


async def retire(database: Database, worker: Worker) -> None:
    """The connection is deleted, as the operator has it."""
    connection = await asyncpg.connect(database.login(OPERATOR_ROLE), statement_cache_size=0)
    done = await connection.fetchval(
        "SELECT pumpjack.retire_connection('permian', $1)", worker.name
    )
    await connection.close()
    assert done


async def _declared_by_hand(worker: Worker, sent: dict[str, Any]) -> Any:
    return await worker.ingest._connection.fetchval(
        "SELECT pumpjack.declare_tags($1, 1, $2)", worker.name, json.dumps(sent)
    )
