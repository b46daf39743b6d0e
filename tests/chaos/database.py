"""A PostgreSQL server that can be killed as a whole machine is, and comes back with its data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Self

import psutil

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.errors import StorageError

BACK_LIMIT_S = 90.0
SOCKET = ".s.PGSQL.5432"


class Database:
    """One server, reached at socket whenever it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = EmbeddedPostgres(folder)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._server.__enter__)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._server.__exit__, None, None, None)

    @property
    def socket(self) -> Path:
        """Where it listens; the same after each start."""
        return self._folder.resolve() / SOCKET

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """URL for who goes there directly, past the faults of the network."""
        return f"postgresql://{user}@/{database}?host={self._folder.resolve()}"

    def processes(self) -> list[psutil.Process]:
        """Postmaster first, and those that it started."""
        with contextlib.suppress(psutil.Error):
            postmaster = psutil.Process(self._server.pid)
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    async def killed(self, *, whole: bool) -> None:
        """Kill -9 the postmaster, with whole its backends too; and start it again."""
        victims = self.processes()
        victims = victims if whole else victims[:1]
        for process in victims:
            with contextlib.suppress(psutil.Error):
                process.kill()
        await asyncio.to_thread(psutil.wait_procs, victims, BACK_LIMIT_S)
        await self._come_back()

    async def frozen(self, length_s: float) -> None:
        """All its processes stand still for so long."""
        victims = self.processes()
        for process in victims:
            with contextlib.suppress(psutil.Error):
                process.suspend()
        try:
            await asyncio.sleep(length_s)
        finally:
            for process in victims:
                with contextlib.suppress(psutil.Error):
                    os.kill(process.pid, signal.SIGCONT)

    async def _come_back(self) -> None:
        """Start anew; backends that outlived their postmaster hold that up until they notice."""
        limit = time.monotonic() + BACK_LIMIT_S
        while True:
            server = EmbeddedPostgres(self._folder)
            try:
                await asyncio.to_thread(server.__enter__)
            except StorageError:
                if time.monotonic() > limit:
                    raise
                await asyncio.sleep(0.2)
            else:
                self._server = server
                return
