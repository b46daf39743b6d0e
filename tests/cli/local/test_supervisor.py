"""The supervisor with small stand-in programs, as real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pumpjack_cli.local.supervisor import Program, Supervisor

IDLE = "import time\nprint('up', flush=True)\nwhile True: time.sleep(0.05)\n"
DRAINS = """
import signal, sys, time, pathlib
def stop(*_):
    time.sleep(0.3)
    pathlib.Path(sys.argv[1]).write_text('drained')
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print('up', flush=True)
while True: time.sleep(0.05)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
while True: time.sleep(0.05)
"""
CRASHES_ONCE = """
import pathlib, sys, time
mark = pathlib.Path(sys.argv[1])
if not mark.exists():
    mark.write_text('')
    print('the pump fell over', flush=True)
    sys.exit(3)
print('up again', flush=True)
while True: time.sleep(0.05)
"""
ASKS_ONCE = CRASHES_ONCE.replace("sys.exit(3)", "sys.exit(75)")
WARNS = """
import json, time
for _ in range(5):
    print(json.dumps({'event': 'device is away', 'level': 'warning', 'host': '10.0.0.7'}))
print(json.dumps({'event': 'all is well', 'level': 'info'}), flush=True)
while True: time.sleep(0.05)
"""


class Notes:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


Stand = Callable[..., Program]


@pytest.fixture
def stand_in(tmp_path: Path) -> Stand:
    """Makes a program of a script."""

    def make(script: str, *arguments: str, kind: str = "worker", name: str = "a") -> Program:
        (tmp_path / f"stand_in_{kind}_{name}.py").write_text(script)
        return Program(
            kind,
            name,
            f"stand_in_{kind}_{name}",
            arguments,
            {"PYTHONPATH": str(tmp_path)},
            log=f"{kind}-{name}",
        )

    return make


async def until(condition: Callable[[], object], limit_s: float = 60.0) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.02)


def log_of(logs: Path, name: str = "worker-a") -> str:
    path = logs / f"{name}.log"
    return path.read_text() if path.exists() else ""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


KEY = ("worker", "a")


async def test_a_child_that_is_stopped_may_drain_first(tmp_path: Path, stand_in: Stand) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in(DRAINS, str(tmp_path / "mark")))
        await until(lambda: "up" in log_of(tmp_path / "logs"))
    assert (tmp_path / "mark").read_text() == "drained"
    assert told.warnings == []


async def test_a_child_that_will_not_end_is_killed_and_that_is_said(
    tmp_path: Path, stand_in: Stand
) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told, grace_s=0.3) as supervisor:
        supervisor.start(stand_in(STUBBORN))
        await until(lambda: "up" in log_of(tmp_path / "logs"))
        pid = supervisor.pid(KEY)
        assert pid is not None
    assert not alive(pid)
    assert told.warnings == ["worker a did not end and is killed after 0 s"]


async def test_in_a_hurry_nothing_is_waited_for(tmp_path: Path, stand_in: Stand) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told, grace_s=600) as supervisor:
        supervisor.start(stand_in(STUBBORN))
        await until(lambda: "up" in log_of(tmp_path / "logs"))
        supervisor.hurry.set()
    assert told.warnings == ["worker a did not end and is killed at once"]


async def test_a_crashed_child_starts_again_and_its_last_lines_are_shown(
    tmp_path: Path, stand_in: Stand
) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in(CRASHES_ONCE, str(tmp_path / "mark")))
        await until(lambda: "up again" in log_of(tmp_path / "logs"))
        assert supervisor.restarts(KEY) == 1
    (warning,) = told.warnings
    assert warning.startswith("worker a ended with code 3 and starts again in 0.")
    assert "the pump fell over" in warning


async def test_a_killed_child_starts_again(tmp_path: Path, stand_in: Stand) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in(IDLE))
        await until(lambda: supervisor.pid(KEY))
        first = supervisor.pid(KEY)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pid(KEY) not in (None, first))
    assert "was ended by signal 9 (Killed)" in told.warnings[0]


async def test_a_child_that_asks_for_a_restart_gets_it_at_once_and_without_alarm(
    tmp_path: Path, stand_in: Stand
) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in(ASKS_ONCE, str(tmp_path / "mark")))
        await until(lambda: "up again" in log_of(tmp_path / "logs"))
    assert told.warnings == []
    assert told.notes == ["worker a starts again with its new settings"]


async def test_a_child_that_asks_for_restarts_without_end_is_slowed_down(
    tmp_path: Path, stand_in: Stand
) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in("import sys; sys.exit(75)"))
        await until(lambda: told.warnings)
        assert supervisor.restarts(KEY) == 4
    assert "ended with code 75" in told.warnings[0]


async def test_stopping_between_two_lives_ends_the_waiting(tmp_path: Path, stand_in: Stand) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in("import sys; sys.exit(1)"))
        await until(lambda: told.warnings)
        await supervisor.stop([KEY])
        assert supervisor.keys("worker") == []


async def test_a_stopped_program_can_be_started_again(tmp_path: Path, stand_in: Stand) -> None:
    program = stand_in(IDLE)
    async with Supervisor(tmp_path, Notes()) as supervisor:
        supervisor.start(program)
        await supervisor.stop([KEY])
        supervisor.start(program)
        await until(lambda: supervisor.pid(KEY))


async def test_warnings_reach_the_person_once_and_say_how_many_there_were(
    tmp_path: Path, stand_in: Stand
) -> None:
    told = Notes()
    async with Supervisor(tmp_path, told) as supervisor:
        supervisor.start(stand_in(WARNS))
        await until(lambda: told.warnings and "all is well" in log_of(tmp_path / "logs"))
        await asyncio.sleep(0.6)
    assert told.warnings == ["worker a: device is away (host=10.0.0.7)"]


PARENT = """
import asyncio, pathlib, sys
from pumpjack_cli.local.supervisor import Program, Supervisor
class Quiet:
    def note(self, text): pass
    warn = note
async def main():
    async with Supervisor(pathlib.Path(sys.argv[1]), Quiet()) as supervisor:
        supervisor.start(
            Program('worker', 'a', 'drains', (sys.argv[2],), {'PYTHONPATH': sys.argv[3]}, 'log')
        )
        await asyncio.sleep(600)
asyncio.run(main())
"""


def test_children_drain_and_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "drains.py").write_text("import os\nprint(os.getpid(), flush=True)\n" + DRAINS)
    logs, mark = tmp_path / "logs", tmp_path / "mark"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(mark), str(tmp_path)]
    )
    try:
        limit = time.monotonic() + 20
        while "up" not in log_of(logs, "log") and time.monotonic() < limit:
            time.sleep(0.05)
        pid = int(log_of(logs, "log").split()[0])
    finally:
        parent.kill()
        parent.wait()
    while alive(pid) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not alive(pid)
    assert mark.read_text() == "drained"
    assert "the parent process is gone; stopping" in log_of(logs, "log")
