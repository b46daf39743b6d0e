"""Trends: a link that is dragged onto the chart brings its pens; anything else is refused."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.screens.chromium import Screens
from tests.screens.field import Field

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]
TREND = "/trends?pens=permian-a1/tubing_pressure&live=1h"
DROP = """
([place, kind, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.setData(kind, text);
  const say = (type) => document.querySelector(place)
    .dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  return !say("dragover") && !say("drop");
}
"""
"""As from another window. Answers whether the page took it, so that the browser does not."""


def pens(page: Page) -> list[str]:
    """What the address says is drawn."""
    return parse_qs(urlsplit(page.url).query).get("pens", [])


async def test_a_trend_is_dragged_onto_the_empty_page(field: Field, screens: Screens) -> None:
    person = await screens.person(field.link("/trends"))
    page = person.page
    link = page.get_by_role("link", name="Permian A-2").and_(page.locator("[href^='/trends']"))
    await link.drag_to(page.get_by_text("No pens yet"))
    table = page.get_by_role("table", name="Pens")
    await expect(table.get_by_role("row", name="Permian A-2")).not_to_have_count(0)
    assert person.problems == []


async def test_a_link_of_a_value_is_dropped_on_the_chart_and_on_the_list_of_pens(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(TREND))
    page = person.page
    rows = page.get_by_role("table", name="Pens").locator("[role=row].pens:not(.h)")
    await expect(rows).to_have_count(1)
    value = f"{field.rest}/trends?pens=permian-a2/tubing_pressure"
    await expect(page.locator(".tarea")).to_be_visible()
    assert await page.evaluate(DROP, [".tarea", "text/uri-list", value])
    await expect(rows).to_have_count(2)
    trend = f"{field.rest}/trends?pens=permian-a1/pump_speed&pens=permian-a1/casing_pressure"
    assert await page.evaluate(DROP, [".tpens", "text/uri-list", trend])
    await expect(rows).to_have_count(4)
    assert pens(page)[1:] == [
        "permian-a2/tubing_pressure",
        "permian-a1/pump_speed",
        "permian-a1/casing_pressure",
    ]
    await expect(page.get_by_text("Drag a link")).to_have_count(0)
    assert person.problems == []


async def test_what_has_no_pens_is_refused_with_a_sentence_and_the_page_stays(
    field: Field, screens: Screens
) -> None:
    person = await screens.person(field.link(TREND))
    page = person.page
    await expect(page.locator(".tarea")).to_be_visible()
    tab = page.get_by_role("navigation").get_by_role("link", name="Alarms")
    await tab.drag_to(page.locator(".tpens"))
    said = page.locator(".tdrop > [role=status]")
    await expect(said).to_contain_text("That link has no value to draw. Drag a link of a value")
    assert await page.evaluate(
        DROP, [".tarea", "text/uri-list", "https://elsewhere.example/trends"]
    )
    await expect(said).to_contain_text("does not lead to these screens")
    assert await page.evaluate(DROP, [".tarea", "text/plain", "permian-a2/tubing_pressure"])
    await expect(said).to_contain_text("not a link")
    own = f"{field.rest}{TREND}"
    assert await page.evaluate(DROP, [".tarea", "text/uri-list", own])
    await expect(said).to_contain_text("drawn already")
    assert pens(page) == ["permian-a1/tubing_pressure"]
    assert person.foreign == []
    assert person.problems == []
