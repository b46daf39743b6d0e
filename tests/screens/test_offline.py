"""The gateway is lost while people look: what is old says so, and it comes back by itself."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size, Theme
from tests.screens.field import Field
from tests.screens.line import Line

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
WELL = "/wells/permian-a2/control"
LONG_MS = 120_000
"""Until the gateway is up again, and its screens have come back to it."""


def plate(page: Page, title: str = "Choke") -> Locator:
    """The faceplate of a tag."""
    return page.get_by_role("region", name=title, exact=True)


def offline_bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Offline")


async def live(page: Page) -> None:
    """Wait until its values are the present ones."""
    await expect(page.locator(".live [role=status]")).to_have_text("Live", timeout=LONG_MS)


async def record(page: Page) -> None:
    """Note each state that the frame shows from now on; a page that is loaded anew forgets them."""
    await page.evaluate(
        """() => {
          const state = () => document.querySelector(".live [role=status]")?.textContent;
          window.states = [state()];
          new MutationObserver(() => {
            if (state() !== window.states.at(-1)) window.states.push(state());
          }).observe(document.body, {childList: true, characterData: true, subtree: true});
        }"""
    )


async def recorded(page: Page) -> list[str]:
    found: list[str] = await page.evaluate("window.states ?? []")
    return found


async def test_what_is_old_says_so_and_everything_comes_back_without_a_reload(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(WELL))
    page = person.page
    change = plate(page).get_by_role("button", name="Change…")
    await live(page)
    await expect(change).not_to_have_attribute("aria-disabled", "true")
    await expect(plate(page).locator(".q.stale")).to_have_count(0)
    await record(page)
    with field.without_gateway():
        bar = offline_bar(page)
        await expect(bar).to_contain_text("OFFLINE")
        await expect(bar).to_contain_text(
            re.compile(r"lost the gateway at \d\d:\d\d:\d\d \(−0[56]:00\)")
        )
        await expect(bar).to_contain_text(re.compile(r"Data is \d+ s old"))
        await expect(bar).to_contain_text(re.compile(r"Next try in \d+ s|Trying now"))
        await expect(page.get_by_text("Alarm state is as of")).to_be_visible()
        # Every value: there is none that looks as if it were the present one.
        await expect(plate(page).locator(".q.stale")).to_have_text(re.compile("STALE"))
        await expect(page.locator("main .v:not(.stale)")).to_have_count(0)
        await expect(change).to_have_attribute("aria-disabled", "true")
        await expect(plate(page).locator(".why")).to_contain_text("lost the gateway")
        await change.click(force=True)
        await expect(page.get_by_role("dialog")).to_have_count(0)
        before = await bar.locator(".box").last.inner_text()
        await expect(bar.locator(".box").last).not_to_have_text(before)
    await expect(offline_bar(page)).to_have_count(0, timeout=LONG_MS)
    await live(page)
    await expect(plate(page).locator(".q.stale")).to_have_count(0)
    await expect(change).not_to_have_attribute("aria-disabled", "true")
    field.command("permian-a2", "choke", "57")
    await expect(plate(page).locator(".v").first).to_contain_text("57")
    states = await recorded(page)
    assert states[0] == "Live"
    assert "Offline" in states
    assert states[-1] == "Live"
    assert person.problems == []


async def test_a_gateway_that_stands_still_is_noticed_although_its_connection_is_open(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(WELL))
    page = person.page
    await live(page)
    await expect(plate(page)).to_be_visible()
    await record(page)
    with field.silent_gateway():
        await expect(offline_bar(page)).to_be_visible(timeout=LONG_MS)
        await expect(plate(page).locator(".q.stale")).to_be_visible()
        await page.get_by_role("button", name="Try now").click()
        await expect(offline_bar(page)).to_be_visible()
    await expect(offline_bar(page)).to_have_count(0, timeout=LONG_MS)
    await live(page)
    states = await recorded(page)
    assert states[0] == "Live"
    assert "Offline" in states
    assert person.problems == []


async def test_readings_that_were_lost_on_the_way_are_said_to_be_caught_up_until_they_are(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(f"{field.rest}/sign-in")
    page = person.page
    line = Line()
    await line.lay(page)
    await page.goto(field.link(WELL))
    await live(page)
    line.hold("status|gap")  # what says that they are stored
    line.lose_one("readings")
    state = page.locator(".live [role=status]")
    await expect(state).to_have_text("Catching up")
    assert line.lost == 1
    line.free.set()
    await live(page)
    assert person.problems == []


async def test_an_alarm_cannot_be_acknowledged_while_the_gateway_is_lost(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/alarms"))
    page = person.page
    await live(page)
    try:
        field.command("permian-a1", "choke", "0")
        banner = page.get_by_role("region", name="Alarms", exact=True)
        press = banner.get_by_role("button", name=re.compile("^Acknowledge"))
        await expect(press).to_be_visible(timeout=LONG_MS)
        await expect(press).not_to_have_attribute("aria-disabled", "true")
        with field.without_gateway():
            old = page.get_by_role("region", name="Alarms, last known")
            await expect(old.get_by_text("New alarms cannot reach this screen")).to_be_visible()
            off = old.get_by_role("button", name=re.compile("^Acknowledge"))
            await expect(off).to_have_attribute("aria-disabled", "true")
            await expect(off).to_have_accessible_description(re.compile("lost the gateway"))
            await page.keyboard.press("a")
            await expect(page.get_by_text("was first")).to_have_count(0)
        await live(page)
        await expect(press).not_to_have_attribute("aria-disabled", "true")
        # A more urgent one may take its place at any moment; one of them is acknowledged.
        async with page.expect_response(re.compile("/alarms/acknowledge$")) as answered:
            await press.click()
        assert (await answered.value).status == 200
    finally:
        field.command("permian-a1", "choke", "100")


@pytest.mark.parametrize(("size", "theme"), [("desktop", "dark"), ("phone", "light")])
async def test_a_screen_that_is_offline_can_be_read_by_everybody(
    field: Field, screens: Screens, size: Size, theme: Theme
) -> None:
    person = await screens.person(field.link(WELL), size=size, theme=theme)
    page = person.page
    await live(page)
    with field.without_gateway():
        await expect(offline_bar(page)).to_be_visible()
        assert await violations(page) == []
        assert not await is_wider_than_the_screen(page)
    await expect(offline_bar(page)).to_have_count(0, timeout=LONG_MS)


async def test_a_sign_in_that_ends_soon_says_so_and_the_next_token_goes_on_where_it_was(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(f"{field.rest}{WELL}#token={field.token(ttl='4m')}")
    page = person.page
    await live(page)
    ending = page.get_by_role("alert").filter(has_text="Your sign-in ends at")
    await expect(ending).to_have_text(re.compile(r"ends at \d\d:\d\d:\d\d\."))
    await expect(page.get_by_text(re.compile(r"In 3 m(in)? \d"))).to_be_visible()
    await expect(plate(page)).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("link", name="Sign in again").click()
    await page.get_by_label("token").fill(field.token(ttl="1h"))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(field.rest + WELL)
    await expect(plate(page)).to_be_visible()
    await expect(ending).to_have_count(0)
    await live(page)
    assert person.problems == []


async def test_a_sign_in_that_has_ended_shows_nothing_more_and_says_why(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(f"{field.rest}{WELL}#token={field.token(ttl='20s')}")
    page = person.page
    await expect(page.get_by_text("Your sign-in has ended. Sign in again.")).to_be_visible()
    await expect(plate(page)).to_have_count(0)
    await page.get_by_label("token").fill(field.token())
    await page.get_by_role("button", name="Sign in").click()
    await expect(plate(page)).to_be_visible()
    await live(page)
