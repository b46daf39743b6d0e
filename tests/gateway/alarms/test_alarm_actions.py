"""What people do to alarms over REST, and what they are told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.api import person
from tests.gateway.alarms.field import Field
from tests.gateway.conftest import NO_DATABASE, running
from tests.gateway.databases import Database

pytestmark = pytest.mark.servers


async def test_an_operator_acknowledges_with_a_comment(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with person(alarm_gateway, field.tenant) as ann:
        (done,) = await ann.act("acknowledge", alarm, comment="choke eased")
        assert (done["done"], done["state"]) == (True, "acknowledged")
        shown = await ann.alarm(alarm)
        assert (shown["acknowledgedBy"], shown["comment"]) == ("ann", "choke eased")
        (event, _) = (await ann.get("events", alarmId=alarm))["events"]
        assert (event["kind"], event["actor"], event["comment"]) == (
            "acknowledged",
            "ann",
            "choke eased",
        )
    (entry,) = await field.database.audited(field.tenant, "alarms.acknowledged")
    assert (entry["actor"], entry["outcome"]) == ("ann", "done")


async def test_of_two_who_acknowledge_at_once_one_wins_and_the_other_is_told_who_and_when(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with (
        person(alarm_gateway, field.tenant, subject="ann") as ann,
        person(alarm_gateway, field.tenant, subject="bob") as bob,
    ):
        version = (await ann.alarm(alarm))["version"]
        path = "alarms/acknowledge"
        body = {"alarms": [{"alarmId": alarm, "version": version}]}
        both = await asyncio.gather(
            ann.client.post(path, json=body), bob.client.post(path, json=body)
        )
        assert sorted(answer.status_code for answer in both) == [200, 409]
        second = next(answer for answer in both if answer.status_code == 409).json()
        winner = "ann" if both[0].status_code == 200 else "bob"
        assert (second["code"], second["by"]) == ("ALREADY_ACKNOWLEDGED", winner)
        assert datetime.fromisoformat(second["at"]) <= datetime.now(UTC)
        assert winner in second["detail"]
        kinds = [one["kind"] for one in (await ann.get("events", alarmId=alarm))["events"]]
        assert kinds == ["acknowledged", "raised"]


async def test_of_many_alarms_each_has_its_answer(alarm_gateway: Gateway, field: Field) -> None:
    first, second = await field.set(True, "hi"), await field.set(True, "hihi")
    unknown = "0" * 32
    async with person(alarm_gateway, field.tenant, subject="bob") as bob:
        await bob.act("acknowledge", first)
    async with person(alarm_gateway, field.tenant) as ann:
        answers = await ann.act("acknowledge", first, second, unknown)
        assert [(one["alarmId"], one["done"], one["code"]) for one in answers] == [
            (first, False, "already"),
            (second, True, None),
            (unknown, False, "unknown"),
        ]
        assert answers[0]["by"] == "bob"


async def test_an_alarm_that_changed_since_it_was_seen_is_not_acknowledged(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with person(alarm_gateway, field.tenant) as ann:
        seen = (await ann.alarm(alarm))["version"]
        await field.set(False)
        problem = await ann.cannot(409, "acknowledge", (alarm, seen))
        assert problem["code"] == "ALARM_CHANGED"
        assert (problem["state"], problem["version"]) == ("returned_unacknowledged", seen + 1)
        await ann.act("acknowledge", (alarm, problem["version"]))
        assert (await ann.alarm(alarm))["state"] == "normal"


async def test_a_viewer_may_look_and_not_touch_and_the_attempt_is_in_the_audit_log(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with person(alarm_gateway, field.tenant, "viewer", "vic") as vic:
        assert [one["alarmId"] for one in await vic.alarms()] == [alarm]
        for action, more in (
            ("acknowledge", {}),
            ("shelve", {"reason": "noise", "minutes": 5}),
            ("unshelve", {}),
            ("out-of-service", {"reason": "workover"}),
            ("in-service", {}),
            ("reset", {}),
        ):
            problem = await vic.cannot(403, action, alarm, **more)
            assert problem["code"] == "ROLE_TOO_LOW", problem
        assert (await vic.alarm(alarm))["state"] == "unacknowledged"
    await alarm_gateway.audit.flush()
    for action in ("acknowledged", "shelved", "unshelved", "out_of_service", "in_service", "reset"):
        (entry,) = await field.database.audited(field.tenant, f"alarms.{action}")
        assert (entry["actor"], entry["outcome"]) == ("vic", "refused")


async def test_a_shelved_alarm_is_set_aside_until_its_end_and_is_not_unacknowledged(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with person(alarm_gateway, field.tenant) as ann:
        await ann.act("shelve", alarm, reason="sensor is calibrated", minutes=60)
        shown = await ann.alarm(alarm)
        assert (shown["state"], shown["shelvedBy"]) == ("shelved", "ann")
        until = datetime.fromisoformat(shown["shelvedUntil"])
        assert timedelta(minutes=50) < until - datetime.now(UTC) <= timedelta(minutes=60)
        counts = (await ann.get("alarms/counts"))["counts"]
        assert (counts["toHandle"], counts["unacknowledged"]) == (0, 0)
        assert counts["byState"] == {"shelved": 1}
        await ann.act("unshelve", alarm, comment="done")
        assert (await ann.alarm(alarm))["state"] == "unacknowledged"


async def test_a_shelving_needs_a_reason_and_an_end_within_eight_hours(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    late = (datetime.now(UTC) + timedelta(hours=9)).isoformat()
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    async with person(alarm_gateway, field.tenant) as ann:
        for more in (
            {"minutes": 60},
            {"minutes": 60, "reason": "  "},
            {"reason": "noise"},
            {"reason": "noise", "minutes": 481},
            {"reason": "noise", "minutes": 0},
            {"reason": "noise", "until": late},
            {"reason": "noise", "until": past},
            {"reason": "noise", "until": "tomorrow"},
            {"reason": "noise", "until": late, "minutes": 5},
        ):
            problem = await ann.cannot(422, "shelve", alarm, **more)
            assert problem["code"] == "BAD_REQUEST", more
        assert (await ann.alarm(alarm))["state"] == "unacknowledged"


async def test_engineers_take_an_alarm_out_of_service_and_operators_do_not(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True)
    async with (
        person(alarm_gateway, field.tenant) as operator,
        person(alarm_gateway, field.tenant, "engineer", "eve") as eve,
    ):
        problem = await operator.cannot(403, "out-of-service", alarm, reason="workover")
        assert "engineer" in problem["detail"]
        await eve.act("out-of-service", alarm, reason="workover until May")
        assert (await eve.alarm(alarm))["state"] == "out_of_service"
        problem = await operator.cannot(409, "acknowledge", alarm)
        assert problem["code"] == "NOT_IN_THIS_STATE"
        assert "out of service" in problem["detail"]
        await eve.act("in-service", alarm)
        assert (await eve.alarm(alarm))["state"] == "unacknowledged"


async def test_a_latched_alarm_stays_until_it_is_reset(
    alarm_gateway: Gateway, field: Field
) -> None:
    alarm = await field.set(True, "state", value=0.0)
    async with person(alarm_gateway, field.tenant) as ann:
        problem = await ann.cannot(409, "reset", alarm)
        assert "still active" in problem["detail"]
        await field.set(False, "state", value=1.0)
        assert (await ann.alarm(alarm))["state"] == "latched_unacknowledged"
        await ann.act("acknowledge", alarm)
        assert (await ann.alarm(alarm))["state"] == "latched_acknowledged"
        await ann.act("reset", alarm)
        assert (await ann.alarm(alarm))["state"] == "normal"


async def test_alarms_of_another_tenant_do_not_exist(
    alarm_gateway: Gateway, field: Field, alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    theirs = Field(alarm_database, valkey.url)
    await theirs.open()
    alarm = await theirs.set(True)
    async with (
        person(alarm_gateway, field.tenant) as ann,
        person(alarm_gateway, theirs.tenant) as owner,
    ):
        assert await ann.alarms() == []
        assert (await ann.get("events"))["events"] == []
        problem = await ann.cannot(404, "acknowledge", alarm)
        assert problem["detail"] == (await ann.cannot(404, "acknowledge", "0" * 32))["detail"]
        assert (await owner.alarm(alarm))["state"] == "unacknowledged"
    await theirs.close()


async def test_bodies_that_are_not_right_say_where(alarm_gateway: Gateway, field: Field) -> None:
    alarm = await field.set(True)
    async with person(alarm_gateway, field.tenant) as ann:
        for body in (
            b"",
            b"[]",
            b'{"alarms":[]}',
            b'{"alarms":[{"alarmId":"xyz"}]}',
            b'{"alarms":[{"alarmId":"%s"}],"coment":"x"}' % alarm.encode(),
            b'{"alarms":[{"alarmId":"%s","version":-1}]}' % alarm.encode(),
            b'{"alarms":[{"alarmId":"%s"},{"alarmId":"%s"}]}' % (alarm.encode(), alarm.encode()),
            b"\xff\xfe",
        ):
            answer = await ann.client.post("alarms/acknowledge", content=body)
            assert answer.status_code == 422, (body, answer.text)
            assert answer.json()["detail"]
        answer = await ann.client.post("alarms/acknowledge", content=b" " * 300_000)
        assert answer.status_code == 413
        assert (await ann.alarm(alarm))["state"] == "unacknowledged"


async def test_without_the_database_nothing_is_acknowledged_and_the_answer_says_so(
    valkey: EmbeddedValkey,
) -> None:
    async with running(valkey.url, NO_DATABASE) as gateway, person(gateway, "permian") as ann:
        problem = await ann.cannot(503, "acknowledge", "0" * 32)
        assert problem["code"] == "STORE_UNAVAILABLE"
        assert (await ann.refused("alarms", 503))["code"] == "STORE_UNAVAILABLE"
