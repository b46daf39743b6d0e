"""The overview: what needs somebody now, among many wells before a real gateway."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.async_api import Locator, Page, expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size, Theme
from tests.screens.field import Field, build_screens
from tests.screens.many_wells import ManyWells, well_name
from tests.screens.read_each_second import read_each_second

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
WELLS = 150
AWAY = "ops/plc-05"
"""The device of wells 24 to 29."""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManyWells]:
    """150 wells that are read each second; one has an alarm, one stands, six have no data."""
    build_screens()
    folder: Path = tmp_path_factory.mktemp("many")
    with ManyWells(folder, WELLS) as field:
        field.stopped = {60}
        asyncio.run(field.fill())
        asyncio.run(field.lose(AWAY))
        asyncio.run(field.raise_alarms({85: "hihi"}))
        with read_each_second(field):
            yield field


def rows(page: Page) -> Locator:
    """Those that are drawn, without the headings."""
    return page.locator(".ov .space [role=row]")


def row(page: Page, number: int) -> Locator:
    return page.locator(f"[data-key='{well_name(number)}']")


async def test_values_of_the_demo_move_by_themselves(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link())
    value = rows(person.page).filter(has_text="Permian A-1").locator(".t").first
    before = await value.text_content()
    assert before is not None
    await expect(value).not_to_have_text(before)
    assert (person.problems, person.foreign) == ([], [])


async def test_what_needs_somebody_comes_first_and_says_why(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link())
    page = person.page
    await expect(rows(page).nth(0)).to_contain_text("BR 07-8H")
    await expect(rows(page).nth(0)).to_contain_text("Tubing HiHi 372 psi")
    await expect(rows(page).nth(0)).to_contain_text("limit 360 · unacknowledged")
    await expect(rows(page).nth(1)).to_contain_text("6 wells behind it")
    await expect(rows(page).nth(1)).to_contain_text("STALE")
    await expect(rows(page).nth(2)).to_contain_text("Down")
    await expect(rows(page).nth(2)).to_contain_text("STOPPED")
    await expect(rows(page).nth(3)).to_contain_text("Normal")
    await expect(page.get_by_role("button", name="No data 6")).to_be_visible()
    await expect(page.locator(".kpi").first).to_contain_text("143")
    await expect(page.locator(".kpi").first).to_contain_text("1 down · 6 unknown")
    await expect(page.locator(".kpi").nth(1)).to_contain_text("of 144 of 150 wells")
    await expect(page.locator(".kpi").nth(3)).to_contain_text("18 stale")
    assert (person.problems, person.foreign) == ([], [])


async def test_only_rows_in_sight_are_in_the_page_and_the_last_is_reached_by_a_key(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link())
    page = person.page
    await expect(row(page, 85)).to_be_visible()
    assert await rows(page).count() < 60
    await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "146")
    await row(page, 85).focus()
    await page.keyboard.press("End")
    last = row(page, WELLS - 1)
    await expect(last).to_be_focused()
    await expect(last).to_have_attribute("aria-rowindex", "146")
    await expect(last.locator(".t").first).not_to_be_empty()


async def test_the_order_is_held_while_somebody_points_at_the_list(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link())
    page = person.page
    await expect(rows(page).nth(2)).to_contain_text("Down")  # all is known that comes first
    third = rows(page).nth(3)
    await third.hover()
    held = await third.get_attribute("data-key")
    await many.raise_alarms({7: "hi"})
    moved = page.get_by_role("button", name="1 moved")
    await expect(moved).to_be_visible()
    assert await rows(page).nth(3).get_attribute("data-key") == held
    await moved.click()
    await expect(rows(page).nth(1)).to_have_attribute("data-key", well_name(7))
    await expect(moved).not_to_be_visible()


async def test_a_well_is_acknowledged_and_opened_by_keys(many: ManyWells, screens: Screens) -> None:
    person = await screens.person(many.link())
    page = person.page
    await many.raise_alarms({100: "lo"})
    await expect(row(page, 100)).to_contain_text("unacknowledged")
    await row(page, 100).focus()
    await page.keyboard.press("a")
    await expect(row(page, 100)).not_to_contain_text("unacknowledged")
    await expect(row(page, 100)).to_contain_text("acknowledged")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowDown")
    await expect(row(page, 100)).to_be_focused()
    await page.keyboard.press("t")
    await expect(page).to_have_url(re.compile(r"/trends\?.*pens=br-08-10h/tubing_pressure"))
    await page.go_back()
    await row(page, 100).focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/wells/{well_name(100)}$"))


async def test_a_viewer_is_told_why_nothing_is_acknowledged(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link(role="viewer"))
    await row(person.page, 85).focus()
    await person.page.keyboard.press("a")
    await expect(person.page.locator(".told")).to_contain_text("operator role")


async def test_the_list_is_narrowed_by_chip_and_place_and_the_address_says_so(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link())
    page = person.page
    await page.get_by_role("button", name="Down 1").click()
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("button", name="Needs attention first").click()
    await page.keyboard.press("f")
    pads = page.get_by_role("combobox", name="Pad")
    await pads.select_option("07")
    await expect(rows(page)).to_have_count(13)
    assert ("pad", "07") in parse_qsl(urlsplit(page.url).query)
    await page.reload()
    await expect(rows(page)).to_have_count(13)


async def test_small_trends_are_asked_for_only_for_rows_in_sight(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person("about:blank")
    asked: list[str] = []
    person.page.on("request", lambda one: asked.append(one.url) if "/sparks" in one.url else None)
    async with person.page.expect_response("**/api/scada/sparks*"):
        await person.page.goto(many.link())
    pens = [value for name, value in parse_qsl(urlsplit(asked[0]).query) if name == "pen"]
    drawn = await rows(person.page).evaluate_all("rows => rows.map(one => one.dataset.key)")
    assert 0 < len(pens) <= len(drawn)
    assert {pen.rpartition("/")[0] for pen in pens} <= set(drawn)


async def test_a_tenant_without_wells_reads_how_they_come_to_be_here(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link(tenant="new-tenant"))
    await expect(person.page.get_by_text("No well of this tenant is read yet")).to_be_visible()
    await expect(person.page.get_by_text("spec.wellId")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_everybody_can_use_the_overview(
    many: ManyWells, screens: Screens, size: Size, theme: Theme
) -> None:
    person = await screens.person(many.link(), size=size, theme=theme)
    page = person.page
    await expect(row(page, 85)).to_be_visible()
    await expect(page.locator(".spark svg").first).to_be_visible()
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
    assert await rows(page).count() < 60
    assert (person.problems, person.foreign) == ([], [])


async def test_a_wall_shows_the_same_larger_and_without_search(
    many: ManyWells, screens: Screens
) -> None:
    person = await screens.person(many.link("/?wall"))
    page = person.page
    await expect(row(page, 85)).to_be_visible()
    await expect(page.locator("html")).to_have_css("font-size", "24px")
    await expect(page.locator(".search")).not_to_be_visible()
    box = await row(page, 85).bounding_box()
    assert box is not None
    assert box["height"] == 63
    assert not await is_wider_than_the_screen(page)


async def test_in_a_flood_the_wells_stand_by_route(many: ManyWells, screens: Screens) -> None:
    person = await screens.person(many.link())
    page = person.page
    await expect(row(page, 85)).to_be_visible()
    await many.raise_alarms(dict.fromkeys(range(131, 145), "hi"))
    await expect(page.get_by_role("rowheader", name="Route A · North")).to_be_visible()
    await expect(rows(page).first).to_contain_text("Route A · North")
    await expect(page.get_by_label("Alarms", exact=True)).to_contain_text("FLOOD")
    await row(page, 85).focus()
    await page.keyboard.press("End")
    await expect(row(page, WELLS - 1)).to_be_focused()
    await expect(page.get_by_role("rowheader", name="Route B")).to_contain_text("14 with an alarm")
