"""The operator's way to the database: one at a time, and one that was away is not waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg

from pumpjack_core.clock import Clock
from pumpjack_core.errors import StorageUnavailable
from pumpjack_core.storage.connect import connect

AGAIN_S = 5.0
"""A database that is away is not asked again before."""
TIMEOUT_S = 10.0


class Database:
    """One database, with the login that may make tenants."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._turn = asyncio.Lock()
        """Roles of all tenants change the same row of the server's catalog."""
        self._away: StorageUnavailable | None = None
        self._due_s = 0.0

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection. Raises StorageUnavailable, at once where it was away just now."""
        async with self._turn:
            if self._away is not None and self._clock.monotonic() < self._due_s:
                raise StorageUnavailable(str(self._away))
            try:
                async with connect(self._url, timeout_s=TIMEOUT_S) as connection:
                    yield connection
            except StorageUnavailable as error:
                self._away = error
                self._due_s = self._clock.monotonic() + AGAIN_S
                raise
            self._away = None
