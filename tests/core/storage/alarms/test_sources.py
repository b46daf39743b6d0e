"""Where alarms come from: workers that replay, restart or were replaced, and gateways."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.roles import writer_role
from tests.core.storage.alarms.record import HI, kinds, state
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, Database, Worker, now_us
from tests.core.storage.desk import EVENTS, Desk, declare, hi, named, tag, tell

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)


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
    assert await state(database, alarm) == "unacknowledged", (
        "the newer worker need not say it again"
    )


@plain
@pytest.mark.parametrize("healthy", [True, False])
async def test_what_a_worker_without_a_network_thought_is_not_how_things_are(
    database: Database, worker: Worker, healthy: bool
) -> None:
    """Cut off from device and database it journals an alarm, or the end of one, of its own."""
    now, alarm = now_us(), named(worker, 0, "hi")
    await tell(worker, hi(not healthy, now))
    newer = await database.worker(name=worker.name)
    await tell(newer, hi(not healthy, now + 10))
    before = await state(database, alarm)
    await tell(worker, hi(healthy, now + 30))
    assert await state(database, alarm) == before
    last = "SELECT kind, state, detail FROM pumpjack.scada_events ORDER BY event_no DESC LIMIT 1"
    ((kind, told, detail),) = await database.read(last)
    assert (kind, told, detail) == (
        "raised" if healthy else "returned",
        before,
        '{"late": true}',
    )


@plain
async def test_a_replaced_worker_speaks_for_an_alarm_that_the_newer_one_has_not_told_of(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(worker, hi(False, now))
    await database.worker(name=worker.name)
    await tell(worker, hi(True, now + 30))
    assert await state(database, named(worker, 0, "hi")) == "unacknowledged"


@plain
async def test_a_worker_that_starts_again_is_believed_whatever_its_clock_says(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    await tell(worker, hi(True, now))
    worker.journal = uuid4()
    await worker.start()
    await tell(worker, hi(False, now - DAY_US))
    assert await state(database, named(worker, 0, "hi")) == "returned_unacknowledged"


@plain
async def test_an_old_journal_that_is_emptied_by_hand_brings_no_alarm_back_to_what_it_was(
    database: Database, worker: Worker
) -> None:
    now, left = now_us(), worker.journal
    worker.journal = uuid4()
    await worker.start()
    await tell(worker, hi(True, now))
    await worker.start()
    # By somebody who took no fence, as `pumpjack journal drain`.
    worker.journal, worker.seq = left, await worker.ingest.open_journal(left, worker.name)
    await tell(worker, hi(False, now - 10))
    assert await state(database, named(worker, 0, "hi")) == "unacknowledged"


@plain
@pytest.mark.parametrize("starts", [1, 2])
async def test_what_waited_in_an_old_journal_is_no_newer_for_a_worker_that_opens_it_now(
    database: Database, worker: Worker, starts: int
) -> None:
    now, left, alarm = now_us(), worker.journal, named(worker, 0, "hi")
    await tell(worker, hi(False, now))
    newer = await database.worker(name=worker.name)
    await tell(newer, hi(False, now + 30))
    for at in range(starts):  # three batches wait, and one more of a process that stored nothing
        await worker.start(left, follows=4 + at)
    await tell(worker, hi(True, now + 10))
    await tell(worker, hi(False, now + 20))
    await tell(worker, hi(True, now + 40))
    assert await state(database, alarm) == "normal"
    assert [row[1:] for row in await database.read(f"{EVENTS}")] == [
        ("raised", "normal"),
        ("returned", "normal"),
        ("raised", "normal"),
    ]
    worker.seq = await worker.open(left, follows=99)  # another session of the same process
    await tell(worker, hi(True, now + 15))
    if starts == 2:
        await tell(worker, hi(True, now + 16))
    assert await state(database, alarm) == "unacknowledged", "its own word counts"


@plain
@pytest.mark.parametrize("is_older", [True, False])
async def test_what_waited_of_a_worker_that_never_reached_the_database_goes_by_its_time(
    database: Database, worker: Worker, is_older: bool
) -> None:
    now, alarm = now_us(), named(worker, 0, "hi")
    await tell(worker, hi(False, now))
    await worker.start(uuid4(), follows=1)
    await tell(worker, hi(True, now - 10 if is_older else now + 10))
    assert await state(database, alarm) == ("normal" if is_older else "unacknowledged")


@plain
async def test_a_worker_of_the_version_before_opens_its_journal_as_it_did(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    newer = await database.worker(name=worker.name)
    await tell(newer, hi(False, now + 30))
    url = database.login(writer_role("permian"))
    older = await asyncpg.connect(url, statement_cache_size=0)
    fence = await worker.ingest.take_fence(worker.name, "modbus-tcp")
    sql = "SELECT pumpjack.open_journal($1, $2, $3)"
    assert await older.fetchval(sql, worker.journal, worker.name, fence) == 0
    await older.close()
    await tell(worker, hi(True, now + 10))
    assert await state(database, named(worker, 0, "hi")) == "unacknowledged"


@plain
async def test_a_replaced_worker_that_logs_in_anew_is_no_newer_for_that(
    database: Database, worker: Worker
) -> None:
    now = now_us()
    newer = await database.worker(name=worker.name)
    await tell(newer, hi(True, now))
    await newer.ingest.take_fence(newer.name, "modbus-tcp")
    await worker.open()
    await tell(worker, hi(False, now - 10))
    assert await state(database, named(worker, 0, "hi")) == "unacknowledged"


@plain
@pytest.mark.parametrize("others", [0, 150], ids=["of a few", "of many"])
async def test_a_suppressed_alarm_stays_so_until_the_worker_knows_better(
    database: Database, others: int
) -> None:
    worker = await database.worker(tags=others + 1)
    await declare(worker, *(tag(number, HI) for number in range(others + 1)))
    rest = [hi(False, tag_index=number + 1) for number in range(others)]
    await tell(worker, hi(True, suppressed=True), *rest)
    await worker.start()
    await tell(worker, hi(True, suppressed=None), *rest)
    assert await state(database, named(worker, 0, "hi")) == "suppressed"
    await tell(worker, hi(True, suppressed=False), *rest)
    assert await state(database, named(worker, 0, "hi")) == "unacknowledged"


@plain
async def test_thousands_of_alarms_at_once_have_longer_than_a_few(
    database: Database, worker: Worker
) -> None:
    """They cannot be split: if they did not get through in time, nothing after them would."""
    url, timeout_s = database.login(writer_role("permian")), 2.0
    worker.ingest = await Ingest.connect(url, timeout_s=timeout_s)
    async with database.admin.transaction():
        await database.admin.execute("SELECT FROM pumpjack.event_head FOR UPDATE")
        told = asyncio.create_task(tell(worker, *(hi(turn % 2 == 0) for turn in range(4_000))))
        assert not (await asyncio.wait({told}, timeout=timeout_s * 1.5))[0], "it is given up"
    assert (await told).applied
    await worker.ingest.close()


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
async def test_the_name_of_an_alarm_is_the_same_in_the_database_and_here(
    database: Database, worker: Worker
) -> None:
    for tenant, connection in (("permian", "ops/pad7"), ("Ölfeld 'Süd'", "a\\b/🛢")):
        name = await database.admin.fetchval(
            "SELECT pumpjack.alarm_id($1, $2, 'well-1', 'tag-0', 'hi')", tenant, connection
        )
        worker.name = connection
        assert name == named(worker, 0, "hi", tenant)


@plain
async def test_of_all_that_is_told_after_a_start_only_news_becomes_events(
    database: Database,
) -> None:
    now, count = now_us(), 150
    older = await database.worker(tags=count)
    await declare(older, *(tag(number, HI) for number in range(count)))
    newer = await database.worker(name=older.name, tags=count)
    for worker, at, raised in ((older, now, {3}), (newer, now + 10, {3, 7}), (older, now + 5, {9})):
        told = [hi(n in raised, at, tag_index=n) for n in range(count)]
        await tell(worker, *told, hi(False, at))
    assert await database.read(
        "SELECT tag_name, kind, state, detail FROM pumpjack.scada_events ORDER BY event_no"
    ) == [
        ("tag-3", "raised", "unacknowledged", "{}"),
        ("tag-7", "raised", "unacknowledged", "{}"),
        ("tag-3", "returned", "unacknowledged", '{"late": true}'),
        ("tag-9", "raised", "normal", '{"late": true}'),
    ]
