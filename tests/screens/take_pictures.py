"""Pictures of the screens for README and docs, from a demo of its own.

    python -m tests.screens.take_pictures [name …]      # all, or overview well trends …

They go to docs/pictures, each in both themes.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.async_api import Page, expect

from tests.screens.chromium import Screens, Theme, chromium
from tests.screens.field import CHECKOUT, Field
from tests.screens.png import read, shrunk

PICTURES = CHECKOUT / "docs" / "pictures"
THEMES: tuple[Theme, ...] = ("light", "dark")
PATHS = {
    "overview": "/",
    "well": "/wells/permian-a2",
    "trends": "/trends?pens=permian-a1/tubing_pressure&pens=permian-a2/tubing_pressure"
    "&pens=permian-a2/oil_rate",
    "alarms": "/alarms",
    "control": "/wells/permian-a2/control",
    "connections": "/connections",
    "sign-in": "/sign-in",
}
LARGEST_BYTES = 250_000
LONG_MS = 120_000
HISTORY_S = 240.0
"""So long the demo runs first, so that trends have something to show."""
RANGE = timedelta(minutes=4)


async def settled(page: Page) -> None:
    """Wait until everything is loaded and drawn."""
    await expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=LONG_MS)
    await page.evaluate("document.fonts.ready")
    await page.wait_for_timeout(2_000)  # a second of live values


async def take(screens: Screens, field: Field, name: str, theme: Theme) -> Path:
    """One picture; where it was put."""
    path = PATHS[name]
    if name == "trends":
        until = datetime.now(UTC)
        path += f"&from={_iso(until - RANGE)}&to={_iso(until)}"
    address = field.rest + path if name == "sign-in" else field.link(path)
    person = await screens.person(address, theme=theme)
    page = person.page
    await expect(page.get_by_role("heading", level=1).first).to_be_attached(timeout=LONG_MS)
    if name == "alarms":
        row = page.get_by_role("row").filter(has_text=re.compile("Tubing pressure")).first
        await row.click(timeout=LONG_MS)
    await settled(page)
    taken = shrunk(read(await page.screenshot(scale="css", animations="disabled", caret="hide")))
    assert len(taken) < LARGEST_BYTES, f"{name}: {len(taken)} bytes"
    target = PICTURES / f"{name}-{theme}.png"
    target.write_bytes(taken)
    await person.context.close()
    return target


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


async def main(names: list[str]) -> None:
    """Take those that are named, or all."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pj-pictures-") as folder:
        with Field(Path(folder)) as field:
            await asyncio.to_thread(field.command, "permian-a1", "choke", "0")
            await asyncio.sleep(HISTORY_S)
            async with chromium() as screens:
                for name in names or PATHS:
                    for theme in THEMES:
                        print(await take(screens, field, name, theme), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
