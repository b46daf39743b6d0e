"""`pumpjack audit`: who did what, and whether somebody changed it afterwards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant
from tests.cli.command import Done, run

pytestmark = pytest.mark.servers
NAME = "cli_audit"
Change = Callable[[asyncpg.Connection], Awaitable[object]]


def administer(postgres: EmbeddedPostgres, change: Change, database: str = NAME) -> object:
    """Do something as the administrator, who may do everything."""

    async def administered() -> object:
        connection = await asyncpg.connect(postgres.url(database))
        try:
            return await change(connection)
        finally:
            await connection.close()

    return asyncio.run(administered())


async def fill(connection: asyncpg.Connection) -> None:
    for tenant in ("permian", "bakken"):
        await ensure_tenant(connection, tenant)
    for number in range(8):
        await connection.execute(
            "SELECT pumpjack.audit($1, 'ann', 'command.request', 'refused', $2::text::jsonb)",
            "permian",
            json.dumps({"problem": f"number {number}"}),
        )
    await connection.execute("SELECT pumpjack.audit('bakken', 'bob', 'sign-in', 'ok')")


@pytest.fixture
def url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database with an audit log of two tenants."""
    administer(postgres, lambda c: c.execute(f"CREATE DATABASE {NAME}"), "postgres")
    asyncio.run(migrate(postgres.url(NAME)))
    administer(postgres, fill)
    yield postgres.url(NAME)
    administer(postgres, lambda c: c.execute(f"DROP DATABASE {NAME} WITH (FORCE)"), "postgres")


def verify(url: str, *more: str) -> Done:
    return run("audit", "verify", "--database-url", url, *more)


def head_of(postgres: EmbeddedPostgres) -> str:
    found = administer(
        postgres,
        lambda c: c.fetchval(
            "SELECT audit_no || ':' || hash || to_char(at AT TIME ZONE 'UTC', "
            '\'"@"YYYY-MM-DD"T"HH24:MI:SS"Z"\') FROM pumpjack.audit_heads() '
            "WHERE tenant_id = 'permian'"
        ),
    )
    return str(found)


def tamper(postgres: EmbeddedPostgres, *statements: str) -> None:
    async def change(connection: asyncpg.Connection) -> None:
        for statement in statements:
            await connection.execute(statement)

    administer(postgres, change)


def test_a_log_that_nobody_touched_is_whole(url: str, postgres: EmbeddedPostgres) -> None:
    done = verify(url)
    assert done.code == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["bakken", "permian"]
    assert done.stdout.count(": whole") == 2
    with_head = verify(url, "--tenant", "permian", "--head", head_of(postgres))
    assert with_head.code == 0, with_head.stdout


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE pumpjack.audit_logs SET actor = 'eve' "
            "WHERE tenant_id = 'permian' AND audit_no = 5",
            "row 5 is not what it was: it was changed",
        ),
        (
            "DELETE FROM pumpjack.audit_logs WHERE tenant_id = 'permian' AND audit_no IN (3, 4)",
            "rows 3 to 4 were removed",
        ),
        (
            "DELETE FROM pumpjack.audit_logs WHERE tenant_id = 'permian' AND audit_no >= 7",
            "rows 7 to 8 were cut off at the end",
        ),
    ],
    ids=["changed", "removed", "cut off"],
)
def test_what_was_done_to_it_is_found_and_where(
    url: str, postgres: EmbeddedPostgres, statement: str, said: str
) -> None:
    tamper(postgres, statement)
    done = verify(url)
    assert done.code == 1
    assert said in done.stdout
    assert "bakken: 1 entries" in done.stdout
    assert "permian" in next(line for line in done.stdout.splitlines() if "NOT WHOLE" in line)


def test_a_chain_that_was_made_anew_is_found_by_a_head_that_was_kept_elsewhere(
    url: str, postgres: EmbeddedPostgres
) -> None:
    kept = head_of(postgres)
    tamper(
        postgres,
        "DELETE FROM pumpjack.audit_logs WHERE tenant_id = 'permian'",
        "DELETE FROM pumpjack.audit_head WHERE tenant_id = 'permian'",
        *["SELECT pumpjack.audit('permian', 'ann', 'sign-in', 'ok')"] * 8,
    )
    assert verify(url).code == 0
    done = verify(url, "--tenant", "permian", "--head", kept, "--output", "json")
    assert done.code == 1
    (found,) = json.loads(done.stdout)["tenants"]
    assert not found["whole"]
    assert "the chain was rewritten" in found["problems"][0]


def test_the_end_that_was_cut_off_with_its_record_is_found_by_a_kept_head(
    url: str, postgres: EmbeddedPostgres
) -> None:
    kept = head_of(postgres)
    tamper(
        postgres,
        "DELETE FROM pumpjack.audit_logs WHERE tenant_id = 'permian' AND audit_no = 8",
        "UPDATE pumpjack.audit_head AS h SET audit_no = 7, hash = l.hash FROM pumpjack.audit_logs "
        "AS l WHERE h.tenant_id = 'permian' AND l.tenant_id = 'permian' AND l.audit_no = 7",
    )
    assert verify(url).code == 0
    done = verify(url, "--tenant", "permian", "--head", kept)
    assert done.code == 1
    assert "row 8 was there once and is no more" in done.stdout


def test_a_cut_made_by_hand_is_found_by_a_head_that_had_to_stay(
    url: str, postgres: EmbeddedPostgres
) -> None:
    kept = head_of(postgres)
    tamper(
        postgres,
        "INSERT INTO pumpjack.audit_anchor SELECT tenant_id, audit_no, hash "
        "FROM pumpjack.audit_head WHERE tenant_id = 'permian'",
        "DELETE FROM pumpjack.audit_logs WHERE tenant_id = 'permian'",
        "SELECT pumpjack.audit(tenant_id, 'pumpjack_maintain', 'audit.cut', 'done', "
        "jsonb_build_object('auditNo', audit_no, 'hash', encode(hash, 'hex'))) "
        "FROM pumpjack.audit_anchor",
    )
    assert verify(url).code == 0
    done = verify(url, "--tenant", "permian", "--head", kept)
    assert done.code == 1
    assert "it went with a cut that retention did not make" in done.stdout
    assert verify(url, "--tenant", "permian", "--head", kept, "--audit-days", "30").code == 1


def test_the_newest_entries_are_listed_first(url: str) -> None:
    done = run("audit", "list", "--tenant", "permian", "--rows", "2", "--database-url", url)
    assert done.code == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "command.request  refused" in first
    assert '"number 7"' in first
    assert '"number 6"' in second
    listed = run(
        *("audit", "list", "--tenant", "permian", "--before", "3", "--action", "command."),
        *("--output", "json", "--database-url", url),
    )
    entries = json.loads(listed.stdout)["entries"]
    assert [one["detail"]["problem"] for one in entries] == ["number 1", "number 0"]


def test_a_tenant_without_a_log_and_a_head_that_is_none(url: str) -> None:
    done = verify(url, "--tenant", "nobody")
    assert (done.code, "'nobody' has no audit log" in done.stderr) == (1, True)
    assert verify(url, "--head", "8:" + "ab" * 32).code == 2
    assert verify(url, "--tenant", "permian", "--head", "8:short").code == 2


def test_a_database_that_is_away_and_a_login_that_may_not(
    url: str, postgres: EmbeddedPostgres
) -> None:
    away = verify("postgresql://nobody@127.0.0.1:9/none")
    assert (away.code, away.stderr.count("\n")) == (1, 1)
    login = verify(postgres.url(NAME, "pumpjack_gateway"))
    assert (login.code, login.stderr.count("\n")) == (1, 1)
    assert "this is a fault of pumpjack" not in login.stderr
