"""Connections: is it the well or the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.local_run import processes_of
from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size, Theme
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
SLOW_MS = 90_000
"""A worker's pauses between its tries grow to half a minute."""


@contextmanager
def without_devices(field: Field) -> Iterator[None]:
    """The simulated devices are gone, and come back where they were after the block."""
    found = processes_of(field.data)
    (devices,) = (one for one in found if _runs(one, "pumpjack_cli.simulation"))
    supervisor = devices.parent()
    assert supervisor is not None
    supervisor.suspend()  # it would start them again
    try:
        devices.kill()
        yield
    finally:
        supervisor.resume()


def _runs(process: psutil.Process, module: str) -> bool:
    return any(word.startswith(module) for word in process.cmdline())


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("grid", name="Connections").get_by_role("row").filter(has_text=name)


def side(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=f"permian-ops/{name}")


async def test_a_device_that_dies_while_watched_is_shown_down_since_then_and_comes_back(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/connections?id=permian-ops/pad-a"))
    page = person.page
    await expect(row(page, "pad-a")).to_contain_text("Connected")
    await expect(side(page, "pad-a")).to_contain_text("48 tags are read")
    with without_devices(field):
        gone = row(page, "pad-a")
        await expect(gone).to_contain_text("Down", timeout=SLOW_MS)
        await expect(gone).to_contain_text(re.compile(r"since \d\d:\d\d:\d\d"))
        words = side(page, "pad-a").locator("p.said")
        await expect(words).to_contain_text(re.compile(r"Down since \d\d:\d\d:\d\d"))
        await expect(words).to_contain_text("2 wells have no data: Permian A-1, Permian A-2")
        await expect(side(page, "pad-a").get_by_role("row", name="Connected")).to_contain_text(
            "False"
        )
        first = page.get_by_role("grid", name="Connections").get_by_role("row").nth(1)
        await expect(first).to_contain_text("Down")
    await expect(row(page, "pad-a")).to_contain_text("Connected", timeout=SLOW_MS)
    await expect(row(page, "pad-a")).not_to_contain_text("since")
    assert person.problems == []
    assert person.foreign == []


async def test_a_worker_that_is_killed_leaves_no_connection_that_looks_alive(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/connections?id=permian-ops/a3-radio"))
    page = person.page
    shown = row(page, "a3-radio")
    await expect(shown).to_contain_text("Connected")
    (worker,) = (
        one
        for one in processes_of(field.data)
        if one.environ().get("PUMPJACK_CONFIG_DIR", "").endswith("permian-ops_a3-radio")
    )
    worker.suspend()  # nothing is heard of it, and nobody starts another
    try:
        await expect(shown).to_contain_text("No worker", timeout=SLOW_MS)
        await expect(side(page, "a3-radio").locator("p.said")).to_contain_text(
            "values shown are the last known"
        )
    finally:
        worker.resume()
    await expect(shown).to_contain_text("Connected", timeout=SLOW_MS)
    assert person.problems == []


async def test_the_list_is_narrowed_by_chip_protocol_and_pad_and_the_address_says_so(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/connections"))
    page = person.page
    grid = page.get_by_role("grid", name="Connections")
    await expect(grid.get_by_role("row")).to_have_count(3)
    await page.keyboard.press("f")
    await page.get_by_label("Protocol").select_option("mqtt")
    await expect(grid.get_by_role("row")).to_have_count(2)
    await expect(row(page, "a3-radio")).to_be_visible()
    await expect(page).to_have_url(re.compile("protocol=mqtt"))
    await page.get_by_role("button", name="Show all").click()
    await page.locator("select", has_text="All pads").select_option("Pad A")
    await expect(row(page, "pad-a")).to_be_visible()
    await expect(grid.get_by_role("row")).to_have_count(2)
    await page.get_by_role("link", name="Suspended").click()
    await expect(page.get_by_text("None that the filter lets through")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("None that the filter lets through")).to_be_visible()
    assert person.problems == []


async def test_arrow_keys_walk_the_list_and_a_well_is_a_key_away(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/connections"))
    page = person.page
    await expect(side(page, "a3-radio")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(side(page, "pad-a")).to_be_visible()
    await expect(row(page, "pad-a")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("w")
    await expect(page).to_have_url(re.compile("/wells/permian-a1"))
    assert person.problems == []


async def test_a_connection_of_another_tenant_is_not_there(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link("/connections?id=bakken-ops/b1-plc"))
    page = person.page
    await expect(
        page.get_by_text("There is no connection bakken-ops/b1-plc for you")
    ).to_be_visible()
    await expect(page.get_by_role("grid")).not_to_contain_text("b1-plc")


async def test_on_a_phone_one_thing_is_shown_at_a_time(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link("/connections"), size="phone")
    page = person.page
    await row(page, "pad-a").click()
    await expect(side(page, "pad-a")).to_be_visible()
    await expect(page.get_by_role("grid")).to_be_hidden()
    await page.get_by_role("button", name="All connections").click()
    await expect(page.get_by_role("grid")).to_be_visible()
    await expect(side(page, "pad-a")).to_be_hidden()
    assert person.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_the_page_has_no_barrier_in_any_theme_and_size(
    field: Field, screens: Screens, size: Size, theme: Theme
) -> None:
    person = await screens.person(field.link("/connections"), size=size, theme=theme)
    page = person.page
    await expect(row(page, "pad-a")).to_be_visible()
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
    await row(page, "pad-a").click()
    await expect(side(page, "pad-a")).to_be_visible()
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
