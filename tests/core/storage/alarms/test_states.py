"""Alarms after ISA-18.2: what is shown, what people do to them, what is on record of it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.storage.roles import writer_role
from tests.core.storage.alarms.record import kinds, state
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker, now_us
from tests.core.storage.desk import Desk, hi, named, tell

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)


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
