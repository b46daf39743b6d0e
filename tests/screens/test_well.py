"""A well's page: its process picture, its alarms and values, all of its tags, what happened."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.local_run import worker_pid
from tests.screens.axe import is_wider_than_the_screen, violations
from tests.screens.chromium import Screens, Size, Theme
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
ROD_PUMP = "permian-a1"
GAS_LIFT = "permian-a3"
NUMBER = re.compile(r"^[\d,.]+")


def box(page: Page, role: str) -> Locator:
    """A value in the picture, with its frame and marks."""
    return page.locator(f"#v-{role}")


def ask_to_write(field: Field, well: str, tag: str, value: float) -> None:
    """As somebody else would do it, at another screen."""
    body = {
        "wellId": well,
        "tagName": tag,
        "value": value,
        "reason": "a test of the well's page",
        "idempotencyKey": str(uuid.uuid4()),
    }
    request = urllib.request.Request(
        f"{field.rest}/api/scada/control",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {field.token(who='bob')}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202 or answer.status == 200


@contextmanager
def worker_hangs(field: Field, connection: str) -> Iterator[None]:
    """The worker of a connection stands still and says nothing."""
    pid = worker_pid(field.data, connection)
    assert pid is not None, f"no worker of {connection}"
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_the_picture_shows_what_the_devices_say_and_follows_them(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(f"/wells/{ROD_PUMP}"))
    page = person.page
    facts = field.ask(f"/api/scada/wells/{ROD_PUMP}")
    assert len(facts["roles"]) >= 12
    for role in facts["roles"]:
        if role != "run_status":
            await expect(box(page, role).locator(".vv")).to_have_text(NUMBER)
    await expect(page.locator("#s-run_status")).to_have_text(re.compile("RUNNING|STOPPED"))
    load = box(page, "polished_rod_load_peak").locator(".vv")
    before = await load.text_content()
    await expect(load).not_to_have_text(before or "")
    tank = page.locator("#l-oil_tank_1_level")
    whole = await tank.evaluate("rect => 504 - Number(rect.getAttribute('y'))")
    assert float(await tank.get_attribute("height") or 0) == pytest.approx(whole, abs=0.2)
    # nothing says what a stroke looks like, so the card is empty and says so
    await expect(page.locator("#c-dynamometer")).to_contain_text("not mapped")
    assert person.foreign == []
    assert person.problems == []


async def test_a_value_in_the_picture_tells_all_about_itself_and_leads_to_its_trend(
    field: Field, screens: Screens
) -> None:
    page = (await screens.person(field.link(f"/wells/{ROD_PUMP}"))).page
    link = page.get_by_role("link", name=re.compile(r"^Casing pressure: [\d,]+ psi, "))
    await expect(link.first).to_be_attached()
    await page.get_by_role("link", name="Control").last.focus()
    await page.keyboard.press("Tab")  # the first value of the picture
    card = page.locator(".floating")
    await expect(card).to_contain_text("Source time")
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)
    await box(page, "casing_pressure").hover()
    await expect(card).to_contain_text("holding:40003")
    await expect(card.get_by_role("link", name="permian-ops/pad-a")).to_be_visible()
    await box(page, "casing_pressure").click()
    await expect(page).to_have_url(re.compile(rf"/trends\?pens={ROD_PUMP}/casing_pressure$"))


async def test_an_alarm_of_the_well_is_in_the_picture_and_is_acknowledged_beside_it(
    field: Field, screens: Screens
) -> None:
    page = (await screens.person(field.link(f"/wells/{GAS_LIFT}"))).page
    await expect(box(page, "tubing_pressure").locator(".vv")).to_have_text(NUMBER)
    try:
        ask_to_write(field, GAS_LIFT, "choke", 0)
        panel = page.get_by_role("region", name="Alarms on this well")
        alarm = panel.locator(".alrow").filter(has_text=re.compile("Tubing pressure Hi"))
        await expect(alarm.first).to_contain_text("Respond:")
        await expect(box(page, "tubing_pressure").locator(".al")).to_be_visible()
        ack = alarm.first.get_by_role("button", name=re.compile("^Acknowledge Tubing pressure Hi"))
        name = await ack.get_attribute("aria-label") or ""
        await ack.click()
        await expect(panel.get_by_role("button", name=name, exact=True)).to_have_count(0)
        last = page.get_by_role("region", name="Last events")
        await expect(last).to_contain_text("Acknowledged: Tubing pressure Hi")
    finally:
        ask_to_write(field, GAS_LIFT, "choke", 100)


async def test_a_well_whose_worker_hangs_shows_the_last_known_state_as_such(
    field: Field, screens: Screens
) -> None:
    page = (await screens.person(field.link(f"/wells/{GAS_LIFT}"))).page
    value = box(page, "injection_rate")
    await expect(value.locator(".vv")).to_have_text(NUMBER)
    await expect(value.locator(".vb.stale")).to_have_count(0)
    with worker_hangs(field, "permian-ops/a3-radio"):
        await expect(value.locator(".vb.stale")).to_be_visible(timeout=90_000)
        await expect(page.locator("#s-run_status")).to_have_text(
            re.compile(r"STATE UNKNOWN since \d\d:\d\d")
        )
        await expect(page.get_by_text("State unknown", exact=True)).to_be_visible()
        await expect(page.get_by_role("region", name=re.compile("a3-radio is"))).to_contain_text(
            "not the state now"
        )
        control = page.get_by_role("button", name="Control", exact=True)
        await expect(control).to_have_attribute("aria-disabled", "true")
        await expect(control).to_have_accessible_description(re.compile("a3-radio"))
        key = page.get_by_role("link", name=re.compile("Injection rate")).last
        await expect(key).to_contain_text("STALE")
        assert await violations(page) == []
    await expect(value.locator(".vb.stale")).to_have_count(0, timeout=90_000)
    await expect(page.locator("#s-run_status")).to_have_text(re.compile("RUNNING|STOPPED"))


@pytest.mark.parametrize("well", ["bakken-b2", "no-such-well"])
async def test_another_tenants_well_and_none_at_all_look_the_same(
    field: Field, screens: Screens, well: str
) -> None:
    page = (await screens.person(field.link(f"/wells/{well}"))).page
    await expect(page.get_by_text("Not found, or not yours")).to_be_visible()
    assert " ".join((await page.locator("main").inner_text()).split()) == (
        "Not found Not found, or not yours There is no such well in permian. "
        "A link from another tenant looks the same on purpose. Overview"
    )


async def test_keys_lead_through_the_wells_and_to_what_belongs_to_one(
    field: Field, screens: Screens
) -> None:
    page = (await screens.person(field.link(f"/wells/{ROD_PUMP}"))).page
    seen = []
    for _ in range(3):
        await expect(page.locator(".wh")).to_contain_text(re.compile(r"[123] / 3"))
        seen.append(page.url.rsplit("/", 1)[1])
        await page.keyboard.press("]")
        await expect(page).not_to_have_url(re.compile(f"/wells/{seen[-1]}$"))
    assert sorted(seen) == ["permian-a1", "permian-a2", "permian-a3"]
    await expect(page).to_have_url(re.compile(f"/wells/{ROD_PUMP}$"))
    await page.keyboard.press("[")
    await expect(page).to_have_url(re.compile(f"/wells/{seen[-1]}$"))
    await expect(page.locator(".wh")).to_contain_text(re.compile(r"\d / 3"))
    await page.keyboard.press("e")
    await expect(page).to_have_url(re.compile(f"/wells/{seen[-1]}/events$"))
    await page.keyboard.press("c")
    await expect(page).to_have_url(re.compile(f"/wells/{seen[-1]}/control$"))


async def test_every_tag_of_the_well_stands_in_the_table(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link(f"/wells/{ROD_PUMP}/tags"))
    page = person.page
    tags = field.ask(f"/api/scada/wells/{ROD_PUMP}")["tags"]
    grid = page.get_by_role("grid", name="All tags")
    await expect(grid).to_have_attribute("aria-rowcount", str(len(tags) + 1))
    for tag in tags:  # only rows in sight are drawn
        await page.get_by_role("searchbox", name="Find a tag").fill(tag["tagName"])
        row = grid.get_by_role("row").filter(has=page.get_by_text(tag["tagName"], exact=True))
        await expect(row).to_contain_text(tag["address"])
    await page.get_by_role("searchbox", name="Find a tag").fill("")
    await expect(grid).to_have_attribute("aria-rowcount", str(len(tags) + 1))
    names = grid.locator(".nm b")
    first = await names.first.inner_text()
    head = grid.get_by_role("columnheader", name="Tag")
    await expect(head).to_have_attribute("aria-sort", "ascending")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await expect(names.last).to_have_text(first)
    await page.get_by_role("searchbox", name="Find a tag").fill("input:30001")
    await expect(names).to_have_text(["Oil tank 1"])
    assert person.problems == []


async def test_a_command_is_among_the_events_as_it_happens(field: Field, screens: Screens) -> None:
    page = (await screens.person(field.link("/wells/permian-a2/events"))).page
    await expect(page.get_by_role("heading", name="Events")).to_be_visible()
    ask_to_write(field, "permian-a2", "choke", 87)
    row = page.locator(".wev").filter(has_text="Choke → 87 %").first
    await expect(row).to_contain_text("verified", timeout=60_000)
    await expect(row).to_contain_text("bob")
    await expect(row).to_contain_text("a test of the well's page")
    ask_to_write(field, "permian-a2", "choke", 100)


async def test_a_phone_shows_one_part_of_the_picture_at_a_time(
    field: Field, screens: Screens
) -> None:
    page = (await screens.person(field.link(f"/wells/{ROD_PUMP}"), size="phone")).page
    views = field.ask("/api/scada/templates/rod-pump")["views"]
    picture = page.locator("svg.pic")
    for name, view in views.items():
        part = page.get_by_role("radio", name=name.capitalize())
        await part.click()
        await expect(part).to_be_checked()
        await expect(picture).to_have_attribute("viewBox", " ".join(f"{one:g}" for one in view))
    small = await page.evaluate(
        """[...document.querySelectorAll("main a, main button")]
           .filter(e => !e.closest("svg") && e.matches(".btn, .kv, .seg *, .mini"))
           .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
           .map(e => e.textContent)"""
    )
    assert small == []
    assert not await is_wider_than_the_screen(page)


async def test_a_drawing_with_a_script_in_it_is_drawn_without_it(
    field: Field, screens: Screens
) -> None:
    """The gateway would refuse such a drawing; here its answer is changed on the way."""
    person = await screens.person(field.link("/"))
    page = person.page

    async def spoil(route: Route) -> None:
        answer = await route.fetch()
        template = await answer.json()
        bad = (
            '<script>document.title = "taken"</script>'
            '<foreignObject><div xmlns="http://www.w3.org/1999/xhtml">taken</div></foreignObject>'
            '<a href="https://elsewhere.example/"><text>taken</text></a>'
            '<rect onload="document.title=1" onclick="1" fill="url(https://elsewhere.example/)"/>'
        )
        template["svg"] = template["svg"].replace("</svg>", f"{bad}</svg>")
        template["roles"]["gas_rate"]["unit"] = "psi"
        template["roles"]["oil_rate"]["unit"] = "m3/d"
        template["roles"]["no_such_role"] = {"label": "Nothing"}
        for bind in template["bind"]:
            if bind["el"] == "v-water_rate":
                bind["role"] = "no_such_role"
        await route.fulfill(response=answer, json=template)

    await page.route("**/api/scada/templates/*", spoil)
    await page.goto(f"{field.rest}/wells/{ROD_PUMP}")
    await expect(box(page, "tubing_pressure").locator(".vv")).to_have_text(NUMBER)
    assert await page.locator(".pic script, .pic foreignObject, .pic [onload]").count() == 0
    assert await page.locator(".pic").get_by_text("taken").count() == 0
    assert await page.locator('.pic [fill*="elsewhere"], .pic [href*="elsewhere"]').count() == 0
    # a unit of another quantity is refused, one of the same is converted, a role of no tag is empty
    await expect(box(page, "gas_rate")).to_contain_text("mcf/d?")
    await expect(box(page, "oil_rate")).to_contain_text(re.compile(r"\d+m3/d"))
    await expect(box(page, "water_rate")).to_contain_text("not mapped")
    assert person.foreign == []


async def test_a_well_without_a_type_has_its_tags_and_how_to_give_it_one(
    field: Field, screens: Screens
) -> None:
    """All wells of the demo have one; here the gateway's answer is changed on the way."""
    page = (await screens.person(field.link("/"))).page

    async def forget_type(route: Route) -> None:
        answer = await route.fetch()
        well = await answer.json()
        await route.fulfill(response=answer, json={**well, "type": "", "template": None})

    await page.route(f"**/api/scada/wells/{ROD_PUMP}", forget_type)
    await page.goto(f"{field.rest}/wells/{ROD_PUMP}")
    await expect(page.get_by_text("spec.well.type")).to_be_visible()
    await expect(page.get_by_role("grid", name="All tags").get_by_role("row")).not_to_have_count(1)
    await expect(page.get_by_role("region", name="Key values")).to_be_visible()
    assert not await is_wider_than_the_screen(page)


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
async def test_everybody_can_use_the_page(
    field: Field, screens: Screens, size: Size, theme: Theme
) -> None:
    other: Theme = "dark" if theme == "light" else "light"
    person = await screens.person(field.link(f"/wells/{GAS_LIFT}"), size=size, theme=theme)
    page = person.page
    for path in ("", "/tags", "/events"):
        await page.goto(f"{field.rest}/wells/{GAS_LIFT}{path}")
        await expect(page.locator(".picture .vv, .wtg .v, .wev").first).to_be_visible()
        for scheme in (theme, other):
            await page.emulate_media(color_scheme=scheme)
            assert await violations(page) == []
        assert not await is_wider_than_the_screen(page)
    assert person.problems == []
