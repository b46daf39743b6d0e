"""A thousand alarms within a minute, at a real browser."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from playwright.async_api import Page, expect

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.alarms import Transition
from pumpjack_core.tags import Alarm, Tag
from tests.gateway.alarms.field import now_us
from tests.screens.alarming import Alarming, alarming
from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
WELLS, TAGS_A_WELL = 20, 50
ALL = WELLS * TAGS_A_WELL
LONG_MS = 120_000
PRIORITIES = {1: 40, 2: 160, 3: 300, 4: 500}
HERTZ = {1: 988, 2: 659, 3: 440}
TONES = """() => {
  const Real = window.OscillatorNode;
  window.tones = [];
  window.OscillatorNode = class extends Real {
    constructor(context, options) {
      super(context, options);
      window.tones.push(options.frequency);
    }
  };
}"""
"""Notes each tone that the page sounds."""


def a_thousand() -> list[Tag]:
    """Those of the lowest priority come first, the critical ones last."""
    priorities = [one for one in (4, 3, 2, 1) for _ in range(PRIORITIES[one])]
    return [
        Tag(
            f"pad-{number % WELLS}",
            f"pressure_{number // WELLS}",
            f"a{number}",
            "float32",
            1.0,
            unit="psi",
            alarms=(Alarm("hi", 2000.0, priority=priority, message="Pressure high"),),
        )
        for number, priority in enumerate(priorities)
    ]


async def raise_them(plant: Alarming, tags: list[Tag]) -> None:
    """As one batch of a worker."""
    await plant.field.store(
        *((tag.well_id, tag.name, Transition(0, "hi", True, now_us(), 2100.0)) for tag in tags)
    )
    await plant.field.wake()


async def answers(page: Page) -> None:
    """Whether a person could use the page now: a key opens a dialog, another closes it."""
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_thousand_alarms_are_all_counted_grouped_and_heard_as_one(
    postgres: EmbeddedPostgres, valkey: EmbeddedValkey, empty_database: str, screens: Screens
) -> None:
    tags = a_thousand()
    async with alarming(postgres, empty_database, valkey, tags) as plant:
        person = await screens.person(f"{plant.rest}/sign-in")
        page = person.page
        await page.add_init_script(f"({TONES})()")
        await page.goto(plant.link("/alarms"))
        banner = page.get_by_role("region", name="Alarms", exact=True)
        await expect(banner.get_by_text("No active alarms")).to_be_visible()
        await banner.click()  # from now on the browser lets it sound

        step = ALL // 20
        for start in range(0, ALL, step):
            await raise_them(plant, tags[start : start + step])
            if start in (5 * step, 15 * step):
                await answers(page)

        # The banner's sums, those of the groups, and the gateway's are the same, and whole.
        await expect(banner.get_by_role("link", name="unacknowledged")).to_have_text(
            re.compile(f"^{ALL} unack"), timeout=LONG_MS
        )
        assert [
            int(re.findall(r"\d+", text)[-1])
            for text in await banner.locator(".cnt").all_inner_texts()
        ] == list(PRIORITIES.values())
        await expect(banner.get_by_text(f"FLOOD {ALL} alarms in 10 min, first")).to_be_visible()
        header = page.get_by_role("alert").filter(has_text="Alarm flood since")
        await expect(header).to_contain_text(f"{ALL:,} alarms in 10 minutes")
        await expect(header).to_contain_text(f"{ALL:,} of {ALL:,} are below")
        groups = page.get_by_role("region", name="What came first")
        await expect(groups).to_contain_text(f"{WELLS} groups, {ALL:,} alarms in all")
        assert await violations(page) == []
        assert not await is_wider_than_the_screen(page)
        await answers(page)

        # The plain list has a row for each, and draws those in sight.
        await page.get_by_role("button", name="Plain list").click()
        grid = page.get_by_role("grid")
        await expect(grid).to_have_attribute("aria-rowcount", str(ALL + 1))
        assert await grid.get_by_role("row").count() < 100
        await expect(grid.get_by_role("row").nth(1)).to_contain_text("Hi")

        # One sound for all: that of the most urgent, however many there are.
        await page.wait_for_function("window.tones.at(-1) === 988 && window.tones.length >= 3")
        heard = Counter(await page.evaluate("window.tones"))
        assert set(heard) <= set(HERTZ.values())
        assert heard.total() < ALL / 2
        await banner.get_by_role("button", name=re.compile("^Alarm sound is on")).click()
        await expect(banner.get_by_role("button", name=re.compile("silenced"))).to_be_visible()
        # A silence hides nothing.
        await expect(banner.get_by_role("link", name="unacknowledged")).to_be_visible()
        assert person.problems == []
