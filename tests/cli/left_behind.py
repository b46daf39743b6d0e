"""A journal that a worker left, and the database that it belongs to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import numpy as np

from pumpjack_core.clock import SystemClock
from pumpjack_core.readings import Batch
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.pipeline import codec
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.cli.command import RUN

TENANT = "permian"
CONNECTION = "ops/plc"
TAGS = TagTable(
    tuple(Tag("a1", name, "holding:1", "float32", 1.0, "psi") for name in ("pressure", "flow"))
)


class Site:
    """A migrated database with a tenant and a connection that a worker once had."""

    def __init__(self, url: str, admin: asyncpg.Connection) -> None:
        self.url, self.admin = url, admin
        self.writer_url = url.replace("postgres@", f"{writer_role(TENANT)}@")

    @classmethod
    async def make(cls, url: str) -> Site:
        await migrate(url)
        admin = await asyncpg.connect(url)
        await ensure_tenant(admin, TENANT)
        site = cls(url, admin)
        worker = await Ingest.connect(site.writer_url)
        await worker.take_fence(CONNECTION, "modbus-tcp")
        await worker.close()
        return site

    async def fence(self) -> int:
        return await self.admin.fetchval("SELECT fence FROM pumpjack.connection")

    async def stored(self) -> list[float]:
        """Values of the first tag in the order of their times."""
        rows = await self.admin.fetch(
            "SELECT value FROM pumpjack.scada_readings WHERE tag_name = 'pressure' ORDER BY time"
        )
        return [row["value"] for row in rows]


def leave(folder: Path, batches: int, readings: int = 2, *, first: int = 0) -> list[float]:
    """Put batches into a folder's journal; returns the values in their order."""
    start_us = SystemClock().now_us() - 3_600_000_000
    with Spool(folder, CONNECTION, size_bytes=1 << 30) as journal:
        rows = []
        for number in range(first, first + batches):
            at = number * readings + np.arange(readings)
            us = start_us + at * 1_000
            index = np.zeros(readings, np.int32)
            batch = Batch(
                TAGS, index, us, at.astype(np.float64), np.zeros(readings, np.int16), int(us[0])
            )
            seq = journal.next_seq + number - first
            rows.append(Row(seq, int(us[0]), readings, TAGS, codec.encode(batch)))
        journal.append(rows)
    return [float(at) for at in range(first * readings, (first + batches) * readings)]


def begin(*arguments: str) -> subprocess.Popen[str]:
    """A command that goes on while the test does something."""
    return subprocess.Popen(
        [*RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


HOLD = """
import sys
from pathlib import Path
from pumpjack_worker.pipeline.spool import Spool
journal = Spool(Path(sys.argv[1]), sys.argv[2], size_bytes=1 << 20)
print("open", flush=True)
sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """A process that has the journal open as a worker has."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), CONNECTION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


async def until(condition, limit_s: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    """Wait until an awaited condition holds."""
    async with asyncio.timeout(limit_s):
        while not await condition():
            await asyncio.sleep(0.02)
