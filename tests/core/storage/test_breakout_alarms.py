"""A stolen login of a tenant, or of the gateway, at the alarms, commands and audit of others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from pumpjack_core.alarms import alarm_id
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.audit import verify
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Alarm, Tag, Write
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker, now_us
from tests.core.storage.desk import Desk, declare, hi, tag, tell
from tests.core.storage.test_breakout import assert_refused

pytestmark = pytest.mark.parametrize("level", LEVELS[:1])
HI = Alarm("hi", limit=5.0)
THEIRS = alarm_id("bakken", "ops/pad7", "well-1", "tag-0", "hi")
VIEWS = ("alarms", "events", "tag_definitions", "commands", "command_steps", "heads")
INSIDE = {
    "an event": "INSERT INTO pumpjack.events SELECT * FROM pumpjack.events",
    "the alarms": "SELECT * FROM pumpjack.alarm",
    "an alarm": "UPDATE pumpjack.alarm SET state = 'normal'",
    "the numbers": "UPDATE pumpjack.event_head SET event_no = 0",
    "the commands": "SELECT * FROM pumpjack.commands",
    "a command": "UPDATE pumpjack.commands SET state = 'approved'",
    "a step": "DELETE FROM pumpjack.command_steps",
    "the definitions": "UPDATE pumpjack.tag_definition SET write_high = 1000",
    "the switch of writes": "UPDATE pumpjack.connection_definition SET writes = true",
    "the lease": "UPDATE pumpjack.gateway_lease SET until = 'infinity'",
    "the audit": "SELECT * FROM pumpjack.audit_logs",
    "the audit's ends": "SELECT * FROM pumpjack.audit_heads()",
    "a lock on the heads": "SELECT * FROM pumpjack.event_head FOR UPDATE",
    "a step of an alarm": "SELECT pumpjack.step_alarm(NULL, 1, 'raised', now())",
    "transitions past write_batch": (
        "SELECT pumpjack.apply_transitions(1, gen_random_uuid(), '[]')"
    ),
    "a lock by function": "SELECT pumpjack.lock_head('bakken')",
    "an event past its alarm": (
        "SELECT pumpjack.note_event(NULL, 1, 'raised', now(), '', '', 0, '{}')"
    ),
    "any action": (
        "SELECT pumpjack.act_on_alarms('bakken', 'me', 'acknowledged', '{x}', NULL, '', NULL)"
    ),
    "a step of a command": "SELECT pumpjack.step_command(NULL, 'approved', 'me', '{}')",
    "a cut of the audit": "SELECT pumpjack.cut_audit('permian', 'infinity', 9)",
    "what has expired": "SELECT pumpjack.remove_expired_of('permian', 9)",
    "whose has expired": "SELECT pumpjack.tenants_with_expired()",
    "the events of long ago": "SELECT pumpjack.remove_events('permian', 'infinity', 9)",
}
OF_THE_GATEWAY = {
    "an acknowledgement": "SELECT pumpjack.acknowledge_alarms('permian', 'me', '{x}')",
    "a shelving": "SELECT pumpjack.shelve_alarms('permian', 'me', '{x}', now(), 'x')",
    "an end of shelving": "SELECT pumpjack.unshelve_alarms('permian', 'me', '{x}')",
    "out of service": "SELECT pumpjack.out_of_service_alarms('permian', 'me', '{x}', 'x')",
    "in service": "SELECT pumpjack.in_service_alarms('permian', 'me', '{x}')",
    "a reset": "SELECT pumpjack.reset_alarms('permian', 'me', '{x}')",
    "ends of shelvings": "SELECT pumpjack.end_shelvings('permian')",
    "a lost heartbeat": "SELECT pumpjack.raise_comm_failure('permian', 'a', true, now())",
    "a lease": "SELECT pumpjack.take_lease('permian', gen_random_uuid(), 10)",
    "a request": (
        "SELECT pumpjack.request_command('permian', 'me', 'admin', 'w', 't', 1, 'x', 'k', 10)"
    ),
    "a decision": "SELECT pumpjack.decide_command('permian', 'me', gen_random_uuid(), true)",
    "an expiry": "SELECT pumpjack.expire_commands('permian')",
}
OF_THE_WORKER = {
    "a declaration": "SELECT pumpjack.declare_tags('ops/pad7', 9, '[]')",
    "a claim": "SELECT * FROM pumpjack.claim_command('ops/pad7', 9)",
    "what is unfinished": "SELECT * FROM pumpjack.unfinished_commands('ops/pad7', 9)",
    "an end of a command": "SELECT pumpjack.tell_command(gen_random_uuid(), 'verified')",
    "a batch": (
        "SELECT pumpjack.write_batch(gen_random_uuid(), 0, 1, '{}', '{}', '{}', '{}', NULL, '[]')"
    ),
}


@pytest.fixture
async def victim(database: Database) -> Worker:
    """A worker of bakken, with an alarm that is raised and a command that is approved."""
    worker = await database.worker("bakken")
    await declare(worker, tag(0, HI, write=Write(low=0.0, high=9.0)))
    await tell(worker, hi(True))
    async with Desk.open(database, "bakken") as desk:
        assert (await desk.request(5.0))["code"] is None
    return worker


@pytest.fixture
async def thief(database: Database, victim: Worker) -> Worker:
    """A worker of permian whose connection has the same name."""
    return await database.worker("permian", name=victim.name)


@pytest.fixture
async def login(database: Database, thief: Worker) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.login(writer_role("permian")))
    yield connection
    await connection.close()


async def unharmed(database: Database) -> None:
    """bakken has what it had."""
    view = "SELECT state, version FROM pumpjack.scada_alarms"
    assert await database.read(view, tenant_id="bakken") == [("unacknowledged", 1)]
    states = await database.read("SELECT state FROM pumpjack.scada_commands", tenant_id="bakken")
    assert states == [("approved",)]
    heads = "SELECT event_no, change_no FROM pumpjack.scada_heads"
    assert await database.read(heads, tenant_id="bakken") == [(1, 3)]
    declared = "SELECT tag_name, connection_writes FROM pumpjack.scada_tag_definitions"
    assert await database.read(declared, tenant_id="bakken") == [("tag-0", True)]
    assert (await verify(database.admin, "bakken")).problems == ()


async def test_a_writer_reaches_nothing_inside_and_nothing_of_the_gateway(
    database: Database, login: asyncpg.Connection
) -> None:
    await assert_refused(login, INSIDE)
    await assert_refused(login, OF_THE_GATEWAY)
    views = {name: f"SELECT * FROM pumpjack.scada_{name}" for name in VIEWS}
    await assert_refused(login, views)
    await unharmed(database)


async def test_the_gateway_reaches_nothing_inside_and_nothing_of_a_worker(
    database: Database, victim: Worker
) -> None:
    async with Desk.open(database) as desk:
        inside = {name: sql for name, sql in INSIDE.items() if name != "the audit's ends"}
        await assert_refused(desk.connection, inside)
        await assert_refused(desk.connection, OF_THE_WORKER)
        views = {name: f"SELECT * FROM pumpjack.scada_{name}" for name in VIEWS}
        await assert_refused(desk.connection, views)
    await unharmed(database)


async def test_a_reader_sees_its_own_tenants_only(database: Database, victim: Worker) -> None:
    await database.tenant("permian")
    for view in VIEWS:
        query = f"SELECT * FROM pumpjack.scada_{view}"
        assert await database.read(query) == [], view
        assert await database.read(query, tenant_id="bakken") != [], view
    # Were it tried on the other tenant's row, it would divide by zero.
    for query in (
        "SELECT 1 FROM pumpjack.scada_alarms WHERE 1 / (version - 1) = 1",
        "SELECT 1 FROM pumpjack.scada_events WHERE 1 / (event_no - 1) = 1",
        "SELECT 1 FROM pumpjack.scada_commands WHERE 1 / (value - 5)::int = 1",
        "SELECT 1 FROM pumpjack.scada_heads WHERE 1 / (event_no - 1) = 1",
        "SELECT 1 FROM pumpjack.scada_tag_definitions WHERE 1 / write_low = 1",
    ):
        assert await database.read(query) == []


async def test_a_writer_cannot_raise_or_remove_an_alarm_of_another(
    database: Database, victim: Worker, thief: Worker
) -> None:
    thief.tags = victim.tags
    with pytest.raises(StorageError, match="no series of this connection"):
        await tell(thief, hi(False))
    thief.journal = victim.journal
    with pytest.raises(StorageError, match="not open for this login"):
        await tell(thief, hi(False), prev=1)
    await declare(thief, fence=99, writes=False)
    with pytest.raises(asyncpg.PostgresError, match="not named after its tenant"):
        await thief.ingest._connection.fetchval(
            "SELECT pumpjack.declare_tags($1, 99, $2)",
            thief.name,
            json.dumps(
                [
                    {
                        "well": "well-1",
                        "tag": "tag-0",
                        "alarms": [{"condition": "hi", "alarmId": THEIRS}],
                    }
                ]
            ),
        )
    await unharmed(database)


async def test_a_writer_cannot_claim_see_or_end_a_command_of_another(
    database: Database, victim: Worker, thief: Worker
) -> None:
    connection = thief.ingest._connection
    claim = "SELECT * FROM pumpjack.claim_command($1, 99)"
    assert await connection.fetch(claim, thief.name) == []
    sent = await victim.ingest._connection.fetchrow(claim, victim.name)
    assert sent is not None
    unfinished = "SELECT * FROM pumpjack.unfinished_commands($1, 99)"
    assert await connection.fetch(unfinished, thief.name) == []
    for command in (sent["command_id"], uuid4()):
        with pytest.raises(asyncpg.PostgresError, match=f"the command {command} is not known"):
            await connection.fetchval("SELECT pumpjack.tell_command($1, 'refused')", command)
    states = await database.read("SELECT state FROM pumpjack.scada_commands", tenant_id="bakken")
    assert states == [("sent",)]


async def test_people_of_one_tenant_reach_nothing_of_another(
    database: Database, victim: Worker, thief: Worker
) -> None:
    async with Desk.open(database, "permian") as desk:
        for action in ("acknowledged", "shelved", "out_of_service", "reset"):
            [row] = await desk.act(action, [THEIRS])
            assert (row["code"], row["state"], row["version"]) == ("unknown", None, None)
        [(command,)] = await database.read(
            "SELECT command_id FROM pumpjack.scada_commands", tenant_id="bakken"
        )
        assert (await desk.decide(command, False))["code"] == "PJ032"
        refused = await desk.request(5.0)
        assert refused["problem"] == "there is no tag tag-0 of a well well-1"
        none = await desk.request(5.0, "key-2", well="no-such-well")
        assert none["code"] == refused["code"], "as if it did not exist"
    await unharmed(database)


async def test_settings_of_the_session_do_not_bend_the_functions(
    database: Database, thief: Worker
) -> None:
    connection = thief.ingest._connection
    for setting in (
        "search_path = pg_temp, public",
        "timezone = 'Pacific/Kiritimati'",
        "datestyle = 'German'",
        "bytea_output = 'escape'",
        "extra_float_digits = -15",
        "default_transaction_isolation = 'serializable'",
        "plan_cache_mode = 'force_custom_plan'",
    ):
        await connection.execute(f"SET {setting}")
    table = (
        Tag("well-1", "tag-0", "holding:0", "float32", 1.0, "psi", alarms=(HI,), low=0.1),
        tag(1),
    )
    assert await declare(thief, *table) == 2
    now = now_us()
    await tell(thief, hi(True, now, 1 / 3))
    assert await database.read(
        "SELECT alarm_id, state, value, (extract(epoch FROM since) * 1000000)::bigint"
        " FROM pumpjack.scada_alarms"
    ) == [(alarm_id("permian", "ops/pad7", "well-1", "tag-0", "hi"), "unacknowledged", 1 / 3, now)]
    assert (await verify(database.admin, "permian")).problems == ()
