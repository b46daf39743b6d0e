"""Alarms after ISA-18.2: what is shown, what people do to them, what is on record of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Alarm
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, Database, Worker, now_us
from tests.core.storage.desk import ALARMS, EVENTS, Desk, declare, hi, named, tag, tell

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)
HI = Alarm("hi", limit=5.0, priority=2, message="pressure high", response="open the choke")
LATCHED = Alarm("lo", limit=1.0, latch=True)


@pytest.fixture
async def worker(database: Database) -> Worker:
    worker = await database.worker()
    await declare(worker, tag(0, HI, LATCHED), tag(1))
    return worker


@pytest.fixture
async def desk(database: Database, worker: Worker) -> AsyncIterator[Desk]:
    async with Desk.open(database) as desk:
        yield desk


async def state(database: Database, alarm: str) -> Any:
    return (await database.read(ALARMS, alarm))[0][0]


async def kinds(database: Database) -> list[tuple[Any, ...]]:
    return [(kind, after) for _, kind, after in await database.read(EVENTS)]


@every_level
async def test_an_alarm_goes_through_its_states_and_each_is_on_record(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm, now = named(worker, 0, "hi"), now_us()
    await tell(worker, hi(True, now, 7.5))
    assert await database.read(
        "SELECT alarm_id, connection_id, well_id, tag_name, condition, priority, state, value,"
        ' "limit", unit, message, response FROM pumpjack.scada_alarms WHERE active'
    ) == [
        (
            *(alarm, "ops/pad7", "well-1", "tag-0", "hi", 2, "unacknowledged", 7.5),
            *(5.0, "psi", "pressure high", "open the choke"),
        )
    ]
    [done] = await desk.act("acknowledged", [alarm], "ann", comment="looking")
    assert (done["done"], done["state"], done["version"]) == (True, "acknowledged", 2)
    await tell(worker, hi(False, now + 1_000_000, 4.0))
    assert await state(database, alarm) == "normal"
    await tell(worker, hi(True, now + 2_000_000))
    await tell(worker, hi(False, now + 3_000_000))
    assert await state(database, alarm) == "returned_unacknowledged"
    await desk.act("acknowledged", [alarm], "bob")
    assert await database.read(
        "SELECT event_no, kind, actor, comment, value, state FROM pumpjack.scada_events"
        " WHERE event_no <= 3 ORDER BY event_no"
    ) == [
        (1, "raised", "", "", 7.5, "unacknowledged"),
        (2, "acknowledged", "ann", "looking", 7.5, "acknowledged"),
        (3, "returned", "", "", 4.0, "normal"),
    ]
    assert (await kinds(database))[3:] == [
        ("raised", "unacknowledged"),
        ("returned", "returned_unacknowledged"),
        ("acknowledged", "normal"),
    ]
    when = "SELECT at FROM pumpjack.scada_events WHERE value IS NOT NULL AND actor = '' ORDER BY 1"
    assert [row[0].timestamp() * 1e6 - now for row in await database.read(when)] == [
        *(0, 1_000_000, 2_000_000, 3_000_000),
    ]
    assert await database.read("SELECT event_no FROM pumpjack.scada_heads") == [(6,)]


@plain
async def test_of_two_who_acknowledge_one_wins_and_the_other_is_told_who(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "hi")
    await tell(worker, hi(True))
    await desk.act("acknowledged", [alarm], "ann")
    [told] = await desk.act("acknowledged", [alarm], "bob", versions=[1])
    at = (await database.read("SELECT acknowledged_at FROM pumpjack.scada_alarms WHERE active"))[0]
    assert (told["done"], told["code"], told["by"], told["at"]) == (False, "already", "ann", at[0])
    assert told["problem"].startswith("already acknowledged by ann at 20")
    assert (told["version"], told["event_no"], told["state"]) == (2, 2, "acknowledged")
    await tell(worker, hi(False))
    [told] = await desk.act("acknowledged", [alarm], "bob")
    assert told["by"] == "ann", "also after it has gone"


@plain
async def test_at_the_very_same_time_one_of_many_acknowledges_each_alarm(
    database: Database, worker: Worker
) -> None:
    people = [f"person-{number}" for number in range(6)]
    alarms = [named(worker, 0, "hi"), named(worker, 1, "hi")]
    await tell(worker, hi(True), hi(True, tag_index=1))

    async def acknowledge(person: str, order: list[str]) -> list[asyncpg.Record]:
        async with Desk.open(database) as desk:
            return await desk.act("acknowledged", order, person)

    answers = await asyncio.gather(
        *(
            acknowledge(person, alarms if number % 2 else alarms[::-1])  # the order is no deadlock
            for number, person in enumerate(people)
        )
    )
    rows = [row for answer in answers for row in answer]
    winners = [row for row in rows if row["done"]]
    assert sorted(row["alarm_id"] for row in winners) == sorted(alarms)
    by = dict(await database.read("SELECT alarm_id, acknowledged_by FROM pumpjack.scada_alarms"))
    assert {row["by"] for row in rows if not row["done"]} == {by[alarm] for alarm in alarms}
    assert [kind for kind, _ in await kinds(database)].count("acknowledged") == 2


@plain
async def test_who_saw_an_older_version_is_told_that_it_changed(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "hi")
    await tell(worker, hi(True))
    await tell(worker, hi(False))
    [told] = await desk.act("acknowledged", [alarm], versions=[1])
    assert (told["done"], told["code"], told["version"]) == (False, "changed", 2)
    assert told["problem"] == "it changed meanwhile; it is returned unacknowledged now"
    assert (await desk.act("acknowledged", [alarm], versions=[2]))[0]["done"]


@plain
async def test_what_cannot_be_done_to_an_alarm_is_refused_with_its_reason(
    worker: Worker, desk: Desk
) -> None:
    alarm, unknown = named(worker, 0, "hi"), named(worker, 0, "hi", "bakken")
    answers = {
        action: (await desk.act(action, [alarm]))[0]
        for action in ("acknowledged", "reset", "unshelved", "in_service")
    }
    assert not any(row["done"] for row in answers.values())
    assert {action: row["problem"] for action, row in answers.items()} == {
        "acknowledged": "there is nothing to acknowledge",
        "reset": "it is not latched",
        "unshelved": "it is not shelved",
        "in_service": "it is in service",
    }
    [none, here] = await desk.act("shelved", [unknown, alarm])
    assert (none["done"], none["code"], none["problem"]) == (
        False,
        "unknown",
        "there is no such alarm",
    )
    assert here["done"], "the others of the call are done"


@pytest.mark.parametrize(
    ("action", "other", "says"),
    [
        ("shelved", {"comment": " "}, "needs a reason"),
        ("out_of_service", {"comment": ""}, "needs a reason"),
        ("shelved", {"hours": 8.1}, "within the next 8 hours"),
        ("shelved", {"hours": -0.1}, "within the next 8 hours"),
        ("acknowledged", {"actor": ""}, "somebody has to act"),
        ("acknowledged", {"versions": [1, 2]}, "a version for each"),
    ],
)
@plain
async def test_a_request_that_makes_no_sense_is_refused_as_a_whole(
    worker: Worker, desk: Desk, action: str, other: dict[str, Any], says: str
) -> None:
    with pytest.raises(asyncpg.PostgresError, match=says) as refused:
        await desk.act(action, [named(worker, 0, "hi")], **other)
    assert refused.value.sqlstate == "PJ030"
    with pytest.raises(asyncpg.PostgresError, match="1 to 10,000 alarms"):
        await desk.act("acknowledged", [])


@plain
async def test_a_latched_alarm_stays_until_somebody_resets_it(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "lo")
    await tell(worker, hi(True, condition="lo"))
    [early] = await desk.act("reset", [alarm])
    assert early["problem"].startswith("its condition is still active")
    await tell(worker, hi(False, condition="lo"))
    assert await state(database, alarm) == "latched_unacknowledged"
    await desk.act("acknowledged", [alarm])
    assert await state(database, alarm) == "latched_acknowledged"
    assert (await desk.act("reset", [alarm]))[0]["state"] == "normal"
    await tell(worker, hi(True, condition="lo"), hi(False, condition="lo"))
    [row] = await desk.act("reset", [alarm])
    assert row["state"] == "returned_unacknowledged", "a reset is no acknowledgement"


@every_level
async def test_a_shelved_alarm_rests_until_its_end_and_comes_back_to_be_seen(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "hi")
    await tell(worker, hi(True))
    await desk.act("acknowledged", [alarm])
    [shelved] = await desk.act("shelved", [alarm], "bob", comment="sensor is cleaned")
    assert shelved["state"] == "shelved"
    [told] = await desk.act("acknowledged", [alarm])
    assert told["problem"].startswith("it is shelved by bob until 20")
    end = "SELECT pumpjack.end_shelvings('permian')"
    assert await desk.connection.fetchval(end) == 0
    await let_shelvings_end(database)
    assert await desk.connection.fetchval(end) == 1
    assert await desk.connection.fetchval(end) == 0
    assert await state(database, alarm) == "unacknowledged", "it is active and has to be seen anew"
    ended = "SELECT actor, detail FROM pumpjack.scada_events WHERE kind = 'unshelved'"
    assert await database.read(ended) == [("", '{"ended": true}')]


async def let_shelvings_end(database: Database) -> None:
    await database.admin.execute(
        "UPDATE pumpjack.alarm SET shelved_until = clock_timestamp() - interval '1 second'"
        " WHERE shelved_until IS NOT NULL"
    )


@plain
async def test_a_shelving_that_is_over_ends_before_anything_else_happens(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "hi")
    await desk.act("shelved", [alarm])
    await let_shelvings_end(database)
    await tell(worker, hi(True))
    assert await state(database, alarm) == "unacknowledged", "nobody ended it, and yet it shows"
    await desk.act("shelved", [alarm])
    await let_shelvings_end(database)
    assert (await desk.act("acknowledged", [alarm]))[0]["done"]
    assert [kind for kind, _ in await kinds(database)] == [
        *("shelved", "unshelved", "raised"),
        *("shelved", "unshelved", "acknowledged"),
    ]


@plain
async def test_what_is_raised_while_suppressed_shows_when_the_suppression_ends(
    database: Database, worker: Worker
) -> None:
    alarm = named(worker, 0, "hi")
    await tell(worker, hi(True, suppressed=True))
    assert await state(database, alarm) == "suppressed"
    await tell(worker, hi(True, suppressed=False))
    assert await state(database, alarm) == "unacknowledged"
    await tell(worker, hi(False, suppressed=True))
    assert await state(database, alarm) == "suppressed"
    await tell(worker, hi(False, suppressed=False))
    assert await state(database, alarm) == "returned_unacknowledged", "nobody had seen it"
    await tell(worker, hi(False, suppressed=True))
    await tell(worker, hi(True, suppressed=True))
    await tell(worker, hi(False, suppressed=False))
    assert (await kinds(database))[-3:] == [
        ("raised", "suppressed"),
        ("returned", "suppressed"),
        ("unsuppressed", "returned_unacknowledged"),
    ]


@plain
async def test_out_of_service_stands_over_suppressed_and_suppressed_over_shelved(
    database: Database, worker: Worker, desk: Desk
) -> None:
    alarm = named(worker, 0, "hi")
    states = []
    await desk.act("shelved", [alarm])
    states.append(await state(database, alarm))
    await tell(worker, hi(True, suppressed=True))
    states.append(await state(database, alarm))
    await desk.act("out_of_service", [alarm], comment="transmitter is at the shop")
    states.append(await state(database, alarm))
    await desk.act("in_service", [alarm])
    await tell(worker, hi(True))
    states.append(await state(database, alarm))
    await desk.act("unshelved", [alarm])
    states.append(await state(database, alarm))
    assert states == ["shelved", "suppressed", "out_of_service", "shelved", "unacknowledged"]


@plain
async def test_a_replayed_batch_changes_no_alarm(database: Database, worker: Worker) -> None:
    await tell(worker, hi(True))
    before = await kinds(database)
    again = await tell(worker, hi(False), prev=0)
    assert (again.applied, again.cursor) == (False, 1)
    assert await kinds(database) == before


@plain
async def test_the_same_word_again_is_no_event(database: Database, worker: Worker) -> None:
    await tell(worker, hi(True), hi(True), hi(False, condition="lo"))
    await tell(worker, hi(True), hi(False, condition="lo"))
    assert await kinds(database) == [("raised", "unacknowledged")]


@plain
async def test_a_batch_that_is_refused_changes_no_alarm(database: Database, worker: Worker) -> None:
    other = await database.worker(name="ops/pad8")
    mine = worker.tags
    worker.tags = [mine[0], other.tags[0]]
    with pytest.raises(StorageError, match="no series of this connection; nothing was stored"):
        await tell(worker, hi(True), hi(True, tag_index=1))
    worker.tags = mine
    with pytest.raises(StorageError, match="lacks a condition, active or us"):
        await tell(worker, hi(True), hi(True, condition="comm_failure"))
    assert await kinds(database) == []
    assert await worker.open() == 0, "nor did the cursor move"


@plain
async def test_an_alarm_that_nobody_declared_is_shown_all_the_same(database: Database) -> None:
    worker = await database.worker()
    await tell(worker, hi(True, tag_index=2))
    assert await database.read(
        "SELECT tag_name, state, priority, declared FROM pumpjack.scada_alarms"
    ) == [("tag-2", "unacknowledged", 3, False)]


@plain
async def test_a_clock_that_jumps_back_holds_no_alarm_up(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(worker, hi(True, now))
    await tell(worker, hi(False, now - DAY_US))
    assert await state(database, named(worker, 0, "hi")) == "returned_unacknowledged"


@plain
async def test_what_a_replaced_worker_still_drains_is_on_record_and_changes_nothing_now(
    database: Database, worker: Worker
) -> None:
    now, alarm = now_us(), named(worker, 0, "hi")
    newer = await database.worker(name=worker.name)
    await tell(newer, hi(True, now + 10))
    await tell(worker, hi(False, now - 50))  # as it was before anything else: nothing happened
    await tell(worker, hi(True, now - 40))
    await tell(worker, hi(False, now - 30))
    await tell(worker, hi(False, now - 20))
    assert await state(database, alarm) == "unacknowledged"
    assert await database.read(
        "SELECT event_no, kind, state, detail FROM pumpjack.scada_events ORDER BY event_no"
    ) == [
        (1, "raised", "unacknowledged", "{}"),
        (2, "raised", "unacknowledged", '{"late": true}'),
        (3, "returned", "unacknowledged", '{"late": true}'),
    ]
    assert await database.read(
        "SELECT version, event_no FROM pumpjack.scada_alarms WHERE active"
    ) == [(1, 3)]
    await tell(worker, hi(False, now + 20))
    assert await state(database, alarm) == "returned_unacknowledged", "newer by its time"


@plain
async def test_a_worker_that_starts_again_is_believed_whatever_its_clock_says(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(worker, hi(True, now))
    await worker.ingest.take_fence(worker.name, "modbus-tcp")
    worker.journal, worker.seq = uuid4(), 0
    await worker.open()
    await tell(worker, hi(False, now - DAY_US))
    assert await state(database, named(worker, 0, "hi")) == "returned_unacknowledged"


@plain
async def test_two_workers_at_once_leave_no_hole_in_the_numbers(
    database: Database, worker: Worker
) -> None:
    other = await database.worker(name="ops/pad8")

    async def flap(which: Worker) -> None:
        for turn in range(30):
            await tell(which, hi(turn % 2 == 0), hi(turn % 2 == 0, tag_index=1))

    async def shelve() -> None:
        async with Desk.open(database) as desk:
            for _ in range(20):
                await desk.act("shelved", [named(worker, 1, "hi"), named(other, 0, "hi")])
                await desk.act("unshelved", [named(other, 0, "hi"), named(worker, 1, "hi")])

    await asyncio.gather(flap(worker), flap(other), shelve())
    numbers = [row[0] for row in await database.read(EVENTS)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 120
    assert await database.read("SELECT event_no FROM pumpjack.scada_heads") == [(len(numbers),)]


@every_level
async def test_loss_of_the_heartbeat_is_an_alarm_of_the_connection(
    database: Database, worker: Worker, desk: Desk
) -> None:
    raised = "SELECT * FROM pumpjack.raise_comm_failure('permian', 'ops/pad7', $1, now(), $2)"
    row = await desk.connection.fetchrow(raised, True, "no heartbeat for 6 s")
    assert row is not None
    assert (row["changed"], row["state"], row["event_no"]) == (True, "unacknowledged", 1)
    again = await desk.connection.fetchrow(raised, True, "no heartbeat for 9 s")
    assert again is not None and not again["changed"]
    await declare(worker, tag(0, HI))  # what is declared has no say in it
    await desk.act("acknowledged", [row["alarm_id"]])
    await desk.connection.fetchrow(raised, False, "")
    assert await kinds(database) == [
        ("raised", "unacknowledged"),
        ("acknowledged", "acknowledged"),
        ("returned", "normal"),
    ]
    where = "SELECT connection_id, well_id, tag_name, condition, comment FROM pumpjack.scada_events"
    assert (await database.read(f"{where} ORDER BY event_no"))[0] == (
        *("ops/pad7", "", "", "comm_failure", "no heartbeat for 6 s"),
    )
    with pytest.raises(asyncpg.PostgresError, match=r"connection ops/pad7 of the tenant bakken"):
        await desk.connection.fetchrow(raised.replace("permian", "bakken"), True, "")


@plain
async def test_one_gateway_at_a_time_holds_the_lease(database: Database, desk: Desk) -> None:
    one, other = uuid4(), uuid4()
    take = "SELECT pumpjack.take_lease('permian', $1, $2)"

    async def taken(holder: object, seconds: float) -> object:
        return await desk.connection.fetchval(take, holder, seconds)

    assert [await taken(one, 60), await taken(other, 60), await taken(one, 60)] == [
        *(True, False, True),
    ]
    await database.admin.execute("UPDATE pumpjack.gateway_lease SET until = now()")
    assert [await taken(other, 60), await taken(one, 60)] == [True, False]
    assert [await taken(one, 0), await taken(other, 0), await taken(one, 60)] == [
        *(False, False, True),
    ]
    assert not await desk.connection.fetchval(take.replace("permian", "nobody"), one, 60)

    async def race() -> object:
        async with Desk.open(database) as mine:
            return await mine.connection.fetchval(take, uuid4(), 60)

    await taken(one, 0)
    assert sorted(map(str, await asyncio.gather(*(race() for _ in range(5))))) == [
        *("False",) * 4,
        "True",
    ]


@plain
async def test_what_people_did_is_in_the_audit(database: Database, desk: Desk) -> None:
    alarm = named(await database.worker(), 0, "hi")
    await desk.act("shelved", [alarm, "0" * 32], "ann", comment="cleaning")
    await desk.act("acknowledged", [alarm], "bob", comment="x")
    rows = await database.admin.fetch(
        "SELECT actor, action, outcome, detail->>'comment' AS comment, detail->'alarms' AS alarms"
        " FROM pumpjack.audit_logs WHERE action LIKE 'alarms.%' ORDER BY audit_no"
    )
    assert [tuple(row) for row in rows] == [
        ("ann", "alarms.shelved", "partly", "cleaning", f'["{alarm}"]'),
        ("bob", "alarms.acknowledged", "refused", "x", "[]"),
    ]


@plain
async def test_a_tenant_that_sits_on_its_rows_delays_people_for_five_seconds_at_most(
    database: Database, worker: Worker, desk: Desk
) -> None:
    thief = await asyncpg.connect(database.login(writer_role("permian")))
    async with thief.transaction():
        await thief.execute(
            "SELECT pumpjack.write_batch($1, 0, 1, '{}', '{}', '{}', '{}', NULL, $2)",
            *(
                worker.journal,
                f'[{{"tag": {worker.tags[0]}, "condition": "hi", "active": true, "us": 1}}]',
            ),
        )
        with pytest.raises(asyncpg.LockNotAvailableError):
            await desk.act("acknowledged", [named(worker, 0, "hi")])
    await thief.close()
    assert (await desk.act("acknowledged", [named(worker, 0, "hi")]))[0]["done"]
    assert issubclass(StorageUnavailable, StorageError)  # which the sentence about it is


@plain
async def test_the_name_of_an_alarm_is_the_same_in_the_database_and_here(
    database: Database, worker: Worker
) -> None:
    for tenant, connection in (("permian", "ops/pad7"), ("Ölfeld 'Süd'", "a\\b/🛢")):
        name = await database.admin.fetchval(
            "SELECT pumpjack.alarm_id($1, $2, 'well-1', 'tag-0', 'hi')", tenant, connection
        )
        worker.name = connection
        assert name == named(worker, 0, "hi", tenant)
