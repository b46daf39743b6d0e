"""Commands: claimed once and told to the end, whatever changed or died meanwhile."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import msgspec
import pytest

from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Alarm, Tag, Write
from tests.core.storage.commands.hand import SPEED, STEPS, Hand, let_expire
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker
from tests.core.storage.desk import Desk, declare, tag

plain = pytest.mark.parametrize("level", LEVELS[:1])
every_level = pytest.mark.parametrize("level", LEVELS)


@plain
async def test_many_workers_at_once_claim_each_command_once(
    database: Database, worker: Worker, desk: Desk
) -> None:
    tags = [
        Tag("well-1", f"tag-{n}", f"holding:{n}", "float32", 1.0, "psi", write=SPEED)
        for n in range(12)
    ]
    await declare(worker, *tags)
    for number in range(12):
        await desk.request(45.0, f"key-{number}", tag=f"tag-{number}")
    url = database.login(writer_role("permian"))
    connections = [await asyncpg.connect(url) for _ in range(4)]
    hands = [Hand(worker) for _ in connections]
    for hand, connection in zip(hands, connections, strict=True):
        hand.connection = connection

    async def claim_all(hand: Hand) -> list[Any]:
        claimed = []
        while (row := await hand.claim()) is not None:
            claimed.append(row["command_id"])
            await hand.tell(row["command_id"], "verified")
        return claimed

    claimed = [
        command for commands in await asyncio.gather(*map(claim_all, hands)) for command in commands
    ]
    assert len(claimed) == len(set(claimed)) == 12
    changes = [row[0] for row in await database.read(STEPS)]
    assert changes == list(range(1, 12 * 5 + 1)), "numbers without holes"
    for connection in connections:
        await connection.close()


@plain
@pytest.mark.parametrize("column", ["requested_at", "decided_at"])
async def test_a_command_of_times_that_are_to_come_is_refused_for_nobody_knows_how_old_it_is(
    database: Database, hand: Hand, desk: Desk, column: str
) -> None:
    """The database's clock was put back by an hour."""
    await desk.request(45.0)
    await database.admin.execute(
        f"UPDATE pumpjack.commands SET {column} = now() + interval '1 hour',"
        " expires_at = now() + interval '70 minutes'"
    )
    assert await hand.claim() is None
    ((state, result),) = await database.read("SELECT state, result FROM pumpjack.scada_commands")
    assert state == "refused"
    assert "clock of the database was put back" in result


@plain
async def test_the_oldest_goes_first(hand: Hand, desk: Desk) -> None:
    await desk.request(45.0, "key-1", tag="tag-1")
    await desk.request(45.0, "key-0", tag="tag-0")
    order = [await hand.claim(), await hand.claim()]
    assert [row["tag_name"] for row in order if row] == ["tag-1", "tag-0"]


@plain
async def test_a_worker_that_was_replaced_claims_nothing(
    worker: Worker, hand: Hand, desk: Desk
) -> None:
    await desk.request(45.0)
    await worker.ingest.take_fence(worker.name, "modbus-tcp")
    assert await hand.claim() is None
    assert await hand.unfinished() == []
    hand.fence = 2
    assert await hand.claim() is not None


@plain
async def test_after_a_crash_the_next_worker_finds_what_was_sent_and_cannot_claim_it(
    database: Database, worker: Worker, hand: Hand, desk: Desk
) -> None:
    command = (await desk.request(45.0))["command_id"]
    await hand.claim()
    assert await hand.unfinished() == [(command, "sent", 1)], "also when the answer was lost"
    hand.fence = await worker.ingest.take_fence(worker.name, "modbus-tcp")
    assert await hand.claim() is None
    assert await hand.unfinished() == [(command, "sent", 1)]
    assert (await desk.request(45.0, "key-2"))["code"] == "PJ021"
    assert await hand.tell(command, "verified", recovered=True)
    assert await hand.unfinished() == []


@plain
async def test_an_end_is_an_end(database: Database, hand: Hand, desk: Desk) -> None:
    command = (await desk.request(45.0))["command_id"]
    assert not await hand.tell(command, "verified"), "nobody has sent it"
    await hand.claim()
    assert await hand.tell(command, "timeout", message="no answer")
    assert await hand.tell(command, "timeout"), "told again: the answer was lost"
    assert not await hand.tell(command, "verified")
    assert [state for _, state, _ in await database.read(STEPS)][3:] == ["sent", "timeout"]
    for wrong in ("approved", "expired", "sent"):
        with pytest.raises(asyncpg.PostgresError, match="a worker tells accepted, verified"):
            await hand.tell(command, wrong)


@plain
async def test_what_no_worker_ever_tells_of_ends_as_a_timeout_that_says_so(
    database: Database, hand: Hand, desk: Desk
) -> None:
    await desk.request(45.0)
    await hand.claim()
    expire = "SELECT pumpjack.expire_commands('permian')"
    await let_expire(database)
    assert await desk.connection.fetchval(expire) == 0, "a worker has it"
    await database.admin.execute(
        "UPDATE pumpjack.commands SET sent_at = now() - interval '15 minutes'"
    )
    assert await desk.connection.fetchval(expire) == 1
    [(state, result)] = await database.read("SELECT state, result FROM pumpjack.scada_commands")
    assert (state, json.loads(result)["known"]) == ("timeout", False)


@plain
async def test_limits_that_changed_meanwhile_hold_when_it_is_claimed(
    database: Database, worker: Worker, hand: Hand, desk: Desk
) -> None:
    await desk.request(45.0, "key-0")
    await desk.request(45.0, "key-1", tag="tag-1")
    await declare(worker, tag(0, write=Write(low=0.0, high=40.0)), tag(1, write=SPEED))
    claimed = await hand.claim()
    assert claimed is not None and claimed["tag_name"] == "tag-1"
    assert await database.read(
        "SELECT result->>'problem' FROM pumpjack.scada_commands WHERE state = 'refused'"
    ) == [("45 is outside of what tag-0 may be given: 0 to 40",)]
    await hand.tell(claimed["command_id"], "verified")
    await desk.request(45.0, "key-2", tag="tag-1")
    await declare(worker, tag(0))
    assert await hand.claim() is None
    assert await database.read(
        "SELECT result->>'problem' FROM pumpjack.scada_commands WHERE idempotency_key = 'key-2'"
    ) == [("the tag is declared no more",)]


SET_SPEED = Tag("well-1", "tag-0", "holding:0", "float32", 1.0, "psi", write=SPEED)
ANOTHER_MEANING: dict[str, dict[str, Any]] = {
    "a unit": {"unit": "kPa"},
    "a scale": {"scale": 0.1},
    "an offset": {"offset": 32.0},
    "a data type": {"data_type": "int16"},
    "an address": {"address": "holding:9"},
    "an address that is written": {"write": Write(low=10.0, high=60.0, address="holding:9")},
    "an approval": {"write": Write(low=10.0, high=60.0, approval="required")},
    "wider limits": {"write": Write(low=0.0, high=100.0)},
    "a tolerance": {"write": Write(low=10.0, high=60.0, tolerance=50.0)},
    "words": {"state_names": {"45": "SHUT"}},
}


@plain
@pytest.mark.parametrize("what", ANOTHER_MEANING)
async def test_what_was_asked_of_a_tag_that_means_something_else_now_is_refused(
    database: Database, worker: Worker, hand: Hand, desk: Desk, what: str
) -> None:
    await declare(worker, SET_SPEED)
    await desk.request(45.0)
    await declare(worker, msgspec.structs.replace(SET_SPEED, **ANOTHER_MEANING[what]))
    assert await hand.claim() is None
    assert await database.read("SELECT state, result->>'message' FROM pumpjack.scada_commands") == [
        (
            "refused",
            "tag-0 of well-1 was declared otherwise after this was asked for; nothing was written: "
            "ask again",
        )
    ]
    assert (await desk.request(45.0, "key-2"))["code"] is None, "as it is declared now"


@plain
async def test_what_changes_no_meaning_of_a_command_refuses_none(
    worker: Worker, hand: Hand, desk: Desk
) -> None:
    await declare(worker, SET_SPEED)
    await desk.request(45.0)
    watched = msgspec.structs.replace(
        SET_SPEED, alarms=(Alarm("hi", limit=5.0),), description="of the pump", interval_s=2.0
    )
    await declare(worker, watched, tag(1))
    assert await hand.claim() is not None
