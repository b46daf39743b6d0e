"""Asks each worker how it is: GET /status of its pod, some ten seconds apart.

The workers have no API token, so the operator asks. An answer is believed only as far as it
describes that worker: it is bounded, checked, and names no other object.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable
from types import TracebackType

import aiohttp
import msgspec

from pumpjack_core.clock import us_of
from pumpjack_operator.cluster import Key
from pumpjack_operator.facts import Report
from pumpjack_operator.specs.wanted import STATUS_PORT

EVERY_S = 10.0
SOON_S = 1.0
TIMEOUT_S = 3.0
MOST_BYTES = 4 << 20
"""Of an answer: 20,000 tags that cannot be read, each with its reason."""
MOST_AT_ONCE = 32
MISSES = 2
"""So many answers in a row must fail before the worker counts as not answering."""


class Reports:
    """The last report of each worker. Asks those that it was told to, until it is told to stop."""

    def __init__(
        self,
        changed: Callable[[Key], None],
        *,
        every_s: float = EVERY_S,
        port: int = STATUS_PORT,
    ) -> None:
        self._changed = changed
        self._every_s = every_s
        self._port = port
        self._addresses: dict[Key, str] = {}
        self._due: list[tuple[float, int, Key, str]] = []
        self._asked = 0
        self._reports: dict[Key, Report] = {}
        self._missed: dict[Key, int] = {}
        self._more = asyncio.Event()
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Reports:
        connector = aiohttp.TCPConnector(limit=MOST_AT_ONCE, force_close=True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def answering(self) -> int:
        """How many workers answered when they were asked last."""
        return len(self._reports)

    def get(self, key: Key) -> Report | None:
        """The last report, None when the worker does not answer."""
        return self._reports.get(key)

    def follow(self, key: Key, address: str) -> None:
        """Ask the worker of a connection at this address from now on; "" to stop."""
        if self._addresses.get(key, "") == address:
            return
        self._missed.pop(key, None)
        self._reports.pop(key, None)
        if not address:
            del self._addresses[key]
            return
        self._addresses[key] = address
        self._later(key, address, random.uniform(0, SOON_S))  # noqa: S311

    async def run(self) -> None:
        """Ask, until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                if not self._due:
                    self._more.clear()
                    await self._more.wait()
                wait_s = self._due[0][0] - loop.time()
                if wait_s > 0:
                    self._more.clear()
                    try:
                        async with asyncio.timeout(wait_s):
                            await self._more.wait()
                    except TimeoutError:
                        pass
                    continue
                _, _, key, address = heapq.heappop(self._due)
                if self._addresses.get(key) != address:
                    continue
                await self._slots.acquire()
                tasks.create_task(self._ask(key, address))

    async def _ask(self, key: Key, address: str) -> None:
        try:
            report = await self._answer(address)
        finally:
            self._slots.release()
        if self._addresses.get(key) != address:
            return
        self._later(key, address, self._every_s * random.uniform(0.9, 1.1))  # noqa: S311
        if report is not None:
            self._missed.pop(key, None)
            self._reports[key] = report
        else:
            self._missed[key] = self._missed.get(key, 0) + 1
            if self._missed[key] < MISSES:
                return
            self._reports.pop(key, None)
        self._changed(key)

    async def _answer(self, address: str) -> Report | None:
        host = f"[{address}]" if ":" in address else address
        assert self._session is not None, "used outside of async with"
        try:
            async with self._session.get(
                f"http://{host}:{self._port}/status", allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    return None
                content = bytearray()
                async for chunk in answer.content.iter_any():
                    content += chunk
                    if len(content) > MOST_BYTES:
                        return None
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
        return read(bytes(content))

    def _later(self, key: Key, address: str, delay_s: float) -> None:
        self._asked += 1
        at = asyncio.get_running_loop().time() + delay_s
        heapq.heappush(self._due, (at, self._asked, key, address))
        self._more.set()


def read(content: bytes) -> Report | None:
    """A worker's answer, None when it is none."""
    try:
        report = msgspec.json.decode(content, type=Report)
        for at in (report.read_at, report.stored_at):
            if at is not None:
                us_of(at)
    except (msgspec.MsgspecError, ValueError):
        return None
    return report
