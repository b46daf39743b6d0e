"""A tenant's stolen login reaches that tenant alone: what it tries, and that it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pumpjack_core.errors import StorageError
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import reader_role, writer_role
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import DAY_US, Database, Worker, now_us

pytestmark = pytest.mark.parametrize("level", LEVELS[:1])

OWN_CODE = {
    "a temporary table": "CREATE TEMPORARY TABLE stage (tag_id int)",
    "a temporary table by name": "CREATE TABLE pg_temp.series (tag_id int)",
    "a temporary view": "CREATE TEMPORARY VIEW series AS SELECT 1 AS tag_id",
    "a temporary function": "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a schema": "CREATE SCHEMA mine",
    "a table in public": "CREATE TABLE public.series (tag_id int)",
    "a view in pumpjack": "CREATE VIEW pumpjack.mine AS SELECT 1",
    "a function in public": "CREATE FUNCTION public.now() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "an operator": "CREATE OPERATOR public.= (LEFTARG = int, RIGHTARG = text, FUNCTION = texteq)",
    "a cast": "CREATE CAST (bigint AS timestamptz) WITH INOUT AS IMPLICIT",
    "a type": "CREATE TYPE public.t AS (a int)",
    "a policy": "CREATE POLICY p ON pumpjack.reading USING (true)",
    "a trigger": (
        "CREATE TRIGGER t BEFORE INSERT ON pumpjack.reading"
        " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "a rule": "CREATE RULE r AS ON INSERT TO pumpjack.reading DO INSTEAD NOTHING",
    "an index": "CREATE INDEX ON pumpjack.series (length(tag_name))",
    "an extension": "CREATE EXTENSION dblink",
    "a database": "CREATE DATABASE mine",
    "a role": "CREATE ROLE mine",
    "a program on the server": "COPY (SELECT 1) TO PROGRAM 'true'",
    "a file of the server": "SELECT pg_read_file('/etc/passwd')",
}
OTHERS = {
    "the readings": "SELECT * FROM pumpjack.reading",
    "the series": "SELECT * FROM pumpjack.series",
    "the tenants": "SELECT * FROM pumpjack.tenant",
    "the cursors": "UPDATE pumpjack.ingest_cursor SET seq = 0",
    "the settings": "UPDATE pumpjack.settings SET raw_days = 4",
    "a lock on the readings": "DO $$ BEGIN LOCK TABLE pumpjack.reading; END $$",
    "a lock on the upkeep": "SELECT * FROM pumpjack.upkeep FOR UPDATE",
    "passwords": "SELECT * FROM pg_authid",
    "the owner's role": "SET ROLE pumpjack_owner",
    "the role of all writers": "SET ROLE pumpjack_writer",
    "the gateway's role": "SET ROLE pumpjack_gateway",
    "another tenant's reader": f"SET ROLE {reader_role('bakken')}",
    "another tenant's writer": f"SET SESSION AUTHORIZATION {writer_role('bakken')}",
    "membership": f"GRANT {reader_role('bakken')} TO CURRENT_USER",
    "another's audit entry": "SELECT pumpjack.audit('bakken', 'me', 'sign-in', 'ok')",
    "onboarding": "SELECT pumpjack.ensure_tenant('bakken', 'mine')",
    "the roll-up": "SELECT pumpjack.roll_up(1)",
    "the quarantine": "SELECT pumpjack.put_in_quarantine(1, 1, '{1}', '{1}', '{x}', '{x}')",
    "the partitions": "SELECT pumpjack.drop_partitions('reading', 'day', 'infinity')",
    "triggers switched off": "SET session_replication_role = replica",
}


@pytest.fixture
async def victim(database: Database) -> Worker:
    worker = await database.worker("bakken")
    await worker.write([(now_us(), 0, 5.0)])
    return worker


@pytest.fixture
async def writer(database: Database, victim: Worker) -> AsyncIterator[asyncpg.Connection]:
    await database.worker("permian")
    connection = await asyncpg.connect(database.login(writer_role("permian")))
    yield connection
    await connection.close()


@pytest.fixture
async def reader(database: Database, victim: Worker) -> AsyncIterator[asyncpg.Connection]:
    """A reader that was let log in, for reports: more than the gateway's SET ROLE can be asked."""
    await database.tenant("permian")
    role = reader_role("permian")
    await database.admin.execute(f"ALTER ROLE {role} LOGIN")
    connection = await asyncpg.connect(database.login(role))
    yield connection
    await connection.close()
    await database.admin.execute(f"ALTER ROLE {role} NOLOGIN")


async def assert_refused(connection: asyncpg.Connection, attempts: dict[str, str]) -> None:
    got_through = []
    for name, sql in attempts.items():
        try:
            await connection.execute(sql)
        except asyncpg.InsufficientPrivilegeError:
            continue
        except asyncpg.PostgresError as error:
            got_through.append(f"{name}: stopped, but by {error!r}")
        else:
            got_through.append(name)
    assert got_through == []


async def test_a_writer_can_make_nothing_that_our_functions_could_run(
    writer: asyncpg.Connection,
) -> None:
    await assert_refused(writer, OWN_CODE)


async def test_a_writer_reaches_nothing_but_its_functions(
    writer: asyncpg.Connection,
) -> None:
    await assert_refused(writer, OTHERS)
    await assert_refused(writer, {"reading": "SELECT * FROM pumpjack.scada_readings"})
    allowed = await writer.fetch(
        "SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'pumpjack'::regnamespace"
        " AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1"
    )
    names = [row[0] for row in allowed]
    assert names == [
        *("claim_command", "close_journal", "declare_tags", "know_connection", "open_journal"),
        *(
            "open_journal",
            "open_journal",
            "read_until",
            "register_series",
            "take_fence",
            "tell_command",
            "tell_connection",
            "tell_restored",
        ),
        *("tell_suspended", "unfinished_commands", "write_batch", "write_batch"),
    ]


async def test_a_reader_can_make_nothing_and_reads_only_views(reader: asyncpg.Connection) -> None:
    await assert_refused(reader, OWN_CODE)
    await assert_refused(reader, OTHERS)
    readable = await reader.fetch(
        "SELECT c.relname, c.relkind::text, c.reloptions FROM pg_class AS c"
        " WHERE c.relnamespace = 'pumpjack'::regnamespace AND c.relkind NOT IN ('i', 'I')"
        " AND has_table_privilege(c.oid, 'SELECT')"
    )
    assert all(kind == "v" and "security_barrier=true" in opts for _, kind, opts in readable)
    assert len(readable) >= 22


async def test_a_reader_sees_its_tenant_only(reader: asyncpg.Connection) -> None:
    views = await reader.fetch(
        "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'pumpjack'::regnamespace"
        " AND c.relkind = 'v' AND has_table_privilege(c.oid, 'SELECT')"
    )
    for row in views:
        assert await reader.fetch(f"SELECT * FROM pumpjack.{row[0]}") == [], row[0]


async def test_a_condition_cannot_look_at_anothers_values(reader: asyncpg.Connection) -> None:
    # Were it tried on the other tenant's reading, 5 - 5 would divide by zero.
    sql = "SELECT * FROM pumpjack.scada_readings WHERE 1 / (value - 5)::int = 1"
    assert await reader.fetch(sql) == []
    sql = "SELECT * FROM pumpjack.scada_tags WHERE tag_name::int = 1"
    assert await reader.fetch(sql) == []


async def test_a_writer_cannot_write_anothers_tags_or_journal(
    database: Database, victim: Worker
) -> None:
    thief = await database.worker("permian")
    thief.tags = victim.tags
    with pytest.raises(StorageError, match="no series of this connection"):
        await thief.write([(now_us(), 0, 1.0)])
    thief.journal = victim.journal
    with pytest.raises(StorageError, match="not open for this login"):
        await thief.write([(now_us(), 0, 1.0)])
    with pytest.raises(StorageError, match="belongs to another connection"):
        await thief.open(victim.journal)
    count = "SELECT count(*), min(value) FROM pumpjack.scada_readings"
    assert await database.read(count, tenant_id="bakken") == [(1, 5.0)]


async def test_the_same_name_of_a_connection_is_another_connection(
    database: Database, victim: Worker
) -> None:
    thief = await database.worker("permian", name=victim.name)
    assert set(thief.tags).isdisjoint(victim.tags)
    assert await victim.ingest.take_fence(victim.name, "modbus-tcp") == 2


async def test_settings_of_the_session_do_not_bend_the_functions(
    database: Database, victim: Worker
) -> None:
    thief = await database.worker("permian")
    for setting in (
        "search_path = pg_temp, public",
        "timezone = 'Pacific/Kiritimati'",
        "datestyle = 'German'",
        "intervalstyle = 'sql_standard'",
        "default_transaction_isolation = 'serializable'",
        "enable_indexscan = off",
        "plan_cache_mode = 'force_custom_plan'",
    ):
        await thief.ingest._connection.execute(f"SET {setting}")
    old = now_us() // DAY_US * DAY_US - 30 * DAY_US
    rows = [(old, 0, 1.0), (old - 1, 0, 2.0), (old, 0, 3.0)]
    written = await thief.write(rows, [(0, old, "unparsable", "x")])
    assert (written.stored, written.shifted, written.quarantined) == (3, 1, 1)
    assert await database.read("SELECT value FROM pumpjack.scada_readings ORDER BY time") == [
        (2.0,),
        (1.0,),
        (3.0,),
    ]


async def test_no_other_database_of_the_server_opens(
    database: Database, writer: asyncpg.Connection
) -> None:
    other = "another_wells"
    here = await database.admin.fetchval("SELECT current_database()")
    url = database.url.replace(f"/{here}?", f"/{other}?")
    await database.admin.execute(f"CREATE DATABASE {other}")
    try:
        await migrate(url)
        user = writer_role("permian")
        for name in (other, "postgres", "template1"):
            login = url.replace(f"/{other}?", f"/{name}?").replace("//postgres@", f"//{user}@")
            with pytest.raises(asyncpg.PostgresError, match="permission denied for database"):
                await asyncpg.connect(login)
    finally:
        await database.admin.execute(f"DROP DATABASE {other} WITH (FORCE)")


async def test_each_function_that_runs_as_its_owner_fixes_its_search_path(
    database: Database,
) -> None:
    rows = await database.admin.fetch(
        "SELECT proname, proconfig, proowner::regrole::text AS owner FROM pg_proc"
        " WHERE pronamespace = 'pumpjack'::regnamespace AND prosecdef"
    )
    assert len(rows) > 8
    for row in rows:
        path = next(item for item in row["proconfig"] if item.startswith("search_path="))
        assert path.endswith("pg_temp") and path.startswith("search_path=pg_catalog"), row
        assert row["owner"] in {"pumpjack_owner", "pumpjack_tenants"}
