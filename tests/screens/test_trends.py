"""Trends: any tags over one time axis, as the gateway's history and its feed have them."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import Locator, Page, Request, Route, expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]

TUBING = "permian-a1/tubing_pressure"
CASING = "permian-a1/casing_pressure"
SPEED = "permian-a1/pump_speed"
OTHER_TUBING = "permian-a2/tubing_pressure"


def trend(*pens: str, **more: str) -> str:
    """The address of a trend."""
    return "/trends?" + urlencode([*(("pens", pen) for pen in pens), *more.items()])


def asked(page: Page) -> dict[str, list[str]]:
    """What the address of the page says."""
    return parse_qs(urlsplit(page.url).query)


def row(page: Page, name: str) -> Locator:
    """The row of a pen."""
    return page.get_by_role("table", name="Pens").get_by_role("row").filter(has_text=name)


BETWEEN_FILES_MS = 2_000
"""A browser holds files back from a page that gives many at once."""


async def drawn(page: Page, lanes: int) -> None:
    """Wait until so many lanes are on the screen, and nothing more is on its way."""
    await expect(page.locator(".tlane canvas")).to_have_count(lanes)
    await expect(page.locator(".tplot")).to_have_attribute("aria-busy", "false")


async def exported(page: Page) -> list[dict[str, str]]:
    """The lines of the CSV file."""
    async with page.expect_download() as coming:
        await page.get_by_role("button", name="CSV").first.click()
    path = await (await coming.value).path()
    return list(csv.DictReader(io.StringIO(Path(path).read_text())))


async def test_each_unit_has_a_lane_and_the_table_says_what_is_drawn(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(trend(TUBING, OTHER_TUBING, SPEED, live="1h")))
    page = person.page
    await drawn(page, 2)
    await expect(page.get_by_text("Raw and live · every extreme kept")).to_be_visible()
    tubing = row(page, "Permian A-1 Tubing pressure")
    await expect(tubing).to_contain_text(re.compile(r"\d ?psi"))
    await expect(tubing).to_contain_text("% GOOD")
    # a minute of it at least, so that there is something ten pixels ago
    await expect(tubing).to_contain_text(
        re.compile(r"(?<![\d.])([2-9]|\d\d)(\.\d)? % GOOD"), timeout=120_000
    )
    # nothing is at the cursor before there is one
    await expect(page.get_by_role("columnheader", name="At cursor")).to_be_visible()
    await page.keyboard.press("Shift+ArrowLeft")
    await page.keyboard.press("ArrowRight")
    cursor = page.get_by_role("slider", name="Time cursor")
    await expect(cursor).to_have_attribute(
        "aria-valuetext", re.compile(r"^\d\d:\d\d:\d\d −0[56]:00; Tubing pressure: \d")
    )
    await expect(page.get_by_role("columnheader", name=re.compile(r"At \d\d:"))).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("columnheader", name="At cursor")).to_be_visible()
    assert person.problems == []
    assert person.foreign == []


async def test_what_comes_live_goes_on_behind_what_is_stored(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(trend(TUBING, live="600s")))
    page = person.page
    await drawn(page, 1)
    questions: list[str] = []

    def note(request: Request) -> None:
        if "/api/scada/readings" in request.url:
            questions.append(request.url)

    page.on("request", note)
    before = await exported(page)
    newest = before[-1]["to"] if before[-1]["quality"] != "NONE" else before[-2]["to"]

    async def later() -> bool:
        now = [one for one in await exported(page) if one["quality"] != "NONE"]
        return bool(now) and now[-1]["to"] > newest

    while not await later():  # the test's own limit ends it
        await page.wait_for_timeout(BETWEEN_FILES_MS)
    times = [one["from"] for one in await exported(page) if one["quality"] != "NONE"]
    assert times == sorted(set(times)), "a reading stands twice, or before an earlier one"
    assert questions == [], "it was asked for again rather than taken from the feed"


async def test_an_export_has_offsets_and_quality_and_no_gap_before_the_first_reading(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(trend(TUBING, live="8h", zone="America/Denver")))
    page = person.page
    await drawn(page, 1)
    lines = await exported(page)
    assert {one["well"] for one in lines} == {"permian-a1"}
    assert {one["unit"] for one in lines} == {"psi"}
    assert all(re.search(r"T\d\d:\d\d:\d\d(\.\d+)?-0[67]:00$", one["from"]) for one in lines)
    first = lines[0]  # the field is younger than eight hours, and nothing is missing before it
    assert first["quality"] != "NONE"
    assert first["last"] != ""
    assert any(one["quality"] == "GOOD" and float(one["last"]) > 0 for one in lines)
    async with page.expect_download() as coming:
        await page.get_by_role("button", name="PNG").first.click()
    picture = await coming.value
    assert picture.suggested_filename.startswith("trend-permian-a1-")
    assert Path(await picture.path()).read_bytes().startswith(b"\x89PNG")


async def test_a_drag_zooms_a_double_click_goes_back_and_the_address_has_it_all(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(trend(TUBING, SPEED, live="1h")))
    page = person.page
    await drawn(page, 2)
    box = await page.locator(".tarea").bounding_box()
    assert box is not None
    y = box["y"] + 60
    await page.mouse.move(box["x"] + box["width"] * 0.5, y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.75, y, steps=4)
    await page.mouse.up()
    await page.wait_for_url(re.compile(r"[?&]from="))
    await drawn(page, 2)
    said = asked(page)
    length = datetime.fromisoformat(said["to"][0]) - datetime.fromisoformat(said["from"][0])
    assert abs(length - timedelta(minutes=15)) < timedelta(seconds=30)
    assert said["pens"] == [TUBING, SPEED]
    await expect(page.get_by_role("button", name="Follow live")).to_have_attribute(
        "aria-pressed", "false"
    )
    again = await screens.person(page.url + "#token=" + field.token())
    await drawn(again.page, 2)
    range_words = await page.locator(".tnav > span").inner_text()
    await expect(again.page.locator(".tnav > span")).to_have_text(range_words)
    await page.locator(".tarea").dblclick(position={"x": 300, "y": 60})
    await page.wait_for_url(re.compile(r"[?&]live=1h"))


async def test_keys_zoom_follow_and_lay_yesterday_beneath(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link(trend(TUBING, live="1h")))
    page = person.page
    await drawn(page, 1)
    await page.keyboard.press("+")
    await page.wait_for_url(re.compile("live=1800s"))
    await page.keyboard.press("-")
    await page.wait_for_url(re.compile("live=1h"))
    await page.keyboard.press("y")
    await page.wait_for_url(re.compile("yesterday=1"))
    await expect(page.get_by_role("checkbox", name="Yesterday")).to_be_checked()
    await page.get_by_role("button", name="Earlier").click()
    await page.wait_for_url(re.compile("from="))
    await page.keyboard.press("l")
    await page.wait_for_url(re.compile("live=1h"))
    await drawn(page, 1)
    assert person.problems == []


async def test_two_fingers_pinch_the_range(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link(trend(TUBING, live="1h")), size="phone")
    page = person.page
    await drawn(page, 1)
    box = await page.locator(".tarea").bounding_box()
    assert box is not None
    y = box["y"] + 80
    hand = await person.context.new_cdp_session(page)

    async def fingers(kind: str, *at: float) -> None:
        points = [
            {"x": box["x"] + box["width"] * share, "y": y, "id": number}
            for number, share in enumerate(at)
        ]
        await hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    await fingers("touchStart", 0.4, 0.6)
    await fingers("touchMove", 0.3, 0.7)
    await fingers("touchMove", 0.2, 0.8)
    await fingers("touchEnd")
    await page.wait_for_url(re.compile("from="))
    said = asked(page)
    length = datetime.fromisoformat(said["to"][0]) - datetime.fromisoformat(said["from"][0])
    assert timedelta(minutes=15) < length < timedelta(minutes=26)


async def test_a_new_range_is_named_while_the_old_one_stays_dimmed(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(trend(TUBING, live="1h")))
    page = person.page
    await drawn(page, 1)
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/api/scada/readings*", hold)
    await page.get_by_role("radio", name="7 d").click()
    await expect(page.locator(".tcoming")).to_contain_text("Loading")
    await expect(page.locator(".tplot")).to_have_attribute("aria-busy", "true")
    await expect(page.locator(".tlane canvas")).to_have_count(1)
    for route in held:
        await route.continue_()
    await page.unroute("**/api/scada/readings*")
    await expect(page.locator(".tcoming")).to_have_count(0)
    await drawn(page, 1)


async def test_what_is_wrong_with_one_pen_stands_beside_it_alone(
    field: Field, screens: Screens
) -> None:
    link = field.link(trend(TUBING, "permian-a1/no_such_tag", "bakken-b1/tubing_pressure"))
    page = (await screens.person(link)).page
    await drawn(page, 1)
    await expect(row(page, "No such tag")).to_contain_text("This well has no tag no_such_tag.")
    foreign = row(page, "bakken-b1").get_by_role("alert")
    await expect(foreign).to_contain_text("Try again")
    await expect(row(page, "Tubing pressure").first).to_contain_text("% GOOD")


async def test_a_range_without_readings_says_so_and_leads_to_the_last(
    field: Field, screens: Screens
) -> None:
    start = datetime.now(UTC) + timedelta(hours=1)
    times = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}
    page = (await screens.person(field.link(trend(TUBING, **times)))).page
    await drawn(page, 1)
    await expect(page.locator(".tnone")).to_contain_text(
        "Tubing pressure: none in this range, last"
    )
    await page.get_by_role("button", name="Go there").click()
    await drawn(page, 1)
    await expect(page.locator(".tnone")).to_have_count(0)
    await expect(row(page, "Tubing pressure")).to_contain_text("% GOOD")


async def test_pens_are_found_added_and_removed_and_the_page_remembers_them(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/trends"))
    page = person.page
    await page.get_by_role("button", name="Find tags to draw").click()
    finder = page.get_by_role("combobox", name="Find a tag to draw")
    await finder.fill("a-1 tubing")
    await expect(page.get_by_role("option").first).to_contain_text("Tubing pressure")
    await finder.press("Enter")
    await page.wait_for_url(re.compile("pens=permian-a1/tubing_pressure"))
    await finder.fill("a-1 casing")
    await expect(page.get_by_role("option").first).to_contain_text("Casing pressure")
    await finder.press("Enter")
    await page.get_by_role("button", name="Done").click()
    await drawn(page, 1)
    assert asked(page)["pens"] == [TUBING, CASING]
    await page.get_by_role("button", name="Remove Permian A-1 Tubing pressure").click()
    await expect(row(page, "Tubing pressure")).to_have_count(0)
    assert asked(page)["pens"] == [CASING]
    await page.get_by_role("link", name="Trends").first.click()
    await expect(page.get_by_text("Looked at before")).to_be_visible()
    await page.get_by_role("link", name=re.compile("Casing pressure$")).first.click()
    await drawn(page, 1)
    assert person.problems == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_everybody_can_use_it(
    field: Field,
    screens: Screens,
    size: Literal["desktop", "phone"],
    theme: Literal["light", "dark"],
) -> None:
    pens = trend(TUBING, CASING, "permian-a2/pump_fillage", "permian-a1/no_such_tag", live="1h")
    person = await screens.person(field.link(pens), size=size, theme=theme)
    page = person.page
    await drawn(page, 2)
    await page.keyboard.press("Shift+ArrowLeft")
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
    await page.goto(f"{field.rest}/trends")
    await expect(page.get_by_text("No pens yet")).to_be_visible()
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
    assert [one for one in person.problems if "404" not in one] == []
