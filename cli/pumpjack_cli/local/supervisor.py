"""Runs the processes of one machine: starts them, watches them, stops them in order.

A child has a session of its own, so Ctrl-C in the terminal reaches us alone. One that ends by
itself is started again after a back-off, and said aloud with the last lines of its log; one that
ends with RESTART_ME asks to be started again at once. Children die with us (see child.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pumpjack_cli.local.logs import SHOWN_LEVELS, Repeats, Tail
from pumpjack_core.backoff import Backoff

Key = tuple[str, str]
"""Kind and name of a program."""
RESTART_ME = 75
"""Exit code of a worker that cannot apply a change in place (EX_TEMPFAIL of sysexits.h)."""
STOP_GRACE_S = 15.0
KILL_WAIT_S = 5.0
STEADY_S = 30.0
MAX_RESTART_ME = 3
TAIL_EVERY_S = 0.25


@dataclass(frozen=True)
class Program:
    """A child as it is to run: python -m module arguments…, with environment added to ours.

    kind  what it is, and what is stopped together: worker, gateway, simulator
    """

    kind: str
    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    log: str = ""

    @property
    def title(self) -> str:
        """How it is called in messages."""
        return f"{self.kind} {self.name}".strip()


class Reporter(Protocol):
    """Where the supervisor says what happens."""

    def note(self, text: str) -> None:
        """Something went as it should."""

    def warn(self, text: str) -> None:
        """Something a person should know."""


class _Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.tail = Tail(log)
        self.process: asyncio.subprocess.Process | None = None
        self.restarts = 0
        self.stopping = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Supervisor:
    """The processes of one `pumpjack up`. Use as an async context; leaving it stops all.

    folder: the data folder, where logs go and which the children hold (child.py).
    """

    def __init__(self, folder: Path, reporter: Reporter, *, grace_s: float = STOP_GRACE_S) -> None:
        self._folder = folder
        self._logs = folder / "logs"
        self._reporter = reporter
        self._grace_s = grace_s
        self._children: dict[Key, _Child] = {}
        self._repeats = Repeats()
        self._tasks = asyncio.TaskGroup()
        self._life = (-1, -1)
        self.hurry = asyncio.Event()
        """Set it to kill children instead of waiting for them."""

    async def __aenter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._life = os.pipe()
        await self._tasks.__aenter__()
        self._tailing = self._tasks.create_task(self._follow_logs(), name="logs")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            await self.stop(list(self._children))
            self._tailing.cancel()
            await self._tasks.__aexit__(kind, error, tb)
        finally:
            for end in self._life:
                os.close(end)

    def start(self, program: Program) -> None:
        """Start a program and keep it running until it is stopped."""
        key = (program.kind, program.name)
        assert key not in self._children, f"{program.title} runs already"
        child = _Child(program, self._logs / f"{program.log or program.kind}.log")
        child.tail.skip_to_end()
        self._children[key] = child
        child.task = self._tasks.create_task(self._keep_running(child), name=program.title)

    async def stop(self, keys: Sequence[Key]) -> None:
        """Stop these together: SIGTERM, a grace period, SIGKILL."""
        children = [self._children[key] for key in keys]
        for child in children:
            child.stopping.set()
        await asyncio.gather(*(child.task for child in children if child.task is not None))
        for key, child in zip(keys, children, strict=True):
            self._show(child)
            child.tail.close()
            del self._children[key]

    def keys(self, kind: str) -> list[Key]:
        """What runs, of one kind."""
        return [key for key in self._children if key[0] == kind]

    def pid(self, key: Key) -> int | None:
        """Process id, None between two lives."""
        process = self._children[key].process
        return None if process is None or process.returncode is not None else process.pid

    def restarts(self, key: Key) -> int:
        """How often it was started again."""
        return self._children[key].restarts

    async def _keep_running(self, child: _Child) -> None:
        """Start the child again each time it ends, until it is stopped. Owns its process."""
        backoff = Backoff(first_s=0.5, most_s=30.0)
        asked_in_a_row = 0
        while not child.stopping.is_set():
            started = time.monotonic()
            code = await self._live_once(child)
            if child.stopping.is_set():
                return
            if time.monotonic() - started > STEADY_S:
                backoff.reset()
                asked_in_a_row = 0
            asked_in_a_row = asked_in_a_row + 1 if code == RESTART_ME else 0
            child.restarts += 1
            if 0 < asked_in_a_row <= MAX_RESTART_ME:
                self._reporter.note(f"{child.program.title} starts again with its new settings")
                continue
            pause_s = backoff.next_s()
            self._show(child)
            self._reporter.warn(crash_report(child.program.title, code, pause_s, child.tail.last))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), pause_s)

    async def _live_once(self, child: _Child) -> int:
        """One life of the child, from its start to its exit code."""
        child.process = process = await self._spawn(child)
        try:
            if await self._ended(process, child.stopping, None):
                return process.returncode or 0
            _signal(process, signal.SIGTERM)
            if not await self._ended(process, self.hurry, self._grace_s):
                why = "at once" if self.hurry.is_set() else f"after {self._grace_s:.0f} s"
                self._reporter.warn(f"{child.program.title} did not end and is killed {why}")
        finally:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
                await asyncio.wait_for(process.wait(), KILL_WAIT_S)
        return process.returncode or 0

    async def _spawn(self, child: _Child) -> asyncio.subprocess.Process:
        reading, _ = self._life
        program = child.program
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "pumpjack_cli.local.child"),
            *(str(child.log), str(reading), str(self._folder)),
            *(program.module, *program.arguments),
            env={**os.environ, **program.environment},
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(reading,),
            start_new_session=True,
        )

    async def _ended(
        self, process: asyncio.subprocess.Process, unless: asyncio.Event, limit_s: float | None
    ) -> bool:
        """Wait for the process's end, but no longer than for the event or the limit."""
        exit_ = asyncio.create_task(process.wait())
        event = asyncio.create_task(unless.wait())
        try:
            await asyncio.wait({exit_, event}, timeout=limit_s, return_when="FIRST_COMPLETED")
        finally:
            exit_.cancel()
            event.cancel()
        return process.returncode is not None

    async def _follow_logs(self) -> None:
        while True:
            for child in list(self._children.values()):
                self._show(child)
            await asyncio.sleep(TAIL_EVERY_S)

    def _show(self, child: _Child) -> None:
        """Put the child's new warnings before the person."""
        title = child.program.title
        for line in child.tail.read():
            if line.level in SHOWN_LEVELS:
                held = self._repeats.admit(title, line.key, time.monotonic())
                if held is not None:
                    again = f" [{held} more like this before]" if held else ""
                    self._reporter.warn(f"{title}: {line.text}{again}")


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def crash_report(title: str, code: int, pause_s: float, last: Sequence[str]) -> str:
    """What is said when a child ended by itself."""
    how = f"ended with code {code}"
    if code < 0:
        how = f"was ended by signal {-code} ({signal.strsignal(-code)})"
    lines = "".join(f"\n    {line}" for text in last for line in text.splitlines()[-20:])
    said = f"; its last lines:{lines}" if lines else ""
    return f"{title} {how} and starts again in {pause_s:.1f} s{said}"
