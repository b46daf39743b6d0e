"""Each step of each command reaches those who subscribed, once and in its order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from pumpjack_gateway.commands import feed
from pumpjack_gateway.main import Gateway
from tests.gateway.commands.conftest import People
from tests.gateway.commands.field import OTHER_WELL, WELL, Field, Person
from tests.gateway.conftest import FeedServer, running
from tests.gateway.screens import Screen, screen

pytestmark = pytest.mark.servers
WHOLE_WAY = ["requested", "validated", "approved", "sent", "accepted", "verified"]


@pytest.fixture
async def watcher(gateway: Gateway, field: Field) -> AsyncIterator[Screen]:
    """A viewer's screen that shows the well's commands."""
    async with screen(gateway, field.tenant) as watcher:
        await subscribe(watcher, wellId=WELL)
        yield watcher


async def subscribe(watcher: Screen, **well: str) -> dict[str, Any]:
    await watcher.say(type="subscribe-commands", **well)
    return await watcher.until("commands")


async def steps(watcher: Screen, until: str = "verified") -> list[str]:
    """The states that were told, up to this one."""
    told: list[str] = []
    while until not in told:
        message = await watcher.until("command")
        assert message["changeNo"] == message["step"]["changeNo"]
        told.append(message["step"]["state"])
    return told


async def test_a_command_is_followed_from_the_request_to_its_verification(
    watcher: Screen, ann: Person, field: Field
) -> None:
    await ann.asked("pump_speed", 7.5)
    await field.carry_out(7.5)
    assert await steps(watcher) == WHOLE_WAY
    messages = [message for message in watcher.seen if message["type"] == "command"]
    numbers = [message["changeNo"] for message in messages]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    last = messages[-1]
    assert (
        last["command"] | {"tagName": "pump_speed", "readBack": 7.5, "state": "verified"}
        == (last["command"])
    )
    assert last["step"]["message"] == "read back: 7.5"


async def test_a_new_screen_gets_what_runs_and_what_was_last_and_goes_on_from_there(
    gateway: Gateway, ann: Person, field: Field
) -> None:
    await ann.asked("pump_speed", 7.5)
    await field.carry_out(7.5)
    await ann.asked("choke", 40)
    async with screen(gateway, field.tenant) as late:
        shown = await subscribe(late, wellId=WELL)
        assert [(one["tagName"], one["state"]) for one in shown["commands"]] == [
            ("choke", "approved"),
            ("pump_speed", "verified"),
        ]
        assert shown["wellId"] == WELL
        assert shown["asOf"]
        await field.carry_out(40)
        assert await steps(late) == ["sent", "accepted", "verified"]
        first = next(one for one in late.seen if one["type"] == "command")
        assert first["changeNo"] == shown["changeNo"] + 1


async def test_what_the_second_person_does_is_told_to_the_first(
    watcher: Screen, ann: Person, people: People, field: Field
) -> None:
    asked = await ann.asked("wing_valve", 1)
    await people("bob").decide(asked["commandId"], approve=False, comment="people at the well")
    assert await steps(watcher, "rejected") == ["requested", "validated", "rejected"]
    told = watcher.seen[-1]["step"]
    assert (told["actor"], told["message"]) == (
        "bob",
        "rejected by bob; nothing was written: people at the well",
    )


async def test_what_nobody_takes_is_told_to_have_expired(watcher: Screen, ann: Person) -> None:
    await ann.asked("pump_speed", 7.5, expiresS=1)
    assert (await steps(watcher, "expired"))[-2:] == ["approved", "expired"]


async def test_commands_of_another_well_are_not_told(
    gateway: Gateway, watcher: Screen, ann: Person, field: Field
) -> None:
    async with screen(gateway, field.tenant) as other, screen(gateway, field.tenant) as both:
        await subscribe(other, wellId=OTHER_WELL)
        assert (await subscribe(both))["wellId"] is None
        await ann.asked("pump_speed", 7.5)
        await field.carry_out(7.5)
        await steps(watcher)
        assert await steps(both) == WHOLE_WAY
        await other.nothing_but()


async def test_a_well_of_another_tenant_is_refused_as_one_that_does_not_exist(
    gateway: Gateway, field: Field
) -> None:
    await field.make_tenant(f"{field.tenant}-rival")
    async with screen(gateway, f"{field.tenant}-rival") as eve:
        for well in (WELL, "no-such-well"):
            await eve.say(type="subscribe-commands", wellId=well)
            problem = await eve.until("error", wellId=well)
            assert (problem["code"], problem["message"]) == (
                "FORBIDDEN_WELL",
                "there is no such well for you",
            )


async def test_commands_of_another_tenant_are_not_told(
    gateway: Gateway, watcher: Screen, ann: Person, field: Field
) -> None:
    await field.make_tenant(f"{field.tenant}-rival")
    async with screen(gateway, f"{field.tenant}-rival") as eve:
        assert (await subscribe(eve))["commands"] == []
        await ann.asked("pump_speed", 7.5)
        await steps(watcher, "approved")
        await eve.nothing_but()


async def test_after_unsubscribing_nothing_more_is_told(
    gateway: Gateway, watcher: Screen, ann: Person, field: Field
) -> None:
    async with screen(gateway, field.tenant) as other:
        await subscribe(other)
        await watcher.say(type="unsubscribe-commands")
        await watcher.until("commands-unsubscribed")
        await ann.asked("pump_speed", 7.5)
        await steps(other, "approved")
        await watcher.nothing_but()


async def test_a_gateway_is_woken_by_what_another_one_did(
    gateway: Gateway, field: Field, valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "QUIET_LOOK_S", 3600.0)
    async with running(valkey.url, field.url) as another, screen(gateway, field.tenant) as watcher:
        await subscribe(watcher)
        bob = Person(another, field.tenant, "bob")
        await bob.asked("choke", 12)
        assert await steps(watcher, "approved") == ["requested", "validated", "approved"]
        await bob.close()


async def test_nothing_is_missed_while_redis_is_away(field: Field, feed_server: FeedServer) -> None:
    await field.move_to(feed_server.url)
    async with running(feed_server.url, field.url) as gateway:
        async with screen(gateway, field.tenant) as watcher:
            await subscribe(watcher)
            ann = Person(gateway, field.tenant, "ann")
            await ann.asked("pump_speed", 7.5)
            feed_server.stop()
            await field.carry_out(7.5)
            assert await steps(watcher) == WHOLE_WAY
            feed_server.start()
            await ann.close()


async def test_nothing_is_missed_while_the_database_is_away(field: Field, valkey: Any) -> None:
    async with field.behind_a_proxy() as (proxy, url):
        async with running(valkey.url, url) as gateway, screen(gateway, field.tenant) as watcher:
            await subscribe(watcher)
            ann = Person(gateway, field.tenant, "ann")
            await ann.asked("pump_speed", 7.5)
            await steps(watcher, "approved")
            await proxy.refuse()
            await field.carry_out(7.5)
            await proxy.accept()
            assert await steps(watcher) == ["sent", "accepted", "verified"]
            await ann.close()


async def test_who_subscribes_while_the_database_is_away_is_told_and_gets_it_later(
    field: Field, valkey: Any
) -> None:
    async with field.behind_a_proxy() as (proxy, url):
        async with running(valkey.url, url) as gateway, screen(gateway, field.tenant) as watcher:
            await proxy.refuse()
            await watcher.say(type="subscribe-commands")
            assert (await watcher.until("error"))["code"] == "UNAVAILABLE"
            await proxy.accept()
            await watcher.until("commands")


async def test_a_database_that_was_put_back_is_shown_anew_and_nothing_after_it_is_missed(
    watcher: Screen, ann: Person, field: Field
) -> None:
    await ann.asked("pump_speed", 7.5)
    await steps(watcher, "approved")
    async with field.admin.transaction():
        await field.admin.execute("DELETE FROM pumpjack.command_steps")
        await field.admin.execute("DELETE FROM pumpjack.commands")
        await field.admin.execute("UPDATE pumpjack.event_head SET change_no = 0")
    shown = await watcher.until("commands")
    assert (shown["changeNo"], shown["commands"]) == (0, [])
    await ann.asked("choke", 12)
    assert await steps(watcher, "approved") == ["requested", "validated", "approved"]
