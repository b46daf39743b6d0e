"""The audit log: a chain that shows what was done to it, and what retention may cut off."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from pumpjack_core.storage.audit import START, Head, Kept, Row, entries, follow, tenants, verify
from pumpjack_core.storage.migrate import load, migrate
from pumpjack_core.storage.roles import GATEWAY_ROLE, MAINTAIN_ROLE, OPERATOR_ROLE
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)
APPEND = "SELECT pumpjack.audit($1, $2, $3, 'ok', $4)"


async def append(database: Database, count: int = 6, tenant_id: str = "permian") -> None:
    for number in range(count):
        detail = f'{{"n": {number}, "ratio": 1.50, "why": "größer \\"x\\""}}'
        await database.admin.execute(APPEND, tenant_id, f"ann-{number}", "sign-in", detail)


async def problems(database: Database, head: Head | None = None) -> tuple[str, ...]:
    return (await verify(database.admin, "permian", head)).problems


@every_level
async def test_a_log_that_nobody_touched_is_whole(database: Database) -> None:
    await append(database)
    await append(database, 2, "bakken")
    verdict = await verify(database.admin, "permian")
    assert (verdict.rows, verdict.problems, verdict.head.audit_no) == (6, (), 6)
    heads = await database.admin.fetch("SELECT * FROM pumpjack.audit_heads()")
    assert [(row["tenant_id"], row["audit_no"]) for row in heads] == [("bakken", 2), ("permian", 6)]
    assert heads[1]["hash"] == verdict.head.hash.hex()
    assert Head.parse(f" {verdict.head}\n") == verdict.head
    assert await tenants(database.admin) == ["bakken", "permian"]
    listed = await entries(database.admin, "permian", limit=2, before=5)
    assert [(entry.audit_no, entry.actor, entry.detail["n"]) for entry in listed] == [
        (4, "ann-3", 3),
        (3, "ann-2", 2),
    ]
    assert await entries(database.admin, "permian", action="command") == []


TAMPERING = {
    "a changed actor": (
        "UPDATE pumpjack.audit_logs SET actor = 'eve' WHERE audit_no = 3",
        ("row 3 is not what it was: it was changed",),
    ),
    "a changed time": (
        "UPDATE pumpjack.audit_logs SET at = at + interval '1 microsecond' WHERE audit_no = 6",
        ("row 6 is not what it was: it was changed",),
    ),
    "a changed detail": (
        "UPDATE pumpjack.audit_logs SET detail = detail - 'why' WHERE audit_no = 1",
        ("row 1 is not what it was: it was changed",),
    ),
    "a changed row with a hash of its own": (
        "UPDATE pumpjack.audit_logs SET actor = 'eve', hash = sha256(prev_hash || convert_to("
        "pumpjack.audit_text(tenant_id, audit_no, at, 'eve', action, outcome, detail), 'UTF8'))"
        " WHERE audit_no = 3",
        ("row 4 does not follow on the row before it: one of them was changed",),
    ),
    "a removed row": (
        "DELETE FROM pumpjack.audit_logs WHERE audit_no = 4",
        ("row 4 was removed",),
    ),
    "several removed rows": (
        "DELETE FROM pumpjack.audit_logs WHERE audit_no IN (2, 3, 5)",
        ("rows 2 to 3 were removed", "row 5 was removed"),
    ),
    "a removed beginning": (
        "DELETE FROM pumpjack.audit_logs WHERE audit_no < 3",
        ("rows 1 to 2 were removed",),
    ),
    "a removed end": (
        "DELETE FROM pumpjack.audit_logs WHERE audit_no > 4",
        ("rows 5 to 6 were cut off at the end",),
    ),
    "two rows exchanged": (
        "UPDATE pumpjack.audit_logs AS a SET actor = b.actor, at = b.at, detail = b.detail"
        " FROM pumpjack.audit_logs AS b"
        " WHERE a.audit_no IN (2, 4) AND b.audit_no IN (2, 4) AND a.audit_no <> b.audit_no",
        (
            "row 2 is not what it was: it was changed",
            "row 4 is not what it was: it was changed",
        ),
    ),
    "two numbers exchanged": (
        "DROP INDEX pumpjack.audit_logs_by_number;"
        " UPDATE pumpjack.audit_logs SET audit_no = 6 - audit_no WHERE audit_no IN (2, 4)",
        (
            "row 2 does not follow on the row before it: one of them was changed",
            "row 2 is not what it was: it was changed",
            "row 3 does not follow on the row before it: one of them was changed",
            "row 4 does not follow on the row before it: one of them was changed",
            "row 4 is not what it was: it was changed",
            "row 5 does not follow on the row before it: one of them was changed",
        ),
    ),
    "a row twice": (
        "DROP INDEX pumpjack.audit_logs_by_number; ALTER TABLE pumpjack.audit_logs DISABLE TRIGGER"
        " chain; INSERT INTO pumpjack.audit_logs (at, tenant_id, actor, action, outcome, detail,"
        " audit_no, prev_hash, hash) SELECT at, tenant_id, actor, action, outcome, detail,"
        " audit_no, prev_hash, hash FROM pumpjack.audit_logs WHERE audit_no = 6",
        ("row 6 is there more than once, or should have gone with a cut",),
    ),
    "everything removed": (
        "DELETE FROM pumpjack.audit_logs",
        ("rows 1 to 6 were cut off at the end",),
    ),
    "the head removed": (
        "DELETE FROM pumpjack.audit_head",
        ("the record of where the chain ends is gone",),
    ),
    "an anchor made by hand": (
        "INSERT INTO pumpjack.audit_anchor SELECT tenant_id, audit_no, hash FROM"
        " pumpjack.audit_logs WHERE audit_no = 3; DELETE FROM pumpjack.audit_logs"
        " WHERE audit_no <= 3",
        (
            "the rows up to 3 went without a row that says so: "
            "it was not pumpjack maintain that removed them",
        ),
    ),
}


@plain
@pytest.mark.parametrize("done", TAMPERING)
async def test_what_was_done_to_it_shows(database: Database, done: str) -> None:
    await append(database)
    assert await problems(database) == ()
    tampering, says = TAMPERING[done]
    await database.admin.execute(tampering)
    assert await problems(database) == says


def rewriting(change: str, after: int) -> str:
    """SQL of somebody who may do anything: change rows, and mend the chain behind a number."""
    return f"""
        DO $$
        DECLARE
            v pumpjack.audit_logs;
            v_hash bytea := decode(repeat('00', 32), 'hex');
        BEGIN
            UPDATE pumpjack.audit_logs SET {change};
            v_hash := coalesce(
                (SELECT hash FROM pumpjack.audit_logs WHERE audit_no = {after}), v_hash);
            FOR v IN SELECT * FROM pumpjack.audit_logs WHERE audit_no > {after} ORDER BY audit_no
            LOOP
                UPDATE pumpjack.audit_logs SET prev_hash = v_hash, hash = sha256(v_hash ||
                    convert_to(pumpjack.audit_text(v.tenant_id, v.audit_no, v.at, v.actor, v.action,
                                                   v.outcome, v.detail), 'UTF8'))
                WHERE audit_id = v.audit_id RETURNING hash INTO v_hash;
            END LOOP;
            UPDATE pumpjack.audit_head SET hash = v_hash;
        END
        $$
    """


@plain
async def test_a_chain_rewritten_to_its_end_shows_against_a_head_kept_elsewhere(
    database: Database,
) -> None:
    await append(database)
    kept = (await verify(database.admin, "permian")).head
    await append(database, 1)
    assert await problems(database, kept) == ()
    await database.admin.execute(rewriting("actor = 'eve' WHERE audit_no = 3", after=2))
    assert await problems(database) == (), "by itself it cannot tell"
    assert await problems(database, kept) == (
        "row 6 had another hash once: the chain was rewritten",
    )


@plain
async def test_a_log_that_was_removed_as_a_whole_is_missed_where_it_had_to_be(
    database: Database,
) -> None:
    await database.worker()  # it has a connection with tags
    await append(database)
    for table in ("audit_logs", "audit_head", "audit_anchor"):
        await database.admin.execute(f"DELETE FROM pumpjack.{table}")
    assert await tenants(database.admin) == ["permian"]
    (problem,) = await problems(database)
    assert problem.endswith("the whole log was removed")
    assert (await verify(database.admin, "bakken")).problems == (), "it never did anything"


@plain
async def test_an_end_that_was_cut_off_with_its_record_shows_against_a_head_kept_elsewhere(
    database: Database,
) -> None:
    await append(database)
    kept = (await verify(database.admin, "permian")).head
    await database.admin.execute(
        "DELETE FROM pumpjack.audit_logs WHERE audit_no > 4; UPDATE pumpjack.audit_head AS h"
        " SET audit_no = 4, hash = (SELECT a.hash FROM pumpjack.audit_logs AS a WHERE audit_no = 4)"
    )
    assert await problems(database) == ()
    assert await problems(database, kept) == (
        "row 6 was there once and is no more: the end was cut off",
    )


async def age(database: Database, until: int, days: int) -> None:
    """Rows up to a number are so old, and their chain is as if it had been so from the start."""
    older = f"at = at - interval '{days} days' WHERE audit_no <= {until}"
    await database.admin.execute(rewriting(older, after=0))


@every_level
async def test_retention_cuts_the_beginning_off_and_says_so_in_the_chain(
    database: Database,
) -> None:
    await append(database)
    await age(database, 4, 800)
    before = await verify(database.admin, "permian")
    assert before.problems == ()
    assert (await database.maintain()).removed == 4
    verdict = await verify(database.admin, "permian", before.head)
    assert (verdict.problems, verdict.notes, verdict.rows) == ((), (), 3)
    assert verdict.anchor is not None and verdict.anchor.audit_no == 4
    [cut] = await entries(database.admin, "permian", action="audit.")
    assert (cut.actor, cut.action, cut.detail["auditNo"], cut.detail["rows"]) == (
        *("pumpjack_maintain", "audit.cut", 4, 4),
    )
    old = Head(4, before.head.hash)
    assert (await verify(database.admin, "permian", old)).problems == (
        "row 4 had another hash once: the chain was rewritten",
    )
    assert (await verify(database.admin, "permian", Head(2, START))).notes == (
        "row 2 went with a cut; the head that was kept is too old to compare"
        "; with its time (N:HASH@TIME) it could be told if then",
    )
    aged = Kept(Head(2, START), datetime.now(UTC) - timedelta(days=800))
    verdict = await verify(database.admin, "permian", aged)
    assert (verdict.problems, len(verdict.notes)) == ((), 1), "that was its time"
    await database.admin.execute("DELETE FROM pumpjack.audit_logs WHERE audit_no = 5")
    assert await problems(database) == ("row 5 was removed",), "beside what was cut off"


FORGED_CUT = """
    INSERT INTO pumpjack.audit_anchor SELECT tenant_id, audit_no, hash FROM pumpjack.audit_logs
    WHERE audit_no = 6;
    DELETE FROM pumpjack.audit_logs WHERE audit_no <= 6;
    INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
    SELECT tenant_id, 'pumpjack_maintain', 'audit.cut', 'done', jsonb_build_object(
        'auditNo', audit_no, 'hash', encode(hash, 'hex'), 'rows', 6) FROM pumpjack.audit_anchor
"""


@plain
@pytest.mark.parametrize("number", [4, 6])
async def test_a_cut_that_came_too_early_shows_against_a_head_with_its_time(
    database: Database, number: int
) -> None:
    await append(database, number)
    [head] = await database.admin.fetch("SELECT * FROM pumpjack.audit_heads()")
    kept = Kept.parse(f"{head['audit_no']}:{head['hash']}@{head['at']:%FT%TZ}")
    await append(database, 6 - number)
    await database.admin.execute(FORGED_CUT)
    assert await problems(database) == (), "by itself it cannot tell"
    says = (
        f"row {number} is of {head['at']:%FT%TZ} and had to stay for 730 days; "
        "it went with a cut that retention did not make",
    )
    assert (await verify(database.admin, "permian", kept)).problems == says
    await database.admin.execute("UPDATE pumpjack.settings SET audit_days = 1, event_days = 1")
    kept = Kept(kept.head, head["at"] - timedelta(days=3))
    assert (await verify(database.admin, "permian", kept)).problems == ()
    known = await verify(database.admin, "permian", kept, audit_days=730)
    assert len(known.problems) == 1, "who does not trust the settings says how long"


@plain
async def test_retention_waits_until_a_day_is_worth_a_cut(database: Database) -> None:
    await append(database)
    await age(database, 4, 730)
    assert (await database.maintain()).removed == 0
    await age(database, 1, 2)
    assert (await database.maintain()).removed == 4
    assert await problems(database) == ()
    assert (await database.maintain()).removed == 0


@plain
async def test_a_second_cut_goes_on_where_the_first_ended(database: Database) -> None:
    await append(database)
    await database.admin.execute("UPDATE pumpjack.settings SET audit_days = 1")
    for until in (2, 4):
        await database.admin.execute(
            "UPDATE pumpjack.audit_logs SET at = at - interval '3 days' WHERE audit_no <= $1", until
        )
        assert (await database.maintain()).removed == 2
    verdict = await verify(database.admin, "permian")
    assert (verdict.problems, verdict.rows) == ((), 4)
    cuts = await entries(database.admin, "permian", action="audit.cut")
    assert [cut.detail["auditNo"] for cut in cuts] == [4, 2]


@plain
async def test_many_at_once_append_without_holes(database: Database) -> None:
    async def write(number: int) -> None:
        connection = await asyncpg.connect(database.login(GATEWAY_ROLE))
        for turn in range(15):
            await connection.execute(APPEND, "permian", f"p{number}", f"turn-{turn}", "{}")
        await connection.close()

    await asyncio.gather(*(write(number) for number in range(5)))
    verdict = await verify(database.admin, "permian")
    assert (verdict.rows, verdict.problems) == (75, ())


@plain
async def test_what_is_rolled_back_leaves_no_hole(database: Database) -> None:
    await append(database, 1)
    transaction = database.admin.transaction()
    await transaction.start()
    await append(database, 2)
    await transaction.rollback()
    await append(database, 1)
    verdict = await verify(database.admin, "permian")
    assert (verdict.rows, verdict.problems) == (2, ())


@plain
async def test_verifying_reads_a_log_of_any_length(database: Database) -> None:
    await database.admin.execute(
        "SELECT pumpjack.audit('permian', 'ann', 'sign-in', 'ok') FROM generate_series(1, 4500)"
    )
    verdict = await verify(database.admin, "permian")
    assert (verdict.rows, verdict.problems) == (4500, ())


@plain
async def test_a_log_from_before_the_chain_becomes_its_beginning(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = load()
    older = tuple(file for file in files if file.number < 19)
    monkeypatch.setattr("pumpjack_core.storage.migrate.load", lambda: older)
    await migrate(fresh_url)
    monkeypatch.undo()
    connection = await asyncpg.connect(fresh_url)
    for tenant in ("permian", "bakken", "permian"):
        await connection.execute(APPEND, tenant, "ann", "sign-in", '{"a": 1}')
    await migrate(fresh_url)
    await connection.execute(APPEND, "permian", "ann", "sign-out", "{}")
    verdicts = [await verify(connection, tenant) for tenant in ("permian", "bakken")]
    assert [(verdict.rows, verdict.problems) for verdict in verdicts] == [(3, ()), (1, ())]
    await connection.close()


@plain
async def test_only_the_platform_reads_it_and_nobody_writes_past_the_chain(
    database: Database,
) -> None:
    await database.tenant()
    await append(database)
    operator = await asyncpg.connect(database.login(OPERATOR_ROLE))
    assert (await verify(operator, "permian")).problems == ()
    await operator.close()
    for login in (OPERATOR_ROLE, GATEWAY_ROLE, MAINTAIN_ROLE):
        connection = await asyncpg.connect(database.login(login))
        for sql in (
            "UPDATE pumpjack.audit_logs SET actor = 'eve'",
            "DELETE FROM pumpjack.audit_logs",
            "INSERT INTO pumpjack.audit_logs (tenant_id, actor) VALUES ('permian', 'eve')",
            "UPDATE pumpjack.audit_head SET audit_no = 0",
            "INSERT INTO pumpjack.audit_anchor VALUES ('permian', 1, '')",
            "SELECT pumpjack.cut_audit('permian', 'infinity', 9)",
            "ALTER TABLE pumpjack.audit_logs DISABLE TRIGGER chain",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
        await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.read("SELECT * FROM pumpjack.audit_logs")


def row(number: int, prev: bytes, **changed: Any) -> Row:
    made = Row(number, "permian", 1_700_000_000_000_000, "ann", "a", "ok", "{}", prev, b"")
    fields = {name: getattr(made, name) for name in Row.__struct_fields__} | changed
    made = Row(**fields)
    return Row(**(fields | {"hash": made.own_hash}))


def test_no_two_rows_have_the_same_text() -> None:
    one = row(1, START, actor="ann", action="sign-in").text
    assert one == "7:permian1:116:17000000000000003:ann7:sign-in2:ok2:{}"
    assert one != row(1, START, actor="an", action="nsign-in").text
    assert row(1, START, actor="Ö").text.count("2:Ö") == 1, "lengths are in bytes"


def test_a_row_that_tells_of_a_cut_without_saying_which_is_named() -> None:
    odd = row(1, START, action="audit.cut", detail='{"auditNo": "x"}')
    verdict = follow([odd], tenant_id="permian", head=Head(1, odd.hash))
    assert verdict.problems == ("row 1 tells of a cut, and not of which",)


def test_the_hash_is_of_the_one_before_and_the_text() -> None:
    first = row(1, START)
    assert first.hash == hashlib.sha256(START + first.text.encode()).digest()
    second = row(2, first.hash)
    whole = follow([first, second], tenant_id="permian", head=Head(2, second.hash))
    assert (whole.rows, whole.problems) == (2, ())


@pytest.mark.parametrize(
    "text", ["", "12", "12:", "x:" + "a" * 64, "12:" + "g" * 64, "-1:" + "a" * 64]
)
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no head; one is a number"):
        Head.parse(text)


@pytest.mark.parametrize("time", ["noon", "2026-01-31T06:30:00", "2026-13-01T00:00:00Z"])
def test_a_head_whose_time_is_none_is_refused(time: str) -> None:
    with pytest.raises(ValueError, match="is no time of a head"):
        Kept.parse("1:" + "a" * 64 + "@" + time)
