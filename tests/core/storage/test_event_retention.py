"""What is old of events, commands and removed alarms goes; what is kept has no holes."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from pumpjack_core.storage import maintain
from pumpjack_core.storage.audit import entries
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Alarm, Write
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker
from tests.core.storage.desk import EVENTS, Desk, declare, hi, tag, tell

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)
ALARM = Alarm("hi", limit=5.0)


@pytest.fixture
async def worker(database: Database) -> Worker:
    worker = await database.worker()
    await declare(worker, tag(0, ALARM, write=Write(low=0.0, high=9.0)))
    return worker


async def age(database: Database, table: str, column: str, where: str = "true") -> None:
    await database.admin.execute(
        f"UPDATE pumpjack.{table} SET {column} = {column} - interval '731 days' WHERE {where}"
    )


@every_level
async def test_old_events_go_and_the_alarm_stays_as_it_is(
    database: Database, worker: Worker
) -> None:
    for active in (True, False, True, False, True):
        await tell(worker, hi(active))
    await age(database, "events", "recorded_at", "event_no IN (1, 2, 4)")
    assert (await database.maintain()).removed == 2
    numbers = [row[0] for row in await database.read(EVENTS)]
    assert numbers == [3, 4, 5], "the fourth has an older one after it, so it stays"
    assert await database.read("SELECT state FROM pumpjack.scada_alarms") == [("unacknowledged",)]
    await tell(worker, hi(False))
    assert (await database.read(EVENTS))[-1][0] == 6
    await age(database, "events", "recorded_at")
    assert (await database.maintain()).removed == 4


@plain
async def test_events_are_kept_as_long_as_the_settings_say(
    database: Database, worker: Worker
) -> None:
    await tell(worker, hi(True))
    await database.admin.execute(
        "UPDATE pumpjack.events SET recorded_at = now() - interval '11 days'"
    )
    await database.admin.execute("UPDATE pumpjack.settings SET event_days = 12")
    assert (await database.maintain()).removed == 0
    await database.admin.execute("UPDATE pumpjack.settings SET event_days = 10")
    assert (await database.maintain()).removed == 1


@plain
async def test_commands_go_once_they_have_ended(database: Database, worker: Worker) -> None:
    connection = worker.ingest._connection
    async with Desk.open(database) as desk:
        ended = await desk.request(5.0)
        await connection.fetch("SELECT * FROM pumpjack.claim_command($1, 1)", worker.name)
        await connection.fetchval(
            "SELECT pumpjack.tell_command($1, 'verified')", ended["command_id"]
        )
        await desk.request(6.0, "key-2")
    for table, column in (("commands", "done_at"), ("commands", "requested_at")):
        await age(database, table, column)
    assert (await database.maintain()).removed == 1
    assert await database.read("SELECT value FROM pumpjack.scada_commands") == [(6.0,)]
    assert len(await database.read("SELECT 1 FROM pumpjack.scada_command_steps")) == 3


@plain
async def test_an_alarm_that_was_removed_goes_with_its_last_event(
    database: Database, worker: Worker
) -> None:
    await tell(worker, hi(True))
    await declare(worker, tag(0))
    await age(database, "alarm", "made_at")
    await database.maintain()
    count = "SELECT count(*) FROM pumpjack.scada_alarms"
    assert await database.read(count) == [(1,)]
    await age(database, "events", "recorded_at")
    await database.maintain()
    assert await database.read(count) == [(0,)]


@plain
async def test_a_tenant_that_holds_its_rows_does_not_stop_it(
    database: Database, worker: Worker
) -> None:
    other = await database.worker("bakken")
    await tell(other, hi(True))
    await tell(worker, hi(True))
    await age(database, "events", "recorded_at")
    thief = await asyncpg.connect(database.login(writer_role("permian")))
    async with thief.transaction():
        await thief.execute("SELECT pumpjack.declare_tags($1, 1, '[]')", worker.name)
        async with asyncio.timeout(60):
            done = await database.maintain()
        assert (done.removed, done.missed) == (2, ())
    await thief.close()


@plain
async def test_while_the_past_of_one_tenant_goes_the_others_are_served(
    database: Database, worker: Worker
) -> None:
    first = await database.worker("bakken")
    await declare(first, tag(0, ALARM, write=Write(low=0.0, high=9.0)))
    for one in (first, worker):
        await tell(one, hi(True))
    await age(database, "events", "recorded_at")
    async with asyncio.timeout(60), Desk.open(database, "bakken") as desk:
        async with database.admin.transaction():
            await database.admin.execute(
                "SELECT 1 FROM pumpjack.events WHERE tenant_id = 'permian' FOR UPDATE"
            )
            keeping = asyncio.create_task(database.maintain())
            while not await database.admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database()"
            ):
                await asyncio.sleep(0.01)
                await database.admin.execute("SELECT pg_stat_clear_snapshot()")
            assert (await desk.request(5.0))["state"] == "approved"
        assert (await keeping).removed == 2


@plain
async def test_a_long_past_goes_in_pieces(
    database: Database, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintain, "ROWS_A_TRANSACTION", 2)
    for active in (True, False, True, False, True):
        await tell(worker, hi(active))
    await age(database, "events", "recorded_at")
    entry = "SELECT pumpjack.audit('bakken', 'ann', 'sign-in', 'ok')"
    await database.admin.execute(f"{entry} FROM generate_series(1, 5)")
    await age(database, "audit_logs", "at", "tenant_id = 'bakken'")
    await age(database, "audit_logs", "at", "tenant_id = 'bakken'")
    assert (await database.maintain()).removed == 10
    assert await database.read(EVENTS) == []
    cuts = await entries(database.admin, "bakken")
    assert [cut.detail["auditNo"] for cut in cuts] == [5, 4, 2]


@plain
async def test_whoever_comes_at_once_is_served_in_turn(database: Database) -> None:
    workers = [await database.worker(name=f"ops/pad{number}") for number in range(2)]
    for worker in workers:
        await declare(worker, tag(0, ALARM, write=Write(low=0.0, high=9.0)))
    alarms = [row[0] for row in await database.read("SELECT alarm_id FROM pumpjack.scada_alarms")]

    async def work(worker: Worker, number: int) -> None:
        for turn in range(12):
            await tell(worker, hi(turn % 2 == 0))
            table = [tag(0, ALARM, write=Write(low=0.0, high=9.0))] + [tag(1, ALARM)] * (turn % 2)
            await declare(worker, *table)
            claim = "SELECT command_id FROM pumpjack.claim_command($1, 1)"
            connection = worker.ingest._connection
            for row in await connection.fetch(claim, worker.name):
                told = "SELECT pumpjack.tell_command($1, 'verified')"
                await connection.fetchval(told, row["command_id"])

    async def sit(person: int) -> None:
        async with Desk.open(database) as desk:
            for turn in range(12):
                order = alarms if person % 2 else alarms[::-1]
                await desk.act("acknowledged", order, f"person-{person}")
                await desk.act("shelved", order, f"person-{person}")
                await desk.act("unshelved", order, f"person-{person}")
                await desk.request(5.0, f"{person}-{turn}", actor=f"person-{person}")
                await desk.connection.fetchval("SELECT pumpjack.expire_commands('permian')")
                await desk.connection.fetchval("SELECT pumpjack.end_shelvings('permian')")

    async def keep() -> None:
        for _ in range(4):
            assert (await database.maintain()).missed == ()

    async with asyncio.timeout(100):  # a deadlock is an error of the database
        await asyncio.gather(
            *(work(worker, number) for number, worker in enumerate(workers)),
            *(sit(person) for person in range(2)),
            keep(),
        )
    numbers = [row[0] for row in await database.read(EVENTS)]
    assert numbers == list(range(1, len(numbers) + 1))
