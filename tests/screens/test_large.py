"""A well of a thousand tags and a tenant of three hundred connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size
from tests.screens.field import build_screens
from tests.screens.many_wells import ManyWells, further_tag, well_name
from tests.screens.read_each_second import read_each_second

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
CONNECTIONS = 300
FURTHER = 1000
TAGS = FURTHER + 3
DRAWN_MOST = 80
"""Rows that may be in the document at once, whatever there is."""

WELL = well_name(0)
TAG = further_tag(776)
SEEN_ON_THE_WAY = """
async ([grid, by]) => {
  const list = document.querySelector(`[role=grid][aria-label="${grid}"]`);
  const own = list.querySelector(".rows");
  const isOwn = own !== null && getComputedStyle(own).overflowY === "auto";
  const scrolls = isOwn ? own : document.scrollingElement;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const seen = new Set();
  for (scrolls.scrollTop = 0; ; scrolls.scrollTop += by) {
    await frame();
    await frame();
    for (const row of list.querySelectorAll("[role=row][data-index]"))
      seen.add(row.querySelector(".nm, .what").textContent);
    if (scrolls.scrollTop + scrolls.clientHeight >= scrolls.scrollHeight - 2) break;
  }
  return seen.size;
}
"""
"""Scrolls from the first row to the last; answers with how many names were drawn on the way."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManyWells]:
    """Each well has a device of its own, and the first has a thousand tags more than the others."""
    build_screens()
    folder: Path = tmp_path_factory.mktemp("large")
    with ManyWells(folder, CONNECTIONS, wells_a_connection=1, further_tags=FURTHER) as field:
        asyncio.run(field.fill())
        asyncio.run(field.lose("ops/plc-299"))
        with read_each_second(field):
            yield field


def rows(page: Page, grid: str) -> Locator:
    """Those that are drawn, without the headings."""
    return page.get_by_role("grid", name=grid).locator("[role=row][data-index]")


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_all_tags_of_a_well_are_there_and_only_those_in_sight_are_drawn(
    large: ManyWells, screens: Screens, size: Size
) -> None:
    person = await screens.person(large.link(f"/wells/{WELL}/tags"), size=size)
    page = person.page
    grid = page.get_by_role("grid", name="All tags")
    await expect(grid).to_have_attribute("aria-rowcount", str(TAGS + 1))
    await expect(rows(page, "All tags").first).to_contain_text("bbl/d")
    assert await rows(page, "All tags").count() < DRAWN_MOST
    assert await page.evaluate(SEEN_ON_THE_WAY, ["All tags", 500]) == TAGS
    last = rows(page, "All tags").last
    await expect(last).to_have_attribute("aria-rowindex", str(TAGS + 1))
    await expect(last).to_be_in_viewport()
    await expect(last.locator(".v")).not_to_be_empty()
    await page.evaluate("scrollTo(0, 0)")  # where no row is half beneath the frame's head
    await expect(page.locator("[data-index='0']")).to_be_in_viewport()
    assert not await is_wider_than_the_screen(page)
    assert await violations(page) == []
    assert person.problems == []


async def test_arrow_keys_walk_past_the_rows_that_were_drawn_and_a_search_finds_one_of_all(
    large: ManyWells, screens: Screens
) -> None:
    person = await screens.person(large.link(f"/wells/{WELL}/tags"))
    page = person.page
    await expect(rows(page, "All tags").first).to_contain_text("bbl/d")
    await rows(page, "All tags").first.get_by_role("link").focus()
    for at in range(1, 40):
        await page.keyboard.press("ArrowDown")
        link = page.locator(f"[data-index='{at}'] a[data-row]")
        await expect(link).to_be_focused()
        await expect(link).to_be_in_viewport()
    await page.get_by_label("Find a tag").fill(TAG)
    await expect(rows(page, "All tags")).to_have_count(1)
    await expect(rows(page, "All tags")).to_contain_text(TAG)
    await page.get_by_label("Find a tag").blur()
    await page.keyboard.press("/")
    await page.get_by_role("combobox").fill(TAG)
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("table", name="Pens")).to_contain_text("Point 0777")
    assert person.problems == []


async def test_the_page_of_such_a_well_is_no_larger_than_that_of_any_other(
    large: ManyWells, screens: Screens
) -> None:
    person = await screens.person(large.link(f"/wells/{WELL}"))
    page = person.page
    await expect(page.locator(".kv").first).to_contain_text("psi")
    await expect(page.locator(".picture svg").first).to_be_visible()
    assert await page.locator("main *").count() < 3000
    assert not await is_wider_than_the_screen(page)
    assert person.problems == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_all_connections_are_there_and_only_those_in_sight_are_drawn(
    large: ManyWells, screens: Screens, size: Size
) -> None:
    person = await screens.person(large.link("/connections"), size=size)
    page = person.page
    grid = page.get_by_role("grid", name="Connections")
    await expect(grid).to_have_attribute("aria-rowcount", str(CONNECTIONS + 1))
    await expect(rows(page, "Connections").first).to_contain_text("plc-299")
    assert await rows(page, "Connections").count() < DRAWN_MOST
    assert await page.evaluate(SEEN_ON_THE_WAY, ["Connections", 300]) == CONNECTIONS
    await expect(rows(page, "Connections").last).to_be_in_viewport()
    assert not await is_wider_than_the_screen(page)
    assert await violations(page) == []
    assert person.problems == []


async def test_arrow_keys_choose_connections_past_those_that_were_drawn(
    large: ManyWells, screens: Screens
) -> None:
    person = await screens.person(large.link("/connections?id=ops/plc-150"))
    page = person.page
    chosen = page.locator(".cng.sel")
    await expect(chosen).to_contain_text("plc-150")
    await expect(chosen).to_be_in_viewport()
    await chosen.focus()
    for number in range(151, 180):
        await page.keyboard.press("ArrowDown")
        await expect(chosen).to_contain_text(f"plc-{number}")
        await expect(chosen).to_be_focused()
        await expect(chosen).to_be_in_viewport()
    assert person.problems == []
