"""What must not be written is refused with a sentence, and the audit log has who tried."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from pumpjack_gateway.main import Gateway
from tests.gateway.commands.conftest import People
from tests.gateway.commands.field import (
    CONNECTION,
    TAGS,
    WELL,
    Field,
    Person,
    waits_at_the_database,
)
from tests.gateway.conftest import NO_DATABASE, NO_REDIS, running

pytestmark = pytest.mark.servers


async def refused_with_audit(
    person: Person, field: Field, answer: httpx.Response, status: int, code: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The problem document, and the detail of the person's last row in the audit log."""
    body = await person.refused(answer, status, code)
    action, outcome, detail = (await field.audit(person.name, person.tenant))[-1]
    assert action in {"command.request", "command.decide"}
    assert outcome == "refused"
    assert "address" in (detail.get("from") or detail), "from where it was asked"
    return body, detail


async def test_a_viewer_may_not_command(people: People, field: Field) -> None:
    vic = people("vic", "viewer")
    body, detail = await refused_with_audit(vic, field, await vic.ask(), 403, "ROLE_TOO_LOW")
    assert body["detail"] == "the role viewer may not command; it takes an operator"
    assert (detail["code"], detail["role"]) == ("ROLE_TOO_LOW", "viewer")
    assert await field.commands() == 0


@pytest.mark.parametrize("role", ["operator", "engineer", "admin"])
async def test_operators_and_those_above_may(people: People, field: Field, role: str) -> None:
    assert (await people("olga", role).ask()).status_code == 202


async def test_a_well_of_another_tenant_is_answered_as_one_that_does_not_exist(
    people: People, field: Field
) -> None:
    await field.make_tenant(f"{field.tenant}-rival")
    stranger, ann = people("eve", tenant=f"{field.tenant}-rival"), people("ann")
    theirs = await stranger.ask()
    none = await ann.ask(wellId="no-such-well")
    await refused_with_audit(stranger, field, theirs, 404, "NO_SUCH_WELL")
    await refused_with_audit(ann, field, none, 404, "NO_SUCH_WELL")
    assert (theirs.status_code, none.status_code) == (404, 404)
    assert theirs.json() == none.json() | {"detail": theirs.json()["detail"]}
    assert theirs.json()["detail"].replace(WELL, "no-such-well") == none.json()["detail"]
    assert await field.commands() == 0


async def test_a_command_of_another_tenant_is_answered_as_one_that_does_not_exist(
    ann: Person, people: People, field: Field
) -> None:
    made = await ann.asked("wing_valve", 1)
    await field.make_tenant(f"{field.tenant}-rival")
    eve = people("eve", tenant=f"{field.tenant}-rival")
    answer = await eve.client.get(f"/control/{made['commandId']}")
    await eve.refused(answer, 404, "NO_SUCH_COMMAND")
    answer = await eve.decide(made["commandId"], approve=True)
    await refused_with_audit(eve, field, answer, 404, "NO_SUCH_COMMAND")
    assert (await eve.client.get("/control")).json()["commands"] == []
    assert (await ann.look(made["commandId"]))["command"]["state"] == "validated"


async def test_a_tag_that_is_not_there(ann: Person, field: Field) -> None:
    answer = await ann.ask("pump_sped")
    body, _ = await refused_with_audit(ann, field, answer, 404, "NO_SUCH_TAG")
    assert "pump_sped" in body["detail"]


async def test_a_tag_that_can_only_be_read(ann: Person, field: Field) -> None:
    body, detail = await refused_with_audit(
        ann, field, await ann.ask("flow", 100), 403, "TAG_READ_ONLY"
    )
    assert "can only be read" in body["detail"]
    assert (detail["tag"], detail["value"]) == ("flow", "100")


async def test_a_connection_that_allows_no_writes(ann: Person, field: Field) -> None:
    await field.declare(writes=False)
    body, _ = await refused_with_audit(ann, field, await ann.ask(), 403, "WRITES_OFF")
    assert "spec.writes.enabled" in body["detail"]


async def test_a_tag_that_is_declared_no_more(ann: Person, field: Field) -> None:
    await field.declare(TAGS[1:])
    await refused_with_audit(ann, field, await ann.ask(), 404, "NO_SUCH_TAG")


@pytest.mark.parametrize(
    ("tag", "value"), [("pump_speed", 12.1), ("pump_speed", -0.1), ("wing_valve", 2)]
)
async def test_a_value_outside_of_its_limits(
    ann: Person, field: Field, tag: str, value: float
) -> None:
    body, _ = await refused_with_audit(ann, field, await ann.ask(tag, value), 422, "OUT_OF_LIMITS")
    assert tag in body["detail"]
    assert await field.commands() == 0


@pytest.mark.parametrize(
    ("heartbeat", "said"),
    [
        ({"state": "disconnected", "message": "nothing answers at 10.1.7.20:502"}, "10.1.7.20:502"),
        ({"state": "connecting"}, "its worker is connecting"),
        ({"state": "suspended"}, "its connection is suspended"),
        ({"at": "2026-01-31T06:30:00.000000Z"}, "nothing was heard of its worker"),
    ],
)
async def test_a_device_that_is_away_gets_no_command_for_later(
    ann: Person, field: Field, heartbeat: dict[str, Any], said: str
) -> None:
    await field.beat(**heartbeat)
    body, _ = await refused_with_audit(ann, field, await ann.ask(), 409, "DEVICE_OFFLINE")
    assert said in body["detail"]
    assert CONNECTION in body["detail"]
    assert await field.commands() == 0
    await field.beat()
    await ann.asked()


async def test_a_connection_of_which_no_worker_was_ever_heard(ann: Person, field: Field) -> None:
    await field.forget_heartbeats()
    body, _ = await refused_with_audit(ann, field, await ann.ask(), 409, "DEVICE_OFFLINE")
    assert "no worker of its connection is running" in body["detail"]


async def test_a_heartbeat_of_another_tenant_says_nothing_of_a_device(
    ann: Person, field: Field
) -> None:
    await field.beat(tenant_id=f"{field.tenant}-rival")
    body, _ = await refused_with_audit(ann, field, await ann.ask(), 409, "DEVICE_OFFLINE")
    assert "no worker of its connection is running" in body["detail"]


async def test_nothing_is_approved_for_a_device_that_is_away(
    ann: Person, people: People, field: Field
) -> None:
    made = await ann.asked("wing_valve", 1)
    await field.beat(state="disconnected")
    bob = people("bob")
    answer = await bob.decide(made["commandId"], approve=True)
    await refused_with_audit(bob, field, answer, 409, "DEVICE_OFFLINE")
    assert (await ann.look(made["commandId"]))["command"]["state"] == "validated"
    assert (await bob.decide(made["commandId"], approve=False)).status_code == 200


async def test_what_has_ended_is_not_to_be_approved_whether_its_device_is_there_or_not(
    ann: Person, people: People, field: Field
) -> None:
    made = await ann.asked("wing_valve", 1)
    bob = people("bob")
    assert (await bob.decide(made["commandId"], approve=False)).status_code == 200
    await field.beat(state="disconnected")
    answer = await bob.decide(made["commandId"], approve=True)
    await refused_with_audit(bob, field, answer, 409, "NOTHING_TO_DECIDE")


async def test_while_another_command_runs_it_is_said_whose(
    ann: Person, people: People, field: Field
) -> None:
    await ann.asked("pump_speed", 7.5)
    bob = people("bob")
    answer = await bob.ask("pump_speed", 3)
    body, _ = await refused_with_audit(bob, field, answer, 409, "COMMAND_RUNNING")
    assert "7.5 by ann" in body["detail"]
    assert (await bob.ask("choke", 3)).status_code == 202


@pytest.mark.parametrize(
    "other", [{"value": 8.0}, {"tagName": "choke"}, {"value": -1}, {"tagName": "no_such"}]
)
async def test_one_key_for_two_things_is_refused(
    ann: Person, field: Field, other: dict[str, Any]
) -> None:
    await ann.asked(idempotencyKey="used-before")
    answer = await ann.ask(**({"idempotencyKey": "used-before"} | _as_arguments(other)))
    await refused_with_audit(ann, field, answer, 409, "KEY_USED")
    assert await field.commands() == 1


async def test_the_key_of_somebody_else_is_refused(
    ann: Person, people: People, field: Field
) -> None:
    await ann.asked(idempotencyKey="used-before")
    bob = people("bob")
    answer = await bob.ask(idempotencyKey="used-before")
    await refused_with_audit(bob, field, answer, 409, "KEY_USED")


async def test_whoever_asked_cannot_approve_it_himself(
    ann: Person, people: People, field: Field
) -> None:
    made = await ann.asked("wing_valve", 1)
    answer = await ann.decide(made["commandId"], approve=True)
    await refused_with_audit(ann, field, answer, 403, "SECOND_PERSON")
    again = people("ann", "admin")  # the same person, in another role
    answer = await again.decide(made["commandId"], approve=True)
    await refused_with_audit(again, field, answer, 403, "SECOND_PERSON")
    assert await field.claims_nothing()


async def test_a_viewer_cannot_be_the_second_person(
    ann: Person, people: People, field: Field
) -> None:
    made = await ann.asked("wing_valve", 1)
    vic = people("vic", "viewer")
    answer = await vic.decide(made["commandId"], approve=True)
    await refused_with_audit(vic, field, answer, 403, "ROLE_TOO_LOW")
    assert await field.claims_nothing()


async def test_a_command_that_needs_no_second_person_cannot_be_decided(
    ann: Person, people: People, field: Field
) -> None:
    made = await ann.asked("choke", 5)
    bob = people("bob")
    answer = await bob.decide(made["commandId"], approve=False)
    await refused_with_audit(bob, field, answer, 409, "NOTHING_TO_DECIDE")


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "7.5"},
        {"value": True},
        {"value": None},
        {"reason": "   "},
        {"reason": ""},
        {"reason": "x" * 513},
        {"idempotencyKey": "short"},
        {"idempotencyKey": "x" * 129},
        {"wellId": ""},
        {"tagName": "a\u0000b"},
        {"expiresS": 0},
        {"expiresS": 3600},
        {"tenantId": "bakken"},
        {"role": "admin"},
        {"actor": "bob"},
    ],
    ids=str,
)
async def test_a_body_that_is_not_right(ann: Person, field: Field, wrong: dict[str, Any]) -> None:
    answer = await ann.ask(**_as_arguments(wrong))
    await refused_with_audit(ann, field, answer, 422, "BAD_REQUEST")
    assert await field.commands() == 0


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b'{"value": 1e999}'])
async def test_a_body_that_is_no_request(ann: Person, field: Field, text: bytes) -> None:
    answer = await ann.client.post("/control", content=text)
    await refused_with_audit(ann, field, answer, 422, "BAD_REQUEST")


async def test_a_field_of_any_name_is_refused_and_stops_nobodys_audit(
    ann: Person, people: People, field: Field
) -> None:
    eve = people("eve", tenant=f"{field.tenant}-rival")
    for name in ("\0", "x" * 200_000):
        answer = await eve.client.post("/control", json={name: 1})
        assert answer.status_code == 422
    body, _ = await refused_with_audit(
        ann, field, await ann.client.post("/control", json={"\0": 1}), 422, "BAD_REQUEST"
    )
    assert "unknown field" in body["detail"]
    longest = await field.admin.fetchval(
        "SELECT max(length(detail::text)) FROM pumpjack.audit_logs WHERE actor = 'eve'"
    )
    assert longest < 3_000


async def test_a_body_without_end_is_not_read(ann: Person, field: Field) -> None:
    answer = await ann.client.post("/control", content=b'{"reason":"' + b"x" * 1_000_000)
    await ann.refused(answer, 413, "TOO_LARGE")


async def test_too_many_commands_are_refused_and_once_a_minute_in_the_audit(
    field: Field, valkey: Any
) -> None:
    async with running(valkey.url, field.url, command_rate_user_burst=2.0) as gateway:
        ann = Person(gateway, field.tenant, "ann")
        await ann.asked("choke", 1)
        await ann.asked("pump_speed", 1)
        for _ in range(5):
            answer = await ann.ask("pump_speed", 1)
            await ann.refused(answer, 429, "RATE_LIMITED")
            assert int(answer.headers["Retry-After"]) >= 1
        bob = Person(gateway, field.tenant, "bob")
        assert (await bob.ask("wing_valve", 1)).status_code == 202
        codes = [
            detail["code"]
            for _, outcome, detail in await field.audit("ann")
            if outcome == "refused"
        ]
        assert codes == ["RATE_LIMITED"]
        await ann.close()
        await bob.close()


async def test_a_tenant_has_a_rate_of_its_own_in_the_database(
    ann: Person, people: People, field: Field
) -> None:
    await field.admin.execute(
        "INSERT INTO pumpjack.commands (tenant_id, connection_no, well_id, tag_name, value, "
        "reason, idempotency_key, requested_by, requested_role, requested_at, approval, expires_s, "
        "expires_at, verify_s, write_hash, state, change_no, detail) "
        "SELECT c.tenant_id, c.connection_no, $2, 'choke', 1, 'x', 'k' || n, 'bot', 'operator', "
        "now(), false, 10, now(), 5, '', 'verified', 0, '{}' "
        "FROM pumpjack.connection AS c, generate_series(1, 60) AS n WHERE c.tenant_id = $1",
        field.tenant,
        WELL,
    )
    answer = await ann.ask()
    await refused_with_audit(ann, field, answer, 429, "RATE_LIMITED")
    assert answer.headers["Retry-After"]
    # Only so many of another tenant's are nobody else's business.
    await field.admin.execute(
        "UPDATE pumpjack.commands SET requested_at = requested_at - interval '2 minutes' "
        "WHERE tenant_id = $1",
        field.tenant,
    )
    other = f"{field.tenant}-rival"
    await field.make_tenant(other)
    await field.admin.execute(
        "INSERT INTO pumpjack.commands (tenant_id, connection_no, well_id, tag_name, value, "
        "reason, idempotency_key, requested_by, requested_role, requested_at, approval, expires_s, "
        "expires_at, verify_s, write_hash, state, change_no, detail) "
        "SELECT $1, m.connection_no, m.well_id, m.tag_name, m.value, m.reason, m.idempotency_key, "
        "m.requested_by, m.requested_role, now(), m.approval, m.expires_s, m.expires_at, "
        "m.verify_s, m.write_hash, m.state, m.change_no, m.detail "
        "FROM pumpjack.commands AS m WHERE m.tenant_id = $2",
        other,
        field.tenant,
    )
    await ann.asked()


async def test_without_a_database_nothing_is_written_and_the_audit_hears_of_it_later(
    field: Field, valkey: Any
) -> None:
    async with running(valkey.url, NO_DATABASE) as gateway:
        ann = Person(gateway, field.tenant, "ann")
        await field.worker.publish(WELL, {"pump_speed": 7.0})  # so that the well is known
        answer = await ann.ask()
        assert answer.status_code == 503, answer.text
        body = answer.json()
        assert body["code"] == "STORE_UNAVAILABLE"
        assert "nothing is written" in body["detail"]
        assert "same idempotencyKey" in body["detail"]
        waiting = [entry for entry in gateway.audit.waiting() if entry[2] == "command.request"]
        assert [(entry[1], entry[3]) for entry in waiting] == [("ann", "refused")]
        vic = Person(gateway, field.tenant, "vic", "viewer")
        assert (await vic.ask()).status_code == 403
        await ann.close()
        await vic.close()
    assert await field.commands() == 0


async def test_where_the_answer_of_the_database_is_lost_nobody_is_told_that_nothing_was_written(
    field: Field, valkey: Any
) -> None:
    async with field.behind_a_proxy() as (proxy, url), running(valkey.url, url) as gateway:
        ann, bob = Person(gateway, field.tenant, "ann"), Person(gateway, field.tenant, "bob")
        key = {"idempotencyKey": "lost-answer"}
        async with field.admin.transaction():
            await field.lock_head()
            asking = asyncio.create_task(ann.ask("wing_valve", 1, **key))
            await waits_at_the_database(field, "request_command")
            proxy.hang_up()
        body = await ann.refused(await asking, 503, "OUTCOME_UNKNOWN")
        assert "may have been made" in body["detail"]
        assert "nothing is written" not in body["detail"]
        again = await ann.ask("wing_valve", 1, **key)
        assert again.status_code == 200, "the database has made it"
        made = again.json()["command"]["commandId"]
        async with field.admin.transaction():
            await field.lock_head()
            deciding = asyncio.create_task(bob.decide(made, approve=True))
            await waits_at_the_database(field, "decide_command")
            proxy.hang_up()
        body = await bob.refused(await deciding, 503, "OUTCOME_UNKNOWN")
        assert "may have been decided" in body["detail"]
        again = await bob.decide(made, approve=True)
        body = await bob.refused(again, 409, "NOTHING_TO_DECIDE")
        assert "approved by bob" in body["detail"]
        outcomes = [(action, outcome) for action, outcome, _ in await field.audit("ann")]
        assert ("command.request", "unknown") in outcomes
        assert ("command.request", "refused") not in outcomes
        assert ("command.decide", "unknown") in [row[:2] for row in await field.audit("bob")]
        await ann.close()
        await bob.close()


async def test_a_gateway_that_cannot_hear_how_the_device_is_refuses(field: Field) -> None:
    async with asyncio.timeout(60), running(NO_REDIS, field.url) as gateway:
        ann = Person(gateway, field.tenant, "ann")
        body = await ann.refused(await ann.ask(), 409, "DEVICE_OFFLINE")
        assert "lost the live feed" in body["detail"]
        await ann.close()
    assert await field.commands() == 0


async def test_nobody_without_a_token_may_ask(gateway: Gateway, field: Field) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.rest_port}") as client:
        answer = await client.post("/api/scada/control", json={})
    assert answer.status_code == 401
    assert await field.commands() == 0


def _as_arguments(body: dict[str, Any]) -> dict[str, Any]:
    """Members of the body as Person.ask() takes them."""
    named = dict(body)
    if "tagName" in named:
        named["tag"] = named.pop("tagName")
    return named
