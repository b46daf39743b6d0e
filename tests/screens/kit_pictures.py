"""Pictures of the kit page: every state of every part. Those in pictures/ are how it should look.

    python -m tests.screens.kit_pictures      # take them anew, after a change that was meant

Look at what git shows of them before you commit: that is the review of the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.gateway.conftest import NO_REDIS, running
from tests.screens.chromium import Screens, Size, Theme, chromium
from tests.screens.field import build_screens
from tests.screens.png import read as read_png
from tests.screens.png import shrunk

STORED = Path(__file__).parent / "pictures"
WANTED: tuple[tuple[Size, Theme], ...] = (
    ("desktop", "light"),
    ("desktop", "dark"),
    ("phone", "light"),
    ("phone", "dark"),
)


@asynccontextmanager
async def kit() -> AsyncIterator[str]:
    """Address of the page, while a gateway without data serves it."""
    await asyncio.to_thread(build_screens)
    async with running(NO_REDIS) as gateway:
        yield f"http://127.0.0.1:{gateway.rest_port}/kit"


async def picture(screens: Screens, address: str, size: Size, theme: Theme) -> bytes:
    """The whole page, a pixel a CSS pixel."""
    person = await screens.person(address, size=size, theme=theme)
    await person.page.get_by_role("heading", name="Kit").wait_for()
    await person.page.get_by_text("Still waiting for").wait_for()  # it comes after some seconds
    await person.page.evaluate("document.fonts.ready")
    return await person.page.screenshot(
        full_page=True, scale="css", animations="disabled", caret="hide"
    )


def stored(size: Size, theme: Theme) -> Path:
    return STORED / f"kit-{size}-{theme}.png"


async def main() -> None:
    """Take all of them anew."""
    STORED.mkdir(exist_ok=True)
    async with kit() as address, chromium() as screens:
        for size, theme in WANTED:
            taken = await picture(screens, address, size, theme)
            stored(size, theme).write_bytes(shrunk(read_png(taken)))
            print(stored(size, theme))


if __name__ == "__main__":
    asyncio.run(main())
