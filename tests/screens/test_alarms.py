"""The alarms page: in order, one beside it, and what people do to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size, Theme
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shut(field: Field) -> Iterator[None]:
    """The choke of permian-a1 is shut: the pressure before it rises beyond its limits."""
    field.command("permian-a1", "choke", "0")
    yield
    field.command("permian-a1", "choke", "100")


def row(page: Page, text: str) -> Locator:
    """The first row of permian-a1 with this text."""
    return page.get_by_role("row").filter(has_text="Permian A-1").filter(has_text=text).first


async def test_an_alarm_comes_by_itself_and_is_acknowledged_with_a_comment(
    field: Field, screens: Screens, shut: None
) -> None:
    person = await screens.person(field.link("/alarms"))
    page = person.page
    high = row(page, "Tubing pressure Hi")
    await expect(high).to_be_visible(timeout=90_000)
    await high.click()
    side = page.get_by_role("region", name="Chosen alarm")
    await expect(
        side.get_by_text("stuffing box").or_(side.get_by_text("closed line")).first
    ).to_be_visible()
    await expect(side.get_by_role("img").first).to_be_visible()
    await side.get_by_label("Comment").fill("opening the choke")
    await side.get_by_role("button", name="Acknowledge").click()
    await expect(
        side.get_by_text("Acknowledged by ann").or_(side.get_by_text("by ann")).first
    ).to_be_visible()
    await page.get_by_role("link", name="History").click()
    said = page.get_by_text("“opening the choke”").first
    await expect(said).to_be_visible()
    assert person.problems == []


async def test_shelving_takes_a_reason_and_moves_the_alarm_to_its_tab_until_it_is_taken_back(
    field: Field, screens: Screens, shut: None
) -> None:
    person = await screens.person(field.link("/alarms?q=tubing&well=permian-a1"))
    page = person.page
    first = page.get_by_role("row").filter(has_text="Tubing pressure").first
    await expect(first).to_be_visible(timeout=90_000)
    await first.click()
    await page.get_by_role("button", name="Shelve…").click()
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Shelve").click()
    await expect(dialog.get_by_text("Say why")).to_be_visible()
    await dialog.get_by_label("Reason").fill("transmitter is changed")
    await dialog.get_by_role("radio", name="15 min").click()
    await dialog.get_by_role("button", name="Shelve").click()
    await expect(dialog).to_have_count(0)
    await page.get_by_role("link", name="Shelved").click()
    shelved = page.get_by_role("row").filter(has_text="Shelved by ann")
    await expect(shelved.first).to_be_visible()
    await shelved.first.click()
    await page.get_by_role("button", name="Unshelve").click()
    await expect(shelved).to_have_count(0)


async def test_a_viewer_reads_and_is_told_why_nothing_can_be_acknowledged(
    field: Field, screens: Screens, shut: None
) -> None:
    person = await screens.person(field.link("/alarms", role="viewer", who="eve"))
    page = person.page
    await expect(row(page, "Tubing pressure")).to_be_visible(timeout=90_000)
    side = page.get_by_role("region", name="Chosen alarm")
    await expect(side.get_by_text("Needs the operator role; you are viewer.").first).to_be_visible()


async def test_figures_are_counted_and_say_what_is_aimed_at(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link("/alarms?tab=figures"))
    await expect(person.page.get_by_text("aim under 6 an hour")).to_be_visible()
    await expect(person.page.get_by_role("region", name="Most frequent")).to_be_visible()


@pytest.mark.parametrize(("size", "theme"), [("desktop", "dark"), ("phone", "light")])
async def test_the_list_with_an_alarm_chosen_can_be_used_by_everybody(
    field: Field, screens: Screens, shut: None, size: Size, theme: Theme
) -> None:
    person = await screens.person(field.link("/alarms"), size=size, theme=theme)
    page = person.page
    first = row(page, "Tubing pressure")
    await expect(first).to_be_visible(timeout=90_000)
    await first.click()
    await expect(page.get_by_role("region", name="Chosen alarm")).to_be_visible()
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
