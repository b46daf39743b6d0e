"""The control panel: what people ask of devices, and what becomes of it."""

from __future__ import annotations

import os
import re
import signal
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
WELL = "/wells/permian-a2/control"


def plate(page: Page, title: str) -> Locator:
    """The faceplate of a tag."""
    return page.get_by_role("region", name=title, exact=True)


async def ask_for(page: Page, title: str, value: str, reason: str) -> None:
    """Both steps up to the review; the caller sends."""
    await plate(page, title).get_by_role("button", name="Change…").click()
    if value.replace(".", "").isdecimal():
        await page.get_by_label("New value").fill(value)
    else:
        await page.get_by_label(value, exact=True).check()
    await page.get_by_label("Reason").fill(reason)
    await page.get_by_role("button", name="Review").click()


@contextmanager
def devices_hang(field: Field) -> Iterator[None]:
    """All simulated devices keep their connections and answer nothing."""
    hanging = [
        process
        for process in processes_of(field.data)
        if any("simulat" in part for part in process.cmdline())
    ]
    assert hanging, "no simulator is running"
    for process in hanging:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in hanging:
            if psutil.pid_exists(process.pid):
                os.kill(process.pid, signal.SIGCONT)


async def test_an_operator_changes_a_choke_in_two_steps_and_sees_it_read_back(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(WELL))
    page = person.page
    await ask_for(page, "Choke", "61", "slugging")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("Tenant permian")).to_be_visible()
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await dialog.get_by_role("button", name="Send").click()
    choke = plate(page, "Choke")
    await expect(choke.get_by_text("61 %", exact=True)).to_be_visible()
    await expect(choke.get_by_text("read back in")).to_be_visible()
    log = page.get_by_role("region", name="Commands on this well")
    await expect(log.get_by_text("Choke → 61 %")).to_be_visible()
    await expect(log.get_by_text("VERIFIED").first).to_be_visible()
    assert person.problems == []


async def test_a_value_outside_of_the_limits_and_a_missing_reason_go_nowhere(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(WELL))
    page = person.page
    await plate(page, "Choke").get_by_role("button", name="Change…").click()
    await page.get_by_label("New value").fill("400")
    await page.get_by_label("New value").press("Enter")
    await page.get_by_role("button", name="Review").click()
    await expect(page.get_by_text("Outside of what may be set: 0 to 100 %")).to_be_visible()
    await expect(page.get_by_text("Say why")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    asked = field.ask("/api/scada/control?wellId=permian-a2")["commands"]
    assert 400 not in [one["value"] for one in asked]


async def test_a_second_person_approves_and_the_first_one_cannot(
    field: Field, screens: Screens
) -> None:
    ann = await screens.person(field.link(WELL, who="ann"))
    bob = await screens.person(field.link(WELL, who="bob"))
    await expect(bob.page.get_by_text("ann (operator) has this panel open")).to_be_visible()
    await expect(ann.page.get_by_text("bob (operator) has this panel open")).to_be_visible()
    await ask_for(ann.page, "Wing valve", "SHUT", "the line is pigged")
    await ann.page.get_by_role("button", name="Send for approval").click()
    waiting = ann.page.get_by_role("region", name="Waiting for a second person")
    await expect(waiting.get_by_text("another person has to approve").first).to_be_visible()
    await expect(waiting.get_by_role("button", name="Approve")).to_have_attribute(
        "aria-disabled", "true"
    )
    await bob.page.get_by_role("button", name="Approve…").click()
    await expect(bob.page.get_by_role("button", name="Cancel")).to_be_focused()
    await bob.page.get_by_role("button", name="Approve and send").click()
    for person in (ann, bob):
        valve = plate(person.page, "Wing valve")
        await expect(valve.get_by_text("read back in")).to_be_visible()
        await expect(valve.get_by_text("SHUT").first).to_be_visible()
        await expect(person.page.get_by_text("Waiting for a second person")).to_have_count(0)
    await bob.page.close()
    await expect(ann.page.get_by_text("has this panel open")).to_have_count(0)
    assert ann.problems == []


async def test_a_viewer_sees_all_of_it_and_why_nothing_can_be_changed(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(WELL, role="viewer", who="eve"))
    choke = plate(person.page, "Choke")
    await expect(
        choke.get_by_text("Needs the operator role; you are viewer.").first
    ).to_be_visible()
    await choke.get_by_role("button", name="Change…").click(force=True)
    await expect(person.page.get_by_role("dialog")).to_have_count(0)


async def test_another_tenants_well_is_not_found_just_as_one_that_does_not_exist(
    field: Field, screens: Screens
) -> None:
    texts = []
    for well in ("bakken-b1", "no-such-well"):
        person = await screens.person(field.link(f"/wells/{well}/control"))
        await expect(person.page.get_by_text("Not found, or not yours")).to_be_visible()
        texts.append(await person.page.locator("main").inner_text())
    assert texts[0] == texts[1]


async def test_a_device_that_dies_switches_its_changes_off_and_says_so(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/wells/permian-a3/control"))
    choke = plate(person.page, "Choke")
    change = choke.get_by_role("button", name="Change…")
    await expect(change).not_to_have_attribute("aria-disabled", "true")
    with devices_hang(field):
        await expect(change).to_have_attribute("aria-disabled", "true", timeout=90_000)
        await expect(choke.locator(".why")).to_be_visible()
    await expect(change).not_to_have_attribute("aria-disabled", "true", timeout=90_000)


async def test_a_command_that_is_not_answered_ends_in_words_and_never_as_verified(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link("/wells/permian-a1/control"))
    page = person.page
    await ask_for(page, "Pump speed set point", "7.5", "a test of silence")
    with devices_hang(field):
        await page.get_by_role("button", name="Send", exact=True).click()
        speed = plate(page, "Pump speed set point")
        await expect(speed.get_by_text("7.5 SPM").first).to_be_visible()
        ended = speed.get_by_text(re.compile("^(TIMEOUT|REFUSED|EXPIRED)$"))
        await expect(ended).to_be_visible(timeout=90_000)
        await expect(speed.get_by_text("not read back as asked")).to_be_visible()
        await expect(speed.locator(".step.fail")).to_be_visible()
    assert person.problems == []


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
async def test_the_panel_and_its_dialog_can_be_used_by_everybody(
    field: Field, screens: Screens, size: Size, theme: Theme
) -> None:
    person = await screens.person(field.link(WELL), size=size, theme=theme)
    page = person.page
    await expect(plate(page, "Choke")).to_be_visible()
    assert await violations(page) == []
    assert not await is_wider_than_the_screen(page)
    await plate(page, "Choke").get_by_role("button", name="Change…").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await violations(page) == []
