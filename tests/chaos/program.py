"""A program that is started again whenever it ends, as Kubernetes does with a container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from msgspec import Struct

from tests.chaos.ledger import now_us

AGAIN_S = 0.2
STOP_LIMIT_S = 30.0
_LEFT_BY_FAKETIME = ("faketime_shm_{pid}", "sem.faketime_sem_{pid}")


class Exit(Struct, frozen=True):
    """One end of a program.

    from_us  when it was asked to end, or ended by itself [µs since the epoch]
    at_us    when it had ended
    code     -9 for kill -9
    """

    name: str
    from_us: int
    at_us: int
    code: int


class Program:
    """One program with its log.

    exits  every end so far
    """

    def __init__(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.exits: list[Exit] = []
        self._command = [str(part) for part in command]
        self._environment = dict(environment)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._retired = False
        self._asked_us: int | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end(signal.SIGKILL)

    async def start(self) -> None:
        """Start it and keep it running."""
        self._keeper = asyncio.create_task(self._keep(), name=self.name)
        await self._started.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens in the moment between an end and the next start."""
        process = self._process
        if process is not None and process.returncode is None:
            if number in (signal.SIGTERM, signal.SIGKILL) and self._asked_us is None:
                self._asked_us = now_us()
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    async def frozen(self, length_s: float) -> None:
        """Stand still for so long."""
        self.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(length_s)
        finally:
            self.signal(signal.SIGCONT)

    async def retire(self) -> int:
        """Ask it to end, and do not start it again. Returns its last exit code."""
        self._retired = True
        self.signal(signal.SIGTERM)
        if self._keeper is not None:
            await asyncio.wait((self._keeper,), timeout=STOP_LIMIT_S)
        await self._end(signal.SIGKILL)
        return self.exits[-1].code

    async def _end(self, number: signal.Signals) -> None:
        """Signal it until it has ended: it may be between two starts."""
        self._retired = True
        while self._keeper is not None and not self._keeper.done():
            self.signal(number)
            await asyncio.wait((self._keeper,), timeout=0.1)

    async def _keep(self) -> None:
        while not self._retired:
            with self._log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    env=self._environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._process = process
            self._started.set()
            code = await process.wait()
            at_us = now_us()
            self.exits.append(Exit(self.name, self._asked_us or at_us, at_us, code))
            self._asked_us = None
            _sweep(process.pid)
            if not self._retired:
                await asyncio.sleep(AGAIN_S)


def _sweep(pid: int) -> None:
    """Remove the shared memory that libfaketime leaves of a killed process."""
    for name in _LEFT_BY_FAKETIME:
        Path("/dev/shm", name.format(pid=pid)).unlink(missing_ok=True)


def plain_environment() -> dict[str, str]:
    """Our own environment, without settings of Pumpjack."""
    return {name: value for name, value in os.environ.items() if "PUMPJACK_" not in name}
