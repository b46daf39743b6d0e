"""The frame that every page has."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size, Theme
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
PAGES = ("/", "/alarms", "/alarms?tab=history", "/control", "/connections", "/trends")
KIT = "/kit"
"""Every state of every part; one of them is a part that still waits."""


async def test_a_link_with_a_token_opens_the_overview_and_leaves_no_token_in_the_address(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link())
    await expect(person.page.get_by_role("navigation").first).to_be_visible()
    await expect(person.page.get_by_text("permian", exact=True).first).to_be_visible()
    assert "token" not in person.page.url
    assert person.foreign == []
    assert person.problems == []


async def test_without_a_token_the_sign_in_is_shown_and_a_pasted_token_opens_the_page_asked_for(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(f"{field.rest}/alarms")
    await person.page.get_by_label("token").fill(field.token())
    await person.page.get_by_role("button", name="Sign in").click()
    await expect(person.page.get_by_role("link", name="To handle")).to_be_visible()
    assert person.page.url.startswith(f"{field.rest}/alarms")


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
async def test_every_page_can_be_used_by_everybody(
    field: Field, screens: Screens, size: Size, theme: Theme
) -> None:
    person = await screens.person(field.link(), size=size, theme=theme)
    await expect(person.page.get_by_role("navigation").first).to_be_visible()
    found: list[str] = []
    for path in (*PAGES, KIT):
        await person.page.goto(field.rest + path)
        await expect(person.page.get_by_role("heading", level=1)).to_be_attached()
        if path != KIT:
            await expect(person.page.locator("[aria-busy=true]")).to_have_count(0)
        found += [f"{path}: {line}" for line in await violations(person.page)]
        if await is_wider_than_the_screen(person.page):
            found.append(f"{path}: it scrolls sideways")
    assert found == []
    assert person.problems == []


async def test_on_a_phone_the_tabs_of_a_wells_page_mean_that_well(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/wells/permian-a2"), size="phone")
    page = person.page
    tabs = page.get_by_role("navigation", name="Screens")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Permian A-2")
    await tabs.get_by_role("link", name="Trends").click()
    pens = page.get_by_role("table", name="Pens")
    await expect(pens.get_by_role("row", name="Permian A-2")).not_to_have_count(0)
    await expect(pens.get_by_role("row", name="Permian A-1")).to_have_count(0)
    await page.go_back()
    await tabs.get_by_role("link", name="Control").click()
    await expect(page).to_have_url(f"{field.rest}/wells/permian-a2/control")
    await tabs.get_by_role("link", name="Overview").click()
    await expect(tabs.get_by_role("link", name="Trends")).to_have_attribute("href", "/trends")
    await page.goto(f"{field.rest}/wells/permian-a2")
    await page.set_viewport_size({"width": 1024, "height": 700})
    await expect(tabs.get_by_role("link", name="Control")).to_have_attribute("href", "/control")
    assert person.problems == []
