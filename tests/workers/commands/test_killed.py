"""A worker that is killed in the middle of a command: the next one finds out, and never writes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core import config
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import Wish
from tests.workers.commands.site import TAGS, Site, shown, speed
from tests.workers.pipeline.scripted import until

pytestmark = pytest.mark.servers

KILLS = 4
SEED = int(os.environ.get("PUMPJACK_TEST_SEED", "8"))


class Program:
    """`python -m pumpjack_worker` of one folder, again and again."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site, self._folder = site, folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it takes commands."""
        before = await self._fence()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PUMPJACK_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pumpjack_worker",
            env={
                **environment,
                "PUMPJACK_CONFIG_DIR": str(self._folder / "config"),
                "PUMPJACK_JOURNAL_DIR": str(self._folder / "journal"),
                "PUMPJACK_DATABASE_URL": self._site.writer_url,
                "PUMPJACK_REDIS_URL": self._site.redis_url,
                "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
            },
            stderr=(self._folder / "worker.log").open("ab"),
        )

        async def declared() -> bool:
            return await self._fence() > before

        await until(declared, 40.0)

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    def kill_now(self) -> None:
        """kill -9, from a callback."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)

    async def _fence(self) -> int:
        fence = await self._site.database.fetchval(
            "SELECT fence FROM pumpjack.connection_definition"
        )
        return fence or 0


@pytest.fixture
async def program(site: Site, tmp_path: Path) -> AsyncIterator[Program]:
    config.save(site.config((speed(verify_s=2.0), *TAGS[1:])), tmp_path / "config")
    program = Program(site, tmp_path)
    await program.start()
    yield program
    await program.kill()


async def connected(site: Site, device: SimulatedDevice) -> None:
    """Wait until the worker polls the device."""
    before = sum(device.requests.values())
    await until(lambda: sum(device.requests.values()) > before + 4, 30.0)


async def judge(
    site: Site, device: SimulatedDevice, value: float, state: str, read: object
) -> None:
    """What was told is the truth, and the device was asked at most once."""
    wishes = [wish for wish in device.written if int.from_bytes(wish.content, "big") == value * 10]
    assert len(wishes) <= 1
    if state == "verified":
        assert shown(device) == value
        assert len(wishes) == 1
    else:
        assert state in ("mismatch", "timeout")
        assert read in (None, shown(device))


@pytest.mark.timeout(240)
async def test_killed_at_any_moment_a_command_ends_with_the_truth_and_is_written_at_most_once(
    site: Site, device: SimulatedDevice, program: Program
) -> None:
    random_ = random.Random(SEED)
    for number in range(KILLS):
        await connected(site, device)
        value = 31.0 + number
        device.flaws.late_s = random_.choice((0.0, 0.05, 0.2))
        command = await site.request(value, expires_s=10.0)
        await asyncio.sleep(random_.uniform(0.0, 0.12))
        await program.kill()
        await program.start()
        state, detail = await site.end(command)
        await judge(site, device, value, state, detail.get("read"))


MOMENTS: dict[str, tuple[bool, str]] = {
    "before the device does it": (True, "timeout"),
    "after the device did it": (False, "verified"),
}


@pytest.mark.parametrize(("undone", "state"), MOMENTS.values(), ids=MOMENTS)
async def test_killed_while_the_device_is_asked(
    site: Site, device: SimulatedDevice, program: Program, undone: bool, state: str
) -> None:
    await connected(site, device)

    def on_write(wish: Wish) -> bytes:
        program.kill_now()
        device.flaws.lies = undone
        return wish.content

    device.on_write = on_write
    command = await site.request(45.0, expires_s=10.0)
    await until(lambda: device.written)
    await program.kill()
    assert (await site.steps(command))[-1] == "sent", "on record before the device was asked"
    await program.start()
    found, detail = await site.end(command)
    assert (found, detail["recovered"], detail["read"]) == (state, True, shown(device))
    assert len(device.written) == 1
