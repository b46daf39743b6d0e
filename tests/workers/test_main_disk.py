"""The program `python -m pumpjack_worker` on a disk that is full, or fails; a real one, as root."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio

from pumpjack_core import wire
from pumpjack_core.clock import SystemClock, iso_us
from pumpjack_core.manifests.types import Journal
from tests.workers.pipeline.scripted import until
from tests.workers.test_main import CONNECTION, TENANT, Site, register, site

__all__ = ["site"]
pytestmark = pytest.mark.servers

LIMIT_S = 60.0
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/none"


def run(*command: str) -> None:
    """As root; where that is not allowed, the test is skipped with the reason."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        pytest.skip(f"needs {error.filename}")
    if done.returncode:
        pytest.skip(f"{' '.join(command)} needs root: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB in memory, where the journal goes."""
    folder = tmp_path / "journal"
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class Disk:
    """An ext4 of its own in a file."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder

    def mount(self) -> None:
        run("mount", "-o", "loop", str(self.image), str(self.folder))

    def fail(self) -> None:
        """As the kernel does when the device gives errors: nothing can be written any more."""
        run("mount", "-o", "remount,abort", str(self.folder))

    def mend(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)
        subprocess.run(["e2fsck", "-p", str(self.image)], check=False, capture_output=True)
        self.mount()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    found = Disk(tmp_path / "image", tmp_path / "journal")
    found.folder.mkdir()
    with found.image.open("wb") as file:
        file.truncate(32 << 20)
    run("mkfs.ext4", "-q", "-F", str(found.image))
    found.mount()
    yield found
    subprocess.run(["umount", "-l", str(found.folder)], check=True)


async def problems(site: Site) -> str:
    return " ".join((await site.get("/status")).json()["problems"])


async def metric(site: Site, name: str) -> float:
    labels = f'{{connection_id="{CONNECTION}",tenant_id="{TENANT}"}} '
    for line in (await site.get("/metrics")).text.splitlines():
        if line.startswith(name + labels):
            return float(line.removeprefix(name + labels))
    raise AssertionError(f"no {name}")


@pytest.fixture
async def shown(site: Site) -> AsyncIterator[list[wire.Readings]]:
    """What the live feed shows, from now on."""
    client = redis.asyncio.from_url(site.redis_url)
    listener = client.pubsub()
    await listener.subscribe(wire.readings_channel(TENANT))
    found: list[wire.Readings] = []

    async def listen() -> None:
        async for message in listener.listen():
            if message["type"] == "message":
                one = wire.decode_message(message["data"])
                if isinstance(one, wire.Readings):
                    found.append(one)

    task = asyncio.create_task(listen())
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await listener.aclose()
    await client.aclose()


def fill(folder: Path) -> Path:
    """Somebody else's file takes all the room there is."""
    path = folder / "somebody_else"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"x")
    return path


async def test_on_a_full_disk_everything_is_shown_and_it_goes_on_by_itself_when_there_is_room(
    small_disk: Path, site: Site, shown: list[wire.Readings]
) -> None:
    site.configure(register(0), journal=Journal(size="1Gi"))
    await site.start()
    await site.has_stored(3)
    other = fill(small_disk)

    async def told() -> bool:
        return "readings are not stored" in await problems(site)

    await until(told, LIMIT_S)
    assert await metric(site, "scada_journal_full") == 1
    assert (await site.get("/status")).json()["state"] == "connected", "it is polled on"
    polls = site.polls
    await until(lambda: site.polls > polls + 5, LIMIT_S)
    await until(lambda: any(not one.stored for one in shown[-3:]), LIMIT_S)
    lost = {one.readings[0].value for one in list(shown) if not one.stored}
    other.unlink()

    async def well_again() -> bool:
        return "not stored" not in await problems(site) and shown[-1].stored

    await until(well_again, LIMIT_S)

    async def recorded() -> bool:
        return await hole(site) is not None

    await until(recorded, LIMIT_S)
    found = await hole(site)
    assert found is not None
    assert found["readings"] >= len(lost) > 0
    assert await metric(site, "scada_journal_full") == 0
    assert await metric(site, "scada_readings_not_stored_total") >= len(lost)
    values = [value for value in await site.stored() if value is not None]
    assert values == sorted(set(values))
    assert not lost & set(values), "what was shown as not stored is not"


async def hole(site: Site) -> dict[str, Any] | None:
    raw = await site.database.fetchval(
        "SELECT raw FROM pumpjack.quarantine WHERE reason = 'not_stored'"
    )
    return None if raw is None else msgspec.json.decode(raw)


async def test_a_hole_is_told_though_its_worker_was_killed_on_the_full_disk(
    small_disk: Path, site: Site, shown: list[wire.Readings]
) -> None:
    site.configure(register(0), journal=Journal(size="1Gi"))
    worker = await site.start()
    await site.has_stored(3)
    other = fill(small_disk)

    async def told() -> bool:
        return "readings are not stored" in await problems(site)

    await until(told, LIMIT_S)
    await until(lambda: not shown[-1].stored, LIMIT_S)
    lost = next(one for one in shown if not one.stored)
    worker.kill()
    await worker.wait()
    other.unlink()
    await site.start()

    async def recorded() -> bool:
        return await hole(site) is not None

    await until(recorded, LIMIT_S)
    found = await hole(site)
    assert found is not None
    assert found["readings"] >= 1
    assert found["from"] <= lost.received_at <= iso_us(SystemClock().now_us())
    assert lost.readings[0].value not in await site.stored()


async def test_on_a_disk_that_can_only_be_read_it_says_so_and_starts_nothing(
    disk: Disk, site: Site
) -> None:
    """As the kernel leaves a disk with errors: there is a journal, and it cannot be written."""
    site.configure(register(0), journal=Journal(size="1Gi"))
    first = await site.start()
    await site.has_stored(1)
    first.terminate()
    await first.wait()
    run("mount", "-o", "remount,ro", str(disk.folder))
    polls = site.polls
    done = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pumpjack_worker",
        env=site.environment,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(done.communicate(), LIMIT_S)
    said = errors.decode()
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert said.startswith("error: cannot make a journal in ")
    assert "Read-only file system" in said
    assert "give a folder that can be written to" in said
    assert site.polls == polls, "nothing is read that could not be kept"
    run("mount", "-o", "remount,rw", str(disk.folder))
    await site.start()


async def test_on_a_disk_that_fails_everything_is_shown_and_what_was_safe_is_stored_later(
    disk: Disk, site: Site, shown: list[wire.Readings]
) -> None:
    site.configure(register(0), journal=Journal(size="1Gi"))
    worker = await site.start(PUMPJACK_DATABASE_URL=UNREACHABLE)
    await until(lambda: len(shown) > 5, LIMIT_S)
    disk.fail()

    async def told() -> bool:
        return "readings are not stored" in await problems(site)

    await until(told, LIMIT_S)
    count = len(shown)
    await until(lambda: len(shown) > count + 5, LIMIT_S)
    assert not shown[-1].stored
    safe = (await site.get("/status")).json()["journalReadings"]
    assert safe >= 5
    worker.kill()
    await worker.wait()
    disk.mend()
    await site.start()
    await site.has_stored(safe)
    values = [value for value in await site.stored() if value is not None]
    first = [one.readings[0].value for one in shown if one.stored][:5]
    assert set(first) <= set(values)
