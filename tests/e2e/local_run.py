"""Runs `pumpjack up` or `demo` as a user does, and looks at it from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import psutil

COMMAND = (sys.executable, "-c", "from pumpjack_cli.main import main; main()")
ENVIRONMENT = {"NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}
START_LIMIT_S = 60.0
STOP_LIMIT_S = 40.0


class LocalRun:
    """A running command; output grows line by line. Leaving the block stops it with Ctrl-C."""

    def __init__(self, *arguments: str, data: Path) -> None:
        self.data = data
        self.lines: list[str] = []
        self.code: int | None = None
        self._arguments = (*arguments, "--data-dir", str(data))

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [*COMMAND, *self._arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        if self.code is None:
            self.stop()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, limit_s: float = START_LIMIT_S) -> Self:
        """Wait until a line with this text was printed."""
        until(lambda: text in self.output or self.process.poll() is not None, limit_s, self)
        assert text in self.output, f"{text!r} was never printed:\n{self.output}"
        return self

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal the whole group, as a terminal does. Returns the exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        return self.ended(STOP_LIMIT_S)

    def ended(self, limit_s: float = START_LIMIT_S) -> int:
        try:
            self.code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"it did not end:\n{self.output}") from None
        self._reader.join(5)
        return self.code

    def url(self, label: str) -> str:
        found = re.search(rf"^{label}\s+(\S+)", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))


def processes_of(data: Path) -> list[psutil.Process]:
    """Every living process that works with the data folder: ours, and the stores."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            places = [*process.cmdline(), process.cwd(), *_environment(process)]
            if any(str(data) in place for place in places):
                found.append(process)
    return found


def _environment(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error, OSError):
        return [v for k, v in process.environ().items() if k.startswith("PUMPJACK_")]
    return []


def worker_pid(data: Path, connection: str) -> int | None:
    """Process id of a connection's worker."""
    wanted = str(data / "config" / connection.replace("/", "_"))
    for process in processes_of(data):
        with contextlib.suppress(psutil.Error):
            if process.environ().get("PUMPJACK_CONFIG_DIR") == wanted:
                return process.pid
    return None


async def rows(data: Path, query: str, *values: object) -> list[asyncpg.Record]:
    """Ask the embedded database, as its administrator."""
    socket = Path((data / "postgres" / "postmaster.pid").read_text().splitlines()[4])
    connection = await asyncpg.connect(f"postgresql://postgres@/pumpjack?host={socket}")
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()


async def values_of(data: Path, tag: str, well: str) -> list[float | None]:
    """Stored values of a tag, by time."""
    found = await rows(
        data,
        "SELECT r.value FROM pumpjack.reading AS r JOIN pumpjack.series AS s USING (tag_id) "
        "WHERE s.tag_name = $1 AND s.well_id = $2 ORDER BY r.ts",
        tag,
        well,
    )
    return [row["value"] for row in found]


def until(
    condition: Callable[[], object], limit_s: float = 60.0, run: LocalRun | None = None
) -> None:
    """Wait for a condition."""
    limit = time.monotonic() + limit_s
    while not condition():
        said = f":\n{run.output}" if run is not None else ""
        assert time.monotonic() < limit, f"it did not come to pass in {limit_s:.0f} s{said}"
        time.sleep(0.1)


@contextlib.contextmanager
def simulator(manifests: Path, port: int, *arguments: str) -> Iterator[None]:
    """A simulated device on a port of this machine."""
    module = "pumpjack_worker.adapters.modbus_tcp.simulator"
    process = subprocess.Popen(
        [sys.executable, "-m", module, "-f", str(manifests), *arguments],
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: listens(port))
        yield
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    """Whether a server of this machine answers on a port."""
    import socket

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def manifest(port: int, tags: Sequence[tuple[str, int]], *, name: str = "plc") -> str:
    """A connection of tenant permian with counters; tags are names and holding registers."""
    listed = "\n".join(
        f"    - {{name: {tag}, address: 'holding:{40_001 + at}', dataType: uint32}}"
        for tag, at in tags
    )
    return f"""\
apiVersion: v1
kind: Namespace
metadata: {{name: permian-ops, labels: {{pumpjack.dev/tenant: permian}}}}
---
apiVersion: pumpjack.dev/v1alpha1
kind: ScadaConnection
metadata: {{name: {name}, namespace: permian-ops}}
spec:
  protocol: modbus-tcp
  modbusTcp: {{host: 127.0.0.1, port: {port}}}
  pollInterval: 200ms
---
apiVersion: pumpjack.dev/v1alpha1
kind: TagMapping
metadata: {{name: {name}, namespace: permian-ops}}
spec:
  connectionRef: {{name: {name}}}
  wellId: "{name}-well"
  tags:
{listed}
"""
