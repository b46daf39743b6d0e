"""The line between a screen and its gateway, which a test can hold up or break."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Page, WebSocketRoute


class Line:
    """What comes from the gateway over WebSockets; all of it, until a test says otherwise."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.lost = 0
        self._slow = re.compile("$.")
        self._losing: str | None = None

    async def lay(self, page: Page) -> None:
        """All WebSockets of a page go through it from its next load on."""
        await page.route_web_socket(re.compile("^ws"), self._carry)

    def hold(self, kinds: str) -> None:
        """Messages whose type matches wait until free is set, and come in their order then."""
        self._slow = re.compile(rf'{{"type": ?"({kinds})')
        self.free.clear()

    def lose_one(self, kind: str) -> None:
        """The next message of a type never arrives."""
        self._losing = f'"type":"{kind}"'

    def _carry(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        waiting: asyncio.Queue[str] = asyncio.Queue()

        async def carry() -> None:
            while True:
                message = await waiting.get()
                await self.free.wait()
                route.send(message)

        task = asyncio.get_running_loop().create_task(carry())

        def hear(message: str | bytes) -> None:
            text = str(message)
            if self._losing is not None and self._losing in text.replace(" ", "")[:60]:
                self._losing = None
                self.lost += 1
            elif self._slow.match(text):
                waiting.put_nowait(text)
            else:
                route.send(text)

        server.on_message(hear)
        server.on_close(lambda *_: task.cancel())
