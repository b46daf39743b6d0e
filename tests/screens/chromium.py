"""Debian's Chromium, driven by Playwright; no browser is downloaded.

async with chromium() as browser:
    person = await browser.person(field.link("permian", role="operator"))
    await person.page.get_by_role("link", name="Alarms").click()
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

APT_LIMIT_S = 300
WAIT_MS = 30_000
"""How long a test waits for what it expects to see; the machine may be busy."""

expect.set_options(timeout=WAIT_MS)

Theme = Literal["light", "dark"]
Size = Literal["desktop", "phone", "wall", "zoomed"]
SIZES: dict[Size, tuple[int, int]] = {
    "desktop": (1440, 900),
    "phone": (375, 812),
    "wall": (2560, 1440),
    "zoomed": (720, 450),
}
"""zoomed: the desktop at 200 %, as the page sees it."""


@functools.cache
def program() -> str:
    """Path of Chromium; installed by apt where that is possible, else skips."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(
                ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *command],
                capture_output=True,
                timeout=APT_LIMIT_S,
                check=False,
            )
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("peer-missing: chromium: apt install chromium")
    return found


@dataclass
class Person:
    """Somebody at a screen: a browser of their own, and what went wrong in it.

    problems  uncaught errors and what the console says as an error
    foreign   addresses of other hosts that the page asked for
    """

    page: Page
    context: BrowserContext
    problems: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


class Screens:
    """A running browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def person(
        self,
        link: str,
        *,
        size: Size = "desktop",
        theme: Theme = "light",
        zone: str = "America/Chicago",
        forced_colors: bool = False,
    ) -> Person:
        """Open a link at a screen of its own, as a person who has it for the first time.

        forced_colors: the system's few colours instead of the page's, as with high contrast.
        """
        width, height = SIZES[size]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=2 if size in ("phone", "zoomed") else 1,
            has_touch=size == "phone",
            is_mobile=size == "phone",
            color_scheme=theme,
            forced_colors="active" if forced_colors else "none",
            reduced_motion="reduce",
            timezone_id=zone,
            locale="en-US",
            accept_downloads=True,
        )
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        person = Person(page, context)
        host = _host(link)
        page.on("pageerror", lambda error: person.problems.append(str(error)))
        page.on(
            "console",
            lambda message: (
                person.problems.append(message.text)
                if message.type == "error" and "net::ERR_" not in message.text
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                person.foreign.append(request.url)
                if _host(request.url) not in (None, host)
                else None
            ),
        )
        await page.goto(link)
        return person


def _host(url: str) -> str | None:
    """Of an address of the web, else None (data:, blob:)."""
    return urlsplit(url).hostname if url.startswith("http") else None


@asynccontextmanager
async def chromium() -> AsyncIterator[Screens]:
    """A browser without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program(),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        try:
            yield Screens(browser)
        finally:
            await browser.close()
