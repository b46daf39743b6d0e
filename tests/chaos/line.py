"""One connection of the run: its device, its worker, and a network between that can fail."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol, Self

import httpx
from msgspec import Struct

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core import config
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.storage.roles import writer_role
from pumpjack_core.tags import Tag, TagTable
from tests.chaos import witness
from tests.chaos.ledger import Ledger, now_us
from tests.chaos.level import Written
from tests.chaos.program import Program, plain_environment
from tests.faults import FaultProxy, Upstream

DISK_MIB = 32
DRAIN_S = 10
DRAIN_LIMIT_S = 60.0
AGAIN_S = 2.0
AT_ONCE_S = 8.0
"""The writer waits up to 2 s for more; the rest is for a busy machine."""
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
"""Where Debian has it (package libfaketime)."""
RIGHT = "+0\n"


class Field(Protocol):
    """Devices that one connection reads, and what they sent."""

    @property
    def tags(self) -> tuple[Tag, ...]: ...
    @property
    def ledgers(self) -> tuple[Ledger, ...]: ...
    @property
    def written(self) -> list[Written]: ...
    @property
    def address(self) -> tuple[str, int]: ...
    def spec(self, port: int) -> ScadaConnectionSpec: ...
    def begin(self) -> None: ...
    async def stop(self) -> None: ...


class Stores(Struct, frozen=True):
    """Where the stores listen, and the name of the database."""

    database: Upstream
    redis: Upstream
    name: str


class Jump(Struct, frozen=True):
    """While a worker's clock was wrong [µs since the epoch, s]."""

    from_us: int
    to_us: int
    by_s: int


class Line:
    """One connection.

    device, database, redis  proxies before them, for this worker alone
    jumps    when its clock was wrong
    replaced when two workers ran at once [µs, µs]
    fenced   from such a time until the one that stayed, told that it was replaced, ended [µs, µs]
    left     volumes whose journal was not empty when their worker ended
    transitions  where its workers note what they journal of alarms
    """

    def __init__(
        self, protocol: str, field: Field, stores: Stores, folder: Path, command: Sequence[str]
    ) -> None:
        self.protocol = protocol
        self.field = field
        self.tenant_id = field.ledgers[0].tenant_id
        self.connection_id = field.ledgers[0].connection_id
        self.device = FaultProxy(field.address)
        self.database = FaultProxy(stores.database)
        self.redis = FaultProxy(stores.redis)
        self.busy = asyncio.Lock()
        self.jumps: list[Jump] = []
        self.replaced: list[tuple[int, int]] = []
        self.fenced: list[tuple[int, int]] = []
        self.left: list[Path] = []
        self.programs: list[Program] = []
        self.transitions = folder / "transitions.jsonl"
        self._stores = stores
        self._folder = folder
        self._command = list(command)
        self._volumes = 0
        self._status_port = 0
        self._clock = folder / "clock"
        self._disk = folder / "disk"
        self._client = httpx.AsyncClient(timeout=5.0)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._disk.mkdir(parents=True)
        self._clock.write_text(RIGHT)
        for proxy in (self.device, self.database, self.redis):
            await self._stack.enter_async_context(proxy)
        self._stack.push_async_callback(self._client.aclose)
        config.save(
            config.worker_config(
                tenant_id=self.tenant_id,
                connection_id=self.connection_id,
                spec=self.field.spec(self.device.port),
                allowed_networks=("127.0.0.0/8",),
                tags=TagTable(self.field.tags),
                writes=True,
            ),
            self._folder / "config",
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for program in self.programs:
            await program.__aexit__()
        await self._stack.aclose()

    def have_small_disk(self) -> None:
        """Give the journals a disk of their own, which can be filled. Needs a mount namespace."""
        options = ["-t", "tmpfs", "-o", f"size={DISK_MIB}m", "chaos", str(self._disk)]
        subprocess.run(["mount", *options], check=True)

    @property
    def worker(self) -> Program:
        """The worker that should be at work: the one started last."""
        return self.programs[-1]

    def new_volume(self) -> Path:
        """A volume without a journal."""
        self._volumes += 1
        return self._disk / f"volume-{self._volumes}"

    async def start(self, volume: Path) -> Program:
        """Start a worker with its journal on this volume; the one before runs on."""
        self._status_port = free_ports(1)[0]
        login = writer_role(self.tenant_id)
        database = f"{self.database.host}:{self.database.port}/{self._stores.name}"
        program = Program(
            f"worker-{self.protocol}-{volume.name}",
            self._command,
            {
                **plain_environment(),
                **self._clock_settings(),
                "PUMPJACK_CONFIG_DIR": str(self._folder / "config"),
                "PUMPJACK_JOURNAL_DIR": str(volume),
                "PUMPJACK_DATABASE_URL": f"postgresql://{login}@{database}",
                "PUMPJACK_REDIS_URL": f"redis://{self.redis.host}:{self.redis.port}/0",
                "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{self._status_port}",
                "PUMPJACK_DRAIN_S": str(DRAIN_S),
                witness.WITNESS: str(self.transitions),
            },
            self._folder / "worker.log",
        )
        self.programs.append(program)
        self.volume = volume
        await program.start()
        return program

    def _clock_settings(self) -> dict[str, str]:
        if not FAKETIME.exists():
            return {}
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    async def status(self) -> dict[str, Any] | None:
        """What the worker says of itself, None while it does not answer."""
        try:
            answer = await self._client.get(f"http://127.0.0.1:{self._status_port}/status")
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            return None
        return found if answer.is_success else None

    async def is_connected(self) -> bool:
        """Whether the worker has a session with the device."""
        status = await self.status()
        return status is not None and status["state"] == "connected"

    async def reads(self) -> bool:
        """Whether it has a session with the device; one that was replaced is started again.

        Where two start at once, the one that stays may have been told that the other replaced it.
        It never takes the device back by itself: who removed the other one starts it again.
        """
        status = await self.status()
        if status is not None and status["state"] == "fenced":
            # The poll that was on its way when it was told is nobody's.
            self.fenced.append((self.replaced[-1][1] if self.replaced else now_us(), now_us()))
            self.worker.signal(signal.SIGTERM)
            await asyncio.sleep(AGAIN_S)
        return status is not None and status["state"] == "connected"

    async def keeps_up(self) -> bool:
        """Whether it is connected, and what it reads reaches the database at once."""
        status = await self.status()
        return (
            status is not None
            and status["state"] == "connected"
            and status["journalOldestS"] < AT_ONCE_S
        )

    async def replace(self, length_s: float, patience_s: float) -> None:
        """Start a second worker with a journal of its own beside the first, then end the first."""
        first, its_volume = self.worker, self.volume
        began_us = now_us()
        await self.start(self.new_volume())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while not await self.is_connected():
                    await asyncio.sleep(0.05)
        await asyncio.sleep(length_s)
        if await first.retire() != 0:
            self.left.append(its_volume)
        self.replaced.append((began_us, now_us()))

    async def drain_all(self) -> list[str]:
        """End the worker, and have every journal that was left behind stored.

        Returns what could not be stored.
        """
        if await self.worker.retire() != 0:
            self.left.append(self.volume)
        undrained: list[str] = []
        for volume in self.left:
            await self.start(volume)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_LIMIT_S):
                    while not await self.keeps_up():
                        await asyncio.sleep(0.1)
            if (code := await self.worker.retire()) != 0:
                undrained.append(f"the journal {volume} cannot be stored: exit code {code}")
        self.left.clear()
        return undrained

    async def wrong_clock(self, by_s: int, length_s: float) -> None:
        """The worker's clock, and nobody else's, jumps, and back after a while."""
        from_us = now_us()
        self._clock.write_text(f"{by_s:+}\n")
        try:
            await asyncio.sleep(length_s)
        finally:
            self._clock.write_text(RIGHT)
            self.jumps.append(Jump(from_us, now_us(), by_s))

    async def full_disk(self, length_s: float) -> None:
        """Nothing more can be written on the volume for a while."""
        filler = self._disk / "filler"
        await asyncio.to_thread(_fill, filler)
        try:
            await asyncio.sleep(length_s)
        finally:
            filler.unlink()

    def keep_journals(self, folder: Path) -> None:
        """Copy the volumes to where they outlive the run."""
        with contextlib.suppress(shutil.Error, OSError):
            shutil.copytree(self._disk, folder, dirs_exist_ok=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


WORKER = (sys.executable, "-m", "tests.chaos.witness")
