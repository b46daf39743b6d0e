"""Commands: asked for and decided on; what is refused and what expires."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from pumpjack_core.tags import Tag, Write
from tests.core.storage.commands.hand import SPEED, STEPS, Hand, audited, let_expire
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker
from tests.core.storage.desk import Desk, declare, tag

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)


@every_level
async def test_a_command_goes_to_its_end_and_each_step_is_kept(
    database: Database, hand: Hand, desk: Desk
) -> None:
    asked = await desk.request(45.0)
    assert (asked["code"], asked["state"], asked["connection_id"]) == (None, "approved", "ops/pad7")
    claimed = await hand.claim()
    assert claimed is not None
    assert (claimed["command_id"], claimed["well_id"], claimed["tag_name"], claimed["value"]) == (
        *(asked["command_id"], "well-1", "tag-0", 45.0),
    )
    assert await hand.claim() is None, "claimed once"
    assert await hand.tell(asked["command_id"], "accepted", message="the device said yes")
    assert await hand.tell(asked["command_id"], "verified", read=45.0)
    assert await database.read(STEPS) == [
        (1, "requested", "ann"),
        (2, "validated", ""),
        (3, "approved", ""),
        (4, "sent", "worker"),
        (5, "accepted", "worker"),
        (6, "verified", "worker"),
    ]
    row = await database.read(
        "SELECT state, value, reason, requested_by, requested_role, detail, result, change_no,"
        " sent_at < done_at FROM pumpjack.scada_commands"
    )
    assert row == [
        (
            *("verified", 45.0, "pump too slow", "ann", "operator", '{"address": "10.1.7.9"}'),
            *('{"read": 45, "message": "the device said yes"}', 6, True),
        )
    ]
    assert await audited(database) == [
        ("ann", "command.request", "done"),
        ("worker", "command.sent", "done"),
        ("worker", "command.verified", "done"),
    ]


@plain
async def test_the_same_key_asks_once(database: Database, hand: Hand, desk: Desk) -> None:
    first = await desk.request(45.0)
    again = await desk.request(45.0, reason="I pressed twice")
    assert (again["again"], again["command_id"]) == (True, first["command_id"])
    for other in ({"value": 46.0}, {"tag": "tag-1"}, {"actor": "bob"}, {"well": "well-2"}):
        refused = await desk.request(other.pop("value", 45.0), **other)
        assert (refused["code"], refused["command_id"]) == ("PJ020", None)
    claimed = await hand.claim()
    assert claimed is not None
    await hand.tell(claimed["command_id"], "verified")
    late = await desk.request(45.0)
    assert (late["again"], late["state"]) == (True, "verified"), "never written twice"
    assert await hand.claim() is None
    assert len(await database.read("SELECT 1 FROM pumpjack.scada_commands")) == 1


@plain
async def test_asked_at_the_very_same_time_one_key_is_one_command_and_one_tag_runs_one(
    database: Database, worker: Worker
) -> None:
    async def ask(key: str) -> asyncpg.Record:
        async with Desk.open(database) as desk:
            return await desk.request(45.0, key)

    same = await asyncio.gather(*(ask("key-1") for _ in range(6)))
    assert len({row["command_id"] for row in same}) == 1
    assert [row["again"] for row in same].count(False) == 1
    others = await asyncio.gather(*(ask(f"other-{number}") for number in range(4)))
    assert {row["code"] for row in others} == {"PJ021"}
    assert others[0]["problem"] == (
        "another command on tag-0 of well-1 is running: 45 by ann, approved"
    )


@plain
@pytest.mark.parametrize(
    ("value", "other", "code", "says"),
    [
        (60.1, {}, "PJ027", "60.1 is outside of what tag-0 may be given: 10 to 60"),
        (9.9, {}, "PJ027", "outside of what tag-0 may be given"),
        (float("nan"), {}, "PJ027", "not a number"),
        (float("inf"), {}, "PJ027", "not a number"),
        (45.0, {"tag": "tag-2"}, "PJ025", "tag-2 of well-1 can only be read"),
        (45.0, {"tag": "tag-9"}, "PJ024", "there is no tag tag-9 of a well well-1"),
        (45.0, {"well": "bakken-1"}, "PJ024", "there is no tag tag-0 of a well bakken-1"),
        (45.0, {"role": "viewer"}, "PJ029", "the role viewer may not command"),
        (45.0, {"reason": " "}, "PJ031", "needs an actor, a reason"),
        (45.0, {"actor": ""}, "PJ031", "needs an actor"),
        (45.0, {"expires_s": 0.5}, "PJ031", "until it expires"),
        (45.0, {"expires_s": 3601.0}, "PJ031", "until it expires"),
        (45.0, {"key": "k" * 129}, "PJ031", "a key"),
    ],
)
async def test_what_may_not_be_commanded_is_refused_with_its_reason_and_audited(
    database: Database, desk: Desk, value: float, other: dict[str, Any], code: str, says: str
) -> None:
    elsewhere = await database.worker("bakken", well="bakken-1")
    there = Tag("bakken-1", "tag-0", "holding:0", "float32", 1.0, "psi", write=SPEED)
    await declare(elsewhere, there)
    refused = await desk.request(value, **other)
    assert (refused["code"], refused["command_id"]) == (code, None)
    assert says in refused["problem"]
    [row] = await database.admin.fetch(
        "SELECT action, outcome, detail->>'code' AS code, detail->>'well' AS well"
        " FROM pumpjack.audit_logs WHERE action LIKE 'command.%'"
    )
    assert tuple(row) == ("command.request", "refused", code, other.get("well", "well-1"))
    assert await database.read("SELECT 1 FROM pumpjack.scada_commands") == []


@plain
async def test_a_discrete_tag_takes_its_states_only(worker: Worker, desk: Desk) -> None:
    await declare(worker, tag(0, write=Write(states=(0, 1))))
    assert (await desk.request(0.5))["problem"] == (
        "0.5 is none of the values that tag-0 may be given: 0, 1"
    )
    assert (await desk.request(1.0))["code"] is None


@plain
async def test_a_connection_that_allows_no_writes_takes_no_command(
    worker: Worker, desk: Desk
) -> None:
    await declare(worker, tag(0, write=SPEED), writes=False)
    refused = await desk.request(45.0)
    assert (refused["code"], refused["problem"]) == (
        "PJ026",
        "the connection of well-1 does not allow writes",
    )


@plain
async def test_too_many_a_minute_are_refused(database: Database, hand: Hand, desk: Desk) -> None:
    await database.admin.execute("UPDATE pumpjack.settings SET commands_per_minute = 2")
    for number in range(2):
        assert (await desk.request(45.0, f"key-{number}", tag=f"tag-{number}"))["code"] is None
        claimed = await hand.claim()
        assert claimed is not None
        await hand.tell(claimed["command_id"], "verified")
    assert (await desk.request(45.0, "key-3"))["code"] == "PJ028"
    await database.admin.execute(
        "UPDATE pumpjack.commands SET requested_at = requested_at - interval '61 seconds'"
    )
    assert (await desk.request(45.0, "key-3"))["code"] is None


@plain
async def test_commands_of_times_that_are_to_come_are_of_no_minute_of_ours(
    database: Database, hand: Hand, desk: Desk
) -> None:
    """The database's clock was put back by an hour."""
    await database.admin.execute("UPDATE pumpjack.settings SET commands_per_minute = 1")
    await desk.request(45.0)
    await database.admin.execute(
        "UPDATE pumpjack.commands SET requested_at = requested_at + interval '1 hour'"
    )
    assert (await desk.request(45.0, "key-2", tag="tag-1"))["code"] is None


@plain
async def test_it_takes_a_second_person_where_that_is_required(
    database: Database, worker: Worker, hand: Hand, desk: Desk
) -> None:
    await declare(worker, tag(0, write=Write(low=0.0, high=60.0, approval="required")))
    command = (await desk.request(45.0, expires_s=5.0))["command_id"]
    assert await hand.claim() is None
    own = await desk.decide(command, True, "ann")
    assert (own["code"], own["state"]) == ("PJ022", "validated")
    assert (await desk.decide(command, True, ""))["code"] == "PJ022", "nobody is no second person"
    approved = await desk.decide(command, True, "bob")
    assert (approved["code"], approved["state"]) == (None, "approved")
    again = await desk.decide(command, False, "cleo")
    assert again["code"] == "PJ023"
    assert again["problem"] == "there is nothing to decide: the command is approved by bob"
    claimed = await hand.claim()
    assert claimed is not None and claimed["command_id"] == command
    assert await audited(database) == [
        ("ann", "command.request", "done"),
        ("ann", "command.decide", "refused"),
        ("", "command.decide", "refused"),
        ("bob", "command.approved", "done"),
        ("cleo", "command.decide", "refused"),
        ("worker", "command.sent", "done"),
    ]


@plain
async def test_what_the_second_person_rejects_is_never_written(
    database: Database, worker: Worker, hand: Hand, desk: Desk
) -> None:
    await declare(worker, tag(0, write=Write(low=0.0, high=60.0, approval="required")))
    command = (await desk.request(45.0))["command_id"]
    assert (await desk.decide(command, False))["state"] == "rejected"
    assert await hand.claim() is None
    assert await database.read("SELECT decided_by, comment FROM pumpjack.scada_commands") == [
        ("bob", "as agreed")
    ]
    assert (await desk.request(45.0, "key-2"))["code"] is None, "the tag is free again"
    assert (await desk.decide("00000000-0000-0000-0000-000000000000", True))["code"] == "PJ032"


@plain
async def test_a_decision_that_comes_too_late_is_none(
    database: Database, worker: Worker, desk: Desk
) -> None:
    await declare(worker, tag(0, write=Write(low=0.0, high=60.0, approval="required")))
    command = (await desk.request(45.0))["command_id"]
    await let_expire(database)
    late = await desk.decide(command, True)
    assert (late["code"], late["state"]) == ("PJ023", "expired")


@plain
async def test_a_command_that_no_worker_claims_expires_and_is_never_written(
    database: Database, hand: Hand, desk: Desk
) -> None:
    expire = "SELECT pumpjack.expire_commands('permian')"
    await desk.request(45.0)
    assert await desk.connection.fetchval(expire) == 0
    await let_expire(database)
    assert await hand.claim() is None, "before anybody called it expired"
    assert await desk.connection.fetchval(expire) == 1
    assert await desk.connection.fetchval(expire) == 0
    assert (await database.read(STEPS))[-1] == (4, "expired", "")
    await desk.request(46.0, "key-2")
    await let_expire(database)
    third = await desk.request(47.0, "key-3")
    assert third["code"] is None, "what has expired stands in nobody's way"


@plain
async def test_a_long_name_makes_nobody_his_own_second_person(worker: Worker, desk: Desk) -> None:
    await declare(worker, tag(0, write=Write(low=0.0, high=60.0, approval="required")))
    ann = "a" * 255
    command = (await desk.request(45.0, actor=ann))["command_id"]
    assert (await desk.decide(command, True, ann))["code"] == "PJ022"
    assert (await desk.decide(command, True, "b" * 255))["state"] == "approved"


@plain
@pytest.mark.parametrize("state", ["sent", "accepted"])
async def test_what_no_worker_told_of_for_too_long_stands_in_nobodys_way(
    database: Database, hand: Hand, desk: Desk, state: str
) -> None:
    command = (await desk.request(45.0))["command_id"]
    await hand.claim()
    if state == "accepted":
        await hand.tell(command, state)
    assert (await desk.request(46.0, "key-2"))["code"] == "PJ021", "it may still end well"
    await database.admin.execute(
        "UPDATE pumpjack.commands SET sent_at = now() - interval '15 minutes'"
    )
    assert (await desk.request(46.0, "key-2"))["code"] is None
    ended = await database.read(
        "SELECT state, result->>'known' FROM pumpjack.scada_commands WHERE value = 45"
    )
    assert ended == [("timeout", "false")]
