"""Write the PNG icons of the installed screens from their SVGs; they are committed.

python -m tests.screens.make_icons
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

from tests.screens.chromium import program
from tests.screens.png import read, shrunk

ICONS = Path(__file__).parents[2] / "gateway/dashboard/public/icons"
WANTED = (
    ("pumpjack.svg", "pumpjack-192.png", 192),
    ("pumpjack.svg", "pumpjack-512.png", 512),
    ("pumpjack-maskable.svg", "pumpjack-180.png", 180),  # iOS rounds the corners by itself
    ("pumpjack-maskable.svg", "pumpjack-maskable-512.png", 512),
)


async def main() -> None:
    """Draw each in a page of its size."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program(), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        for source, name, size in WANTED:
            page = await browser.new_page(viewport={"width": size, "height": size})
            drawing = (ICONS / source).read_text()
            await page.set_content(
                f"<style>*{{margin:0}}svg{{display:block;width:{size}px}}</style>{drawing}"
            )
            picture = await page.screenshot(omit_background=True)
            (ICONS / name).write_bytes(shrunk(read(picture)))
            await page.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
