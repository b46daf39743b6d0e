"""POST control: what an operator asks for becomes a command, once, and ends with the truth."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio

from pumpjack_core import wire
from tests.gateway.commands.conftest import People
from tests.gateway.commands.field import CONNECTION, WELL, Field, Person

pytestmark = pytest.mark.servers


async def test_a_command_goes_from_the_request_to_the_value_that_was_read_back(
    ann: Person, field: Field
) -> None:
    answer = await ann.ask("pump_speed", 7.5)
    assert answer.status_code == 202
    made = answer.json()
    assert (
        made["command"]
        | {
            "wellId": WELL,
            "tagName": "pump_speed",
            "connectionId": CONNECTION,
            "unit": "spm",
            "value": 7.5,
            "state": "approved",
            "running": True,
            "requestedBy": "ann",
            "reason": "fluid level is down",
            "readBack": None,
        }
        == made["command"]
    )
    assert [step["state"] for step in made["steps"]] == ["requested", "validated", "approved"]
    assert (await field.claim()).value == 7.5
    command = made["command"]["commandId"]
    await field.tell(command, "accepted", message="the device has accepted it", written=7.5)
    await field.tell(command, "verified", message="read back: 7.5 spm", written=7.5, read=7.5)
    found = await ann.look(command)
    assert [step["state"] for step in found["steps"]] == [
        *("requested", "validated", "approved", "sent", "accepted", "verified")
    ]
    assert [step["actor"] for step in found["steps"]] == ["ann", "", "", *["worker"] * 3]
    ended = found["command"]
    assert (ended["state"], ended["running"], ended["readBack"]) == ("verified", False, 7.5)
    assert ended["message"] == "read back: 7.5 spm"
    assert found["asOf"] >= ended["doneAt"]


async def test_the_same_request_again_is_the_same_command_whatever_became_of_it(
    ann: Person, field: Field
) -> None:
    made = await ann.asked(idempotencyKey="once-only")
    again = await ann.ask(idempotencyKey="once-only")
    assert again.status_code == 200
    assert again.json()["command"]["commandId"] == made["commandId"]
    await field.carry_out(7.5)
    await field.beat(state="disconnected")
    ended = await ann.ask(idempotencyKey="once-only", reason="another reason")
    assert (ended.status_code, ended.json()["command"]["state"]) == (200, "verified")
    assert await field.commands() == 1
    assert await field.claims_nothing()


async def test_ten_who_send_one_request_at_once_make_one_command(ann: Person, field: Field) -> None:
    answers = await asyncio.gather(*(ann.ask(idempotencyKey="all-at-once") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["command"]["commandId"] for answer in answers}) == 1
    assert await field.commands() == 1


async def test_the_worker_is_woken_by_its_stream(ann: Person, field: Field, valkey: Any) -> None:
    command = await ann.asked()
    client = redis.asyncio.from_url(valkey.url)
    key = wire.commands_stream(field.tenant, CONNECTION)
    async with asyncio.timeout(30):
        while not (entries := await client.xrange(key)):
            await asyncio.sleep(0.01)
    await client.aclose()
    assert [entry[1] for entry in entries] == [{b"command": command["commandId"].encode()}]


async def test_a_command_that_nobody_takes_expires_and_frees_the_tag(
    ann: Person, field: Field
) -> None:
    first = await ann.asked(expiresS=1)
    async with asyncio.timeout(30):
        while (found := await ann.look(first["commandId"]))["command"]["running"]:
            await asyncio.sleep(0.05)
    assert found["command"]["state"] == "expired"
    assert "nothing was written" in found["command"]["message"]
    assert await field.claims_nothing()
    await ann.asked(value=3)
    assert (await field.claim()).value == 3


async def test_the_gateway_ends_what_nobody_takes_without_being_asked(
    ann: Person, field: Field
) -> None:
    command = await ann.asked(expiresS=1)
    async with asyncio.timeout(30):
        while (
            await field.admin.fetchval(
                "SELECT state FROM pumpjack.commands WHERE command_id = $1::uuid",
                command["commandId"],
            )
            != "expired"
        ):
            await asyncio.sleep(0.05)


async def test_a_second_person_approves_and_then_it_is_sent(
    ann: Person, people: People, field: Field
) -> None:
    asked = await ann.asked("wing_valve", 1)
    assert (asked["state"], asked["approval"]) == ("validated", "required")
    assert asked["message"] == "waits for a second person's approval"
    assert await field.claims_nothing()
    bob = people("bob", "engineer")
    answer = await bob.decide(asked["commandId"], approve=True, comment="agreed by radio")
    assert answer.status_code == 200
    approved = answer.json()["command"]
    assert (approved["state"], approved["decidedBy"]) == ("approved", "bob")
    assert answer.json()["steps"][-1]["message"] == "approved by bob: agreed by radio"
    await field.carry_out(1)
    assert (await ann.look(asked["commandId"]))["command"]["state"] == "verified"


async def test_a_second_person_rejects_and_nothing_is_ever_sent(
    ann: Person, people: People, field: Field
) -> None:
    asked = await ann.asked("wing_valve", 1)
    bob = people("bob")
    answer = await bob.decide(asked["commandId"], approve=False, comment="people at the well")
    assert answer.json()["command"]["state"] == "rejected"
    assert await field.claims_nothing()
    again = await bob.decide(asked["commandId"], approve=True)
    await bob.refused(again, 409, "NOTHING_TO_DECIDE")
    assert await field.claims_nothing()


async def test_the_list_has_the_newest_first_filters_and_pages(
    ann: Person, people: People, field: Field
) -> None:
    for value in (1, 2, 3):
        await ann.asked("pump_speed", value)
        await field.carry_out(value)
    await ann.asked("choke", 50)
    viewer = people("vic", "viewer")

    async def page(**query: Any) -> dict[str, Any]:
        answer = await viewer.client.get("/control", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["asOf"]
        return found

    def values(found: dict[str, Any]) -> list[float]:
        return [one["value"] for one in found["commands"]]

    assert values(await page()) == [50, 3, 2, 1]
    assert values(await page(wellId=WELL, tagName="pump_speed")) == [3, 2, 1]
    assert values(await page(state=["approved", "sent"])) == [50]
    assert values(await page(wellId="another")) == []
    first = await page(limit=3, wellId=WELL)
    rest = await page(limit=3, wellId=WELL, cursor=first["nextCursor"])
    assert (values(first), values(rest), rest["nextCursor"]) == ([50, 3, 2], [1], None)
    other = await viewer.client.get("/control", params={"cursor": first["nextCursor"]})
    assert other.status_code == 422


async def test_the_tags_that_may_be_written_say_what_holds_them_up(
    ann: Person, field: Field
) -> None:
    async def tags() -> dict[str, dict[str, Any]]:
        answer = await ann.client.get("/control/tags", params={"wellId": WELL})
        assert answer.status_code == 200, answer.text
        return {tag["tagName"]: tag for tag in answer.json()["tags"]}

    found = await tags()
    assert sorted(found) == ["choke", "pump_speed", "wing_valve"]
    assert (
        found["pump_speed"] | {"low": 0.0, "high": 12.0, "unit": "spm", "off": None}
        == (found["pump_speed"])
    )
    assert (
        found["wing_valve"]
        | {
            "states": [0, 1],
            "stateNames": {"0": "SHUT", "1": "OPEN"},
            "approval": "required",
        }
        == found["wing_valve"]
    )
    asked = await ann.asked("choke", 10)
    await field.beat(state="disconnected", message="nothing answers at 10.1.7.20:502")
    found = await tags()
    assert found["choke"]["running"]["commandId"] == asked["commandId"]
    assert found["pump_speed"]["running"] is None
    assert "nothing answers at 10.1.7.20:502" in found["pump_speed"]["off"]
    await field.declare(writes=False)
    assert "does not allow writes" in (await tags())["pump_speed"]["off"]
