"""The demo's oil field, as people at its screens have it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from pumpjack_cli.local.addresses import free_ports
from tests.e2e.local_run import COMMAND, ENVIRONMENT, LocalRun, processes_of, worker_pid

CHECKOUT = Path(__file__).parents[2]
BUILD_LIMIT_S = 300
COMMAND_LIMIT_S = 90.0


def build_screens() -> None:
    """Build the dashboard where it changed since the last time."""
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "gateway/dashboard/build.py")],
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Field:
    """A running `pumpjack demo` on free ports. Leaving the block stops it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        # Of those that no passing client is given: the gateway comes back where it was.
        rest, websocket = (f"127.0.0.1:{port}" for port in free_ports(2))
        self._run = LocalRun(
            "demo", "--rest-address", rest, "--ws-address", websocket, data=self.data
        )

    def __enter__(self) -> Self:
        build_screens()
        self._run.__enter__()
        try:
            self._run.wait_for("Ctrl-C", 120)
        except BaseException:
            self._run.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run.__exit__(kind, error, traceback)

    @property
    def rest(self) -> str:
        """Where REST and the screens are."""
        return self._run.url("REST").rstrip("/")

    def token(
        self, tenant: str = "permian", role: str = "operator", who: str = "ann", ttl: str = "1h"
    ) -> str:
        """A token as `pumpjack token` prints it; ttl: how long it lasts."""
        said = ("--tenant", tenant, "--role", role, "--subject", who, "--ttl", ttl)
        return self._say("token", *said).strip()

    def link(
        self, path: str = "/", tenant: str = "permian", role: str = "operator", who: str = "ann"
    ) -> str:
        """A page of the screens that signs in by itself."""
        return f"{self.rest}{path}#token={self.token(tenant, role, who)}"

    def ask(self, path: str, tenant: str = "permian", role: str = "operator") -> Any:
        """What REST answers to a GET."""
        request = urllib.request.Request(
            self.rest + path, headers={"Authorization": f"Bearer {self.token(tenant, role)}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def command(self, well: str, tag: str, value: str, tenant: str = "permian") -> None:
        """Write to a device and wait until it was read back, as `pumpjack command send` does.

        A device that is not connected yet, or again, refuses: it is asked for a while.
        """
        asked = ("command", "send", well, tag, value, "--tenant", tenant, "--reason", "a test")
        limit = time.monotonic() + COMMAND_LIMIT_S
        while True:
            try:
                self._say(*asked)
            except AssertionError:
                if time.monotonic() > limit:
                    raise
                time.sleep(1)
            else:
                return

    @contextmanager
    def without_gateway(self) -> Iterator[None]:
        """The gateway is killed, and started again by its supervisor after the block."""
        supervisor = psutil.Process(self._run.process.pid)
        supervisor.suspend()
        try:
            self._gateway().kill()
            yield
        finally:
            supervisor.resume()

    @contextmanager
    def silent_gateway(self) -> Iterator[None]:
        """The gateway stands still: its connections are open, and nothing comes."""
        gateway = self._gateway()
        gateway.suspend()
        try:
            yield
        finally:
            gateway.resume()

    def _gateway(self) -> psutil.Process:
        (found,) = (
            process
            for process in processes_of(self.data)
            if "pumpjack_gateway" in process.cmdline()
        )
        return found

    def _say(self, *arguments: str) -> str:
        """What a command of this installation prints."""
        done = subprocess.run(
            [*COMMAND, *arguments, "--data-dir", str(self.data)],
            capture_output=True,
            text=True,
            env={**os.environ, **ENVIRONMENT},
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kill_worker(self, connection: str) -> None:
        """SIGKILL the worker of a connection; the supervisor starts it again."""
        pid = worker_pid(self.data, connection)
        assert pid is not None, f"no worker of {connection}"
        os.kill(pid, signal.SIGKILL)
