"""Lists of alarms and events over REST, their sums and figures."""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.alarms import Transition
from pumpjack_core.tags import Alarm
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.api import Api, person
from tests.gateway.alarms.field import TAG, WELL, Field, S, many_tags, now_us
from tests.gateway.databases import Database

pytestmark = pytest.mark.servers
DAY = 86_400 * S


async def pages(api: Api, path: str, rows: str, **parameters: Any) -> list[list[dict[str, Any]]]:
    page = await api.get(path, **parameters)
    found = [page[rows]]
    while page["nextCursor"] is not None:
        page = await api.get(path, **parameters, cursor=page["nextCursor"])
        found.append(page[rows])
    return found


@pytest.fixture
async def wide(alarm_database: Database, valkey: EmbeddedValkey) -> Any:
    """Three wells with three tags, each with a hi of priority 2 and a lolo of priority 1."""
    field = Field(alarm_database, valkey.url)
    hi = Alarm("hi", 10.0, priority=2, message="too high, 100%_sure")
    lolo = Alarm("lolo", 1.0, priority=1, message="far too low")
    await field.open(*many_tags(["a1", "a2", "b1"], ["flow", "level", "speed"], hi, lolo))
    yield field
    await field.close()


async def raise_all(field: Field, at: int) -> None:
    """Nine alarms hi, one a second."""
    pairs = [(tag.well_id, tag.name) for tag in field.tags]
    await field.store(
        *(
            (well, tag, Transition(0, "hi", True, at + number * S, 11.0))
            for number, (well, tag) in enumerate(pairs)
        )
    )


async def test_what_is_to_be_acknowledged_comes_first_then_by_priority_then_the_newest(
    alarm_gateway: Gateway, wide: Field
) -> None:
    at = now_us() - 100 * S
    await raise_all(wide, at)
    low = await wide.set(True, "lolo", us=at - S, well="b1", tag="flow")
    async with person(alarm_gateway, wide.tenant) as ann:
        seen = wide.id("hi", "b1", "speed")
        await ann.act("acknowledge", seen)
        listed = await ann.alarms()
        assert listed[0]["alarmId"] == low
        assert listed[-1]["alarmId"] == seen
        times = [one["since"] for one in listed[1:-1]]
        assert times == sorted(times, reverse=True)
        assert len(listed) == 10


async def test_pages_together_are_all_alarms_each_once(alarm_gateway: Gateway, wide: Field) -> None:
    await raise_all(wide, now_us() - 100 * S)
    async with person(alarm_gateway, wide.tenant) as ann:
        whole = await ann.alarms()
        found = await pages(ann, "alarms", "alarms", limit=4)
        assert [len(page) for page in found] == [4, 4, 1]
        assert [one for page in found for one in page] == whole
        events = await pages(ann, "events", "events", limit=4)
        numbers = [one["eventNo"] for page in events for one in page]
        assert numbers == list(range(9, 0, -1))
        cursor = (await ann.get("alarms", limit=4))["nextCursor"]
        problem = await ann.refused("alarms", 422, limit=4, cursor=cursor, q="flow")
        assert "cursor" in problem["detail"]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"wellId": "a1"}, 3),
        ({"connectionId": "ops/pad7"}, 9),
        ({"connectionId": "ops/other"}, 0),
        ({"priority": [1, 2]}, 9),
        ({"priority": 1}, 0),
        ({"condition": ["hi", "lo"]}, 9),
        ({"state": "acknowledged"}, 0),
        ({"state": "normal"}, 9),  # the nine lolo
        ({"q": "LEV"}, 3),
        ({"q": "b1"}, 3),
        ({"q": "too high"}, 9),
        ({"q": "100%_s"}, 9),
        ({"q": "100_%s"}, 0),  # wildcards are letters like any other
        ({"q": "level", "wellId": "a1"}, 1),
    ],
)
async def test_a_list_is_filtered_and_searched(
    alarm_gateway: Gateway, wide: Field, asked: dict[str, Any], number: int
) -> None:
    await raise_all(wide, now_us() - 100 * S)
    async with person(alarm_gateway, wide.tenant) as ann:
        page = await ann.get("alarms", **asked)
        assert len(page["alarms"]) == number
        assert page["asOf"]


async def test_history_is_filtered_by_alarm_kind_well_and_time(
    alarm_gateway: Gateway, field: Field
) -> None:
    at = now_us() - 1000 * S
    alarm = await field.set(True, us=at)
    await field.set(False, us=at + 10 * S)
    await field.set(True, "hihi", us=at + 20 * S)
    async with person(alarm_gateway, field.tenant) as ann:

        async def numbers(**asked: Any) -> list[int]:
            return [one["eventNo"] for one in (await ann.get("events", **asked))["events"]]

        assert await numbers(alarmId=alarm) == [2, 1]
        assert await numbers(kind="raised") == [3, 1]
        assert await numbers(wellId=WELL) == [3, 2, 1]
        assert await numbers(wellId="other") == []
        event = (await ann.get("events", kind="returned"))["events"][0]
        assert await numbers(start=event["at"]) == [3, 2]
        assert await numbers(end=event["at"]) == [1]
        assert (event["tagName"], event["state"]) == (TAG, "returned_unacknowledged")


async def test_in_a_flood_every_alarm_is_in_one_group_with_the_first_one_named(
    alarm_gateway: Gateway, wide: Field
) -> None:
    at = now_us() - 60 * S
    await raise_all(wide, at)
    async with person(alarm_gateway, wide.tenant) as ann:
        assert (await ann.get("alarms/counts"))["counts"]["flood"] is None
        for well in ("a1", "a2"):
            await wide.set(True, "lolo", us=at + 20 * S, well=well, tag="flow")
        counts = (await ann.get("alarms/counts"))["counts"]
        assert (counts["toHandle"], counts["raisedIn10Min"]) == (11, 11)
        found = counts["flood"]["groups"]
        assert {one["wellId"]: one["total"] for one in found} == {"a1": 4, "a2": 4, "b1": 3}
        assert {one["wellId"]: one["firstOut"] for one in found} == {
            well: wide.id("hi", well, "flow") for well in ("a1", "a2", "b1")
        }
        assert counts["byPriority"] == {"1": 2, "2": 9, "3": 0, "4": 0}
        group = next(one for one in found if one["wellId"] == "a1")
        named = [(one["alarmId"], one["version"]) for one in group["alarms"]]
        done = await ann.act("acknowledge", *named, comment="power dip")
        assert all(one["done"] for one in done)
        counts = (await ann.get("alarms/counts"))["counts"]
        assert (counts["toHandle"], counts["unacknowledged"]) == (11, 7)


async def test_figures_of_a_day_name_what_chatters_what_stands_and_what_comes_most(
    alarm_gateway: Gateway, field: Field
) -> None:
    now = now_us()
    standing = await field.set(True, "hihi", us=now - 2 * DAY)
    at = now - 3600 * S
    for number in range(4):
        await field.set(True, us=at + number * 20 * S)
        await field.set(False, us=at + number * 20 * S + 10 * S)
    async with person(alarm_gateway, field.tenant, "viewer") as ann:
        answer = await ann.get("alarms/figures")
        found = answer["figures"]
        assert (found["alarms"], found["peakPer10Min"]) == (4, 4)
        assert found["averagePer10Min"] == pytest.approx(4 / 144, abs=1e-4)
        (chattering,) = found["chattering"]
        assert chattering["alarm"]["alarmId"] == field.id("hi")
        assert chattering["mostPerMinute"] == 3
        assert [one["alarm"]["alarmId"] for one in found["standing"]] == [standing]
        assert found["mostFrequent"][0]["share"] == 1.0
        assert found["priorities"]["2"] == {"alarms": 4, "share": 1.0}
        assert set(found) - {"shifts"} <= set(answer["definitions"])
        assert sum(shift["alarms"] for shift in found["shifts"]) == 4


async def test_figures_are_asked_for_with_a_sensible_period(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with person(alarm_gateway, field.tenant) as ann:
        for asked in (
            {"start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"},
            {"start": "2199-01-01T00:00:00Z"},
            {"start": "yesterday"},
            {"shiftStart": "25:00Z"},
            {"shiftStart": "06:00"},
            {"shiftHours": "7"},
        ):
            assert (await ann.refused("alarms/figures", 422, **asked))["code"] == "BAD_REQUEST"
        answer = await ann.get("alarms/figures", shiftStart="06:00-06:00", shiftHours="8")
        assert 3 <= len(answer["figures"]["shifts"]) <= 4
