"""What a screen sees of alarms on the WebSocket."""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.alarms import Transition
from pumpjack_core.tags import Alarm
from pumpjack_gateway.alarms import book
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.api import person
from tests.gateway.alarms.field import TAG, WELL, Field, S, many_tags, now_us
from tests.gateway.conftest import NO_DATABASE, FeedServer, running
from tests.gateway.databases import Database
from tests.gateway.screens import Screen, screen

pytestmark = pytest.mark.servers


async def watch(client: Screen) -> dict[str, Any]:
    """Subscribe; the first picture."""
    await client.say(type="subscribe-alarms")
    return await client.until("alarms")


async def counted(client: Screen, **wanted: object) -> dict[str, Any]:
    """The sums, once they have these values."""
    while True:
        counts: dict[str, Any] = (await client.until("alarm-counts"))["counts"]
        if all(counts[name] == value for name, value in wanted.items()):
            return counts


async def test_a_screen_sees_all_alarms_and_then_each_event_once_in_order(
    alarm_gateway: Gateway, field: Field
) -> None:
    await field.set(True, "hi")
    async with screen(alarm_gateway, field.tenant) as client:
        first = await watch(client)
        assert [(one["condition"], one["state"]) for one in first["alarms"]] == [
            ("hi", "unacknowledged")
        ]
        assert (first["current"], first["resumed"]) == (True, False)
        assert first["asOf"] is not None
        await field.set(True, "hihi", value=2450.0)
        await field.set(False, "hi", value=1990.0)
        raised = await client.until("alarm")
        returned = await client.until("alarm")
        numbers = [first["eventNo"] + 1, first["eventNo"] + 2]
        assert [one["event"]["eventNo"] for one in (raised, returned)] == numbers
        assert (raised["alarmId"], raised["state"]) == (field.id("hihi"), "unacknowledged")
        assert raised["event"]["kind"] == "raised"
        assert (raised["value"], raised["limit"], raised["unit"]) == (2450.0, 2400.0, "psi")
        assert (raised["message"], raised["response"]) == ("Tubing pressure very high", "Open it")
        assert (returned["state"], returned["confirmed"]) == ("returned_unacknowledged", True)


async def test_a_condition_is_shown_before_the_database_has_it_and_then_confirmed(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with screen(alarm_gateway, field.tenant) as client:
        await watch(client)
        at = now_us()
        await field.tell(True, "hi", us=at)
        told = await client.until("alarm")
        assert (told["state"], told["confirmed"], told["event"]) == ("unacknowledged", False, None)
        assert (told["wellId"], told["priority"], told["value"]) == (WELL, 2, 2100.0)
        await field.set(True, "hi", us=at)
        stored = await client.until("alarm")
        assert (stored["state"], stored["confirmed"]) == ("unacknowledged", True)
        assert stored["event"]["kind"] == "raised"
        await client.nothing_but("alarm-counts")


async def test_everyone_sees_who_acknowledged_also_on_another_gateway(
    alarm_gateway: Gateway, field: Field, alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    alarm = await field.set(True)
    async with (
        running(valkey.url, alarm_database.gateway_url) as other,
        screen(alarm_gateway, field.tenant) as here,
        screen(other, field.tenant) as there,
        person(other, field.tenant) as ann,
    ):
        await watch(here)
        await watch(there)
        await ann.act("acknowledge", alarm, comment="choke eased")
        for client in (here, there):
            told = await client.until("alarm", alarmId=alarm)
            assert (told["state"], told["acknowledgedBy"]) == ("acknowledged", "ann")
            assert told["event"]["comment"] == "choke eased"


async def test_sums_follow_and_shelved_is_not_unacknowledged(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with (
        screen(alarm_gateway, field.tenant) as client,
        person(alarm_gateway, field.tenant) as ann,
    ):
        await watch(client)
        hi = await field.set(True, "hi")
        await field.set(True, "hihi")
        counts = await counted(client, unacknowledged=2)
        assert counts["byPriority"] == {"1": 1, "2": 1, "3": 0, "4": 0}
        await ann.act("shelve", hi, reason="calibration", minutes=10)
        counts = await counted(client, unacknowledged=1)
        assert counts["byState"] == {"unacknowledged": 1, "shelved": 1}
        assert (counts["toHandle"], counts["flood"]) == (1, None)


async def test_a_flood_is_told_with_its_groups_and_a_whole_sum(
    alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    field = Field(alarm_database, valkey.url)
    await field.open(*many_tags(["a1", "a2"], [f"t{n}" for n in range(6)], Alarm("hi", 1.0)))
    async with (
        running(valkey.url, alarm_database.gateway_url) as gateway,
        screen(gateway, field.tenant) as client,
    ):
        await watch(client)
        at = now_us() - 30 * S
        for number, tag in enumerate(field.tags):  # before the database has any
            where = {"well": tag.well_id, "tag": tag.name}
            await field.tell(True, "hi", us=at + number * S, seq=1, **where)
        counts = await counted(client, toHandle=12)
        found = counts["flood"]["groups"]
        assert {one["wellId"]: one["total"] for one in found} == {"a1": 6, "a2": 6}
        assert found[0]["firstOut"] == field.id("hi", found[0]["wellId"], "t0")
        assert counts["raisedIn10Min"] == 12
        await field.store(
            *(
                (tag.well_id, tag.name, Transition(0, "hi", True, at + number * S, 2.0))
                for number, tag in enumerate(field.tags)
            )
        )
        await field.wake()
        for _ in field.tags:
            assert (await client.until("alarm"))["confirmed"]
        counts = await counted(client, toHandle=12)
        assert counts["raisedIn10Min"] == 12, "what was told and then stored counts once"
    await field.close()


async def test_another_tenants_alarms_are_never_shown(
    alarm_gateway: Gateway, field: Field, alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    theirs = Field(alarm_database, valkey.url)
    await theirs.open()
    async with screen(alarm_gateway, field.tenant) as client:
        assert (await watch(client))["alarms"] == []
        await theirs.set(True)
        await theirs.tell(True, "hihi")
        # a message of another tenant on our channel
        await theirs.publish(
            {"type": "condition", "tenantId": theirs.tenant}, f"scada:alarms:{field.tenant}"
        )
        mine = await field.set(True)
        assert (await client.until("alarm"))["alarmId"] == mine
        await client.nothing_but("alarm-counts", "alarm")
        assert {one["alarmId"] for one in client.seen if one["type"] == "alarm"} == {mine}
    refused = 'scada_feed_refused_total{reason="tenant"} 1.0'
    assert refused in alarm_gateway.metrics.text().decode()
    await theirs.close()


async def test_what_is_no_message_is_refused_and_the_next_one_is_heard(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with screen(alarm_gateway, field.tenant) as client:
        await watch(client)
        for junk in (b"", b"{", b"\xff", b'{"type":"condition"}', b"[1]", b"x" * (2 << 20)):
            await field.publish(junk)
        await field.publish({"type": "commands-stored", "tenantId": field.tenant})
        await field.tell(True)
        assert (await client.until("alarm"))["alarmId"] == field.id("hi")


async def test_without_a_subscription_nothing_is_told_and_after_its_end_nothing_more(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with (
        screen(alarm_gateway, field.tenant) as quiet,
        screen(alarm_gateway, field.tenant) as other,
    ):
        await watch(quiet)
        await watch(other)
        await quiet.say(type="unsubscribe-alarms")
        await quiet.until("alarms-unsubscribed")
        await field.set(True)
        await other.until("alarm")
        await quiet.nothing_but()
        again = await watch(quiet)
        assert [one["alarmId"] for one in again["alarms"]] == [field.id("hi")]


async def test_while_the_database_is_away_conditions_are_shown_and_afterwards_all_is_healed(
    alarm_database: Database, field: Field, valkey: EmbeddedValkey
) -> None:
    async with alarm_database.breakable() as (url, proxy):
        async with running(valkey.url, url) as gateway, screen(gateway, field.tenant) as client:
            await field.set(True, "hihi")
            first = await watch(client)
            assert (first["current"], first["eventNo"]) == (True, 1)
            await proxy.refuse()
            while (await client.until("alarm-counts"))["current"]:
                pass
            at = now_us()
            await field.tell(True, "hi", us=at)
            told = await client.until("alarm")
            assert (told["confirmed"], told["state"]) == (False, "unacknowledged")
            # another screen comes now
            async with screen(gateway, field.tenant) as late:
                seen = await watch(late)
                assert seen["current"] is False
                assert {(one["condition"], one["confirmed"]) for one in seen["alarms"]} == {
                    ("hihi", True),
                    ("hi", False),
                }
                await field.set(True, "hi", us=at)
                await field.set(False, "hihi")
                await proxy.accept()
                for one in (client, late):
                    stored = await one.until("alarm", alarmId=field.id("hi"))
                    assert (stored["confirmed"], stored["event"]["eventNo"]) == (True, 2)
                    returned = await one.until("alarm", alarmId=field.id("hihi"))
                    assert returned["event"]["eventNo"] == 3
                    while not (await one.until("alarm-counts"))["current"]:
                        pass


async def test_a_gateway_that_never_saw_the_database_says_so_and_shows_what_workers_tell(
    field: Field, valkey: EmbeddedValkey
) -> None:
    async with (
        running(valkey.url, NO_DATABASE) as gateway,
        screen(gateway, field.tenant) as client,
    ):
        first = await watch(client)
        assert (first["current"], first["asOf"], first["alarms"]) == (False, None, [])
        await field.tell(True)
        assert (await client.until("alarm"))["confirmed"] is False


@pytest.mark.parametrize("feed_server", ["valkey"], indirect=True)
async def test_what_happened_while_redis_was_away_is_told_from_the_database(
    alarm_database: Database, feed_server: FeedServer
) -> None:
    field = Field(alarm_database, feed_server.url)
    await field.open()
    async with (
        running(feed_server.url, alarm_database.gateway_url) as gateway,
        screen(gateway, field.tenant) as client,
    ):
        await watch(client)
        feed_server.stop()
        pressure = Transition(0, "hi", True, now_us(), 2100.0)
        await field.store((WELL, TAG, pressure))
        told = await client.until("alarm")
        assert (told["confirmed"], told["event"]["eventNo"]) == (True, 1)
        feed_server.start()
        await field.store((WELL, TAG, Transition(0, "hi", False, now_us(), 1900.0)))
        assert (await client.until("alarm"))["event"]["eventNo"] == 2
    await field.close()


async def test_words_that_redis_kept_back_are_not_shown_after_their_events_nor_counted_twice(
    alarm_gateway: Gateway, alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    field = Field(alarm_database, valkey.url)
    await field.open(*many_tags(["a1"], [f"t{n}" for n in range(7)], Alarm("hi", 1.0)))
    async with screen(alarm_gateway, field.tenant) as client:
        await watch(client)
        at = now_us() - 30 * S
        for active in (True, False):
            await field.store(
                *(
                    (tag.well_id, tag.name, Transition(0, "hi", active, at, 2.0))
                    for tag in field.tags
                )
            )
        await field.wake()
        for _ in range(14):
            assert (await client.until("alarm"))["confirmed"]
        for tag in field.tags:
            await field.tell(True, "hi", us=at, seq=1, well=tag.well_id, tag=tag.name)
        fresh = await field.tell(True, "hi", seq=3, well="a1", tag="t0")
        told = await client.until("alarm")
        assert (told["alarmId"], told["confirmed"], told["state"]) == (
            fresh,
            False,
            "unacknowledged",
        )
        counts = await counted(client, byState={"returned_unacknowledged": 6, "unacknowledged": 1})
        assert (counts["raisedIn10Min"], counts["flood"]) == (8, None)
    await field.close()


async def test_what_a_killed_worker_told_and_could_not_keep_ends_when_the_next_one_is_there(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with screen(alarm_gateway, field.tenant) as client:
        await watch(client)
        await field.beat()
        await field.tell(True, "hi", seq=5, kept=False)
        assert (await client.until("alarm"))["state"] == "unacknowledged"
        await field.beat(follows=5)
        await field.wake()
        over = await client.until("alarm")
        assert (over["alarmId"], over["state"], over["event"]) == (field.id("hi"), "normal", None)
        assert (await counted(client, toHandle=0))["unacknowledged"] == 0


async def test_conditions_of_which_there_are_too_many_are_counted_and_told_once_they_are_stored(
    alarm_gateway: Gateway, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "TOLD_MAX", 1)
    async with screen(alarm_gateway, field.tenant) as client:
        await watch(client)
        await field.tell(True, "hi", seq=1)
        await client.until("alarm")
        await field.tell(True, "hihi", seq=1)
        at = now_us()
        for condition in ("hi", "hihi"):
            await field.set(True, condition, us=at)
        stored = [await client.until("alarm"), await client.until("alarm")]
        assert [one["event"]["eventNo"] for one in stored] == [1, 2]
    line = f'scada_alarm_words_refused_total{{tenant_id="{field.tenant}"}} 1.0'
    assert line in alarm_gateway.metrics.text().decode()


async def test_a_database_that_was_put_back_is_shown_anew(
    alarm_gateway: Gateway, field: Field, alarm_database: Database
) -> None:
    await field.set(True, "hi")
    await field.set(True, "hihi")
    async with screen(alarm_gateway, field.tenant) as client:
        assert (await watch(client))["eventNo"] == 2
        await alarm_database.ask("DELETE FROM pumpjack.events WHERE tenant_id = $1", field.tenant)
        await alarm_database.ask(
            "UPDATE pumpjack.alarm SET state = 'normal', active = false, acknowledged = true "
            "WHERE alarm_id = $1",
            field.id("hihi"),
        )
        await alarm_database.ask(
            "UPDATE pumpjack.event_head SET event_no = 1 WHERE tenant_id = $1", field.tenant
        )
        await field.wake()
        again = await client.until("alarms")
        assert (again["resumed"], again["eventNo"]) == (True, 1)
        assert [one["condition"] for one in again["alarms"]] == ["hi"]


async def test_a_thousand_alarms_come_through_each_once_in_order(
    alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    """A thousand within a minute and much less: 250 alarms, each raised and returned, twice."""
    field = Field(alarm_database, valkey.url)
    tags = many_tags([f"w{n}" for n in range(25)], [f"t{n}" for n in range(10)], Alarm("hi", 1.0))
    await field.open(*tags)
    async with (
        running(valkey.url, alarm_database.gateway_url) as gateway,
        screen(gateway, field.tenant) as client,
    ):
        await watch(client)
        pairs = [(tag.well_id, tag.name) for tag in tags]
        for active in (True, False, True, False):
            for start in range(0, 250, 25):
                await field.store(
                    *(
                        (well, tag, Transition(0, "hi", active, now_us(), 2.0))
                        for well, tag in pairs[start : start + 25]
                    )
                )
                await field.wake()
        numbers = [(await client.until("alarm"))["event"]["eventNo"] for _ in range(1000)]
        assert numbers == list(range(1, 1001))
        await counted(client, toHandle=250, unacknowledged=250)
    await field.close()
