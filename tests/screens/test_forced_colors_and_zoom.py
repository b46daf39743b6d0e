"""With the system's few colours all is told apart, and at 200 % all is reached."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, expect

from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import SIZES, Person, Screens, Theme
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
PENS = [("pens", "permian-a1/tubing_pressure"), ("pens", "permian-a1/pump_speed")]
PAGES = {
    "overview": "/",
    "well": "/wells/permian-a1",
    "tags": "/wells/permian-a1/tags",
    "events": "/wells/permian-a1/events",
    "panel": "/wells/permian-a1/control",
    "trends": f"/trends?{urlencode(PENS)}",
    "no pens": "/trends",
    "alarms": "/alarms",
    "history": "/alarms?tab=history",
    "figures": "/alarms?tab=figures",
    "control": "/control",
    "connections": "/connections",
    "kit": "/kit",
}
CURRENT_TAB = """
() => {
  const lineOf = (tab) => getComputedStyle(tab).borderBottomColor;
  const tabs = [...document.querySelectorAll(".tabs a")];
  const current = tabs.filter((tab) => tab.hasAttribute("aria-current"));
  const others = new Set(tabs.filter((tab) => !current.includes(tab)).map(lineOf));
  return { current: current.length, stands: current.every((tab) => !others.has(lineOf(tab))) };
}
"""
LOOKS = """
(selectors) => selectors.map((selector) => {
  const { borderTopStyle, borderTopWidth, borderBottomStyle } =
    getComputedStyle(document.querySelector(selector));
  return [borderTopStyle, borderTopWidth, borderBottomStyle].join(" ");
})
"""
UNFORCED = """
() => [...document.querySelectorAll(".al, .bar, .spark, .pic, .tlane, .swatch")]
  .filter((drawn) => getComputedStyle(drawn).forcedColorAdjust !== "none")
  .map((drawn) => drawn.outerHTML.slice(0, 80))
"""
OVERLAPS = """
() => {
  const drawn = ".tarea, .pic, svg, dialog, .floating, .vh, .skip";
  const said = ".top > *, .banner > *, main :is(a, button, input, select, h1, h2)";
  const all = [...document.querySelectorAll(said)]
    .filter((one) => one.closest(drawn) === null && one.checkVisibility());
  const boxes = all.map((one) => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && box.height > 0);
  const found = [];
  for (const [at, [one, a]] of boxes.entries()) {
    for (const [other, b] of boxes.slice(at + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      if (one.closest(".banner, .top") !== null && other.closest("main") !== null) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide <= 1 || high <= 1) continue;
      found.push(`${one.outerHTML.slice(0, 90)} over ${other.outerHTML.slice(0, 90)}`);
    }
  }
  return found;
}
"""
"""Things in the frame, or things in the page, that stand upon each other."""

SPILLS = """
() => [...document.querySelectorAll(".top > *, .banner > *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 90))
"""
STAYS = """
() => {
  const over = [...document.querySelectorAll(".head, .banner")]
    .find((one) => ["sticky", "fixed"].includes(getComputedStyle(one).position));
  return over.getBoundingClientRect().height;
}
"""
"""How high is what stays while the page scrolls [px]."""


async def opened(person: Person, path: str) -> Page:
    """The page, with all that it waits for."""
    page = person.page
    await expect(page.get_by_role("navigation").first).to_be_visible()
    await page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
    await expect(page.get_by_role("heading", level=1)).to_be_attached()
    if path != "/kit":
        await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_with_forced_colors_every_page_shows_where_one_is_and_keeps_its_drawings(
    field: Field, screens: Screens, theme: Theme
) -> None:
    person = await screens.person(field.link(), theme=theme, forced_colors=True)
    found: list[str] = []
    for name, path in PAGES.items():
        page = await opened(person, path)
        assert await page.evaluate("matchMedia('(forced-colors: active)').matches")
        tab = await page.evaluate(CURRENT_TAB)
        if name != "kit" and tab != {"current": 1, "stands": True}:
            found.append(f"{name}: the selected tab is {tab}")
        found += [f"{name}: {drawn} loses its colours" for drawn in await page.evaluate(UNFORCED)]
        found += [f"{name}: {line}" for line in await violations(page)]
    assert found == []
    assert person.problems == []


async def test_with_forced_colors_marks_of_quality_and_what_has_the_focus_are_told_apart(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(), forced_colors=True)
    page = await opened(person, "/kit")
    marks = await page.evaluate(LOOKS, [".q.bad", ".q.unc", ".q.stale"])
    assert len(set(marks)) == 3
    values = await page.evaluate(LOOKS, [".v:not(.unc, .stale, .bad, .man)", ".v.unc", ".v.stale"])
    assert len(set(values)) == 3
    page = await opened(person, "/connections")
    chosen = page.locator(".cng.sel")
    await expect(chosen).to_have_css("outline-style", "solid")
    tab = page.get_by_role("link", name="Alarms", exact=True)
    await page.get_by_role("link", name="Trends", exact=True).focus()
    await page.keyboard.press("Tab")
    await expect(tab).to_be_focused()
    await expect(tab).to_have_css("outline-style", "solid")


async def test_at_200_percent_nothing_overlaps_nor_scrolls_sideways(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(), size="zoomed")
    height = SIZES["zoomed"][1]
    found: list[str] = []
    for name, path in PAGES.items():
        page = await opened(person, path)
        if await is_wider_than_the_screen(page):
            found.append(f"{name}: it scrolls sideways")
        for script in (OVERLAPS, SPILLS):
            found += [f"{name}: {line}" for line in await page.evaluate(script)]
        stays = await page.evaluate(STAYS)
        if stays > height / 4:
            found.append(f"{name}: {stays} px of {height} stay while it scrolls")
    assert found == []
    assert person.problems == []


async def test_at_200_percent_the_list_and_what_is_chosen_of_it_are_both_reached(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(), size="zoomed")
    page = await opened(person, "/connections")
    row = page.get_by_role("row").filter(has_text="pad-a")
    await row.click()
    side = page.get_by_role("region", name="permian-ops/pad-a")
    await side.get_by_role("link", name="Permian A-1").scroll_into_view_if_needed()
    await expect(side.get_by_role("link", name="Permian A-1")).to_be_in_viewport()
    assert await violations(page) == []
