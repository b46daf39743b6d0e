"""Two people at two screens do the same thing to one alarm."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from tests.screens.alarming import Alarming, alarming
from tests.screens.chromium import Person, Screens
from tests.screens.line import Line

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
FIRST = re.compile(r"ann was first, at \d\d:\d\d:\d\d\.")


async def late(screens: Screens, plant: Alarming, path: str, line: Line) -> Person:
    """Bob, whose screen is behind a slow line."""
    person = await screens.person(f"{plant.rest}/sign-in")
    await line.lay(person.page)
    await person.page.goto(plant.link(path, who="bob"))
    return person


async def acknowledgements(plant: Alarming) -> list[tuple[str, str]]:
    """Who did it, with what outcome, as the audit log has it."""
    entries = await plant.field.database.audited(plant.field.tenant, "alarms.acknowledged")
    return [(one["actor"], one["outcome"]) for one in entries]


async def test_the_second_of_two_is_told_in_the_list_who_was_first_and_when(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, empty_database: str, screens: Screens
) -> None:
    async with alarming(postgres, empty_database, valkey) as plant:
        await plant.field.set(True)
        ann = await screens.person(plant.link("/alarms", who="ann"))
        line = Line()
        bob = await late(screens, plant, "/alarms", line)
        for person in (ann, bob):
            side = person.page.get_by_role("region", name="Chosen alarm")
            await expect(
                side.get_by_role("button", name=re.compile("^Acknowledge"))
            ).to_be_visible()
        line.hold("alarm")

        await press(ann.page)
        await expect(row(ann.page)).to_contain_text(re.compile("(?<!UN)ACK"))
        await press(bob.page)
        await expect(row(bob.page)).to_contain_text(FIRST)
        side = bob.page.get_by_role("region", name="Chosen alarm")
        await expect(side.get_by_role("status")).to_contain_text(FIRST)

        line.free.set()
        await expect(side.get_by_text("Acknowledged by ann")).to_be_visible()
        await expect(ann.page.get_by_text("was first")).to_have_count(0)
        assert set(await acknowledgements(plant)) == {("ann", "done"), ("bob", "refused")}
        assert ann.problems == []
        assert all("409" in one for one in bob.problems)  # that is how he is told


def row(page: Page) -> Locator:
    """The alarm in the list."""
    return page.get_by_role("row").filter(has_text="Tubing pressure")


async def press(page: Page) -> None:
    """Acknowledge the chosen alarm."""
    side = page.get_by_role("region", name="Chosen alarm")
    await side.get_by_role("button", name=re.compile("^Acknowledge")).click()


async def test_the_second_of_two_is_told_in_the_banner_who_was_first_and_when(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, empty_database: str, screens: Screens
) -> None:
    async with alarming(postgres, empty_database, valkey) as plant:
        await plant.field.set(True)
        ann = await screens.person(plant.link("/connections", who="ann"))
        line = Line()
        bob = await late(screens, plant, "/connections", line)
        banners = [
            person.page.get_by_role("region", name="Alarms", exact=True) for person in (ann, bob)
        ]
        for banner in banners:
            await expect(banner.get_by_role("button", name=re.compile("^Ack"))).to_be_visible()
        line.hold("alarm")
        await ann.page.keyboard.press("a")
        await expect(banners[0].get_by_text("All acknowledged")).to_be_visible()
        await bob.page.keyboard.press("a")
        await expect(banners[1].get_by_role("status")).to_contain_text(FIRST)
        line.free.set()
        await expect(banners[1].get_by_text("All acknowledged")).to_be_visible()
        assert ann.problems == []
        assert all("409" in one for one in bob.problems)  # that is how he is told
