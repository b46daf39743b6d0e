"""axe-core in the page: what a person with a screen reader or weak eyes could not use."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

PROGRAM = Path(__file__).parents[2] / "gateway/dashboard/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(page: Page) -> list[str]:
    """Each as one line: the rule, where, and what to do. Empty when there is none."""
    await page.evaluate(PROGRAM.read_text())
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{one['id']}: {node['target']}: {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


async def is_wider_than_the_screen(page: Page) -> bool:
    """Whether the page would have to be scrolled sideways."""
    wide: bool = await page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return wide
