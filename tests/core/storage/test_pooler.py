"""A real PgBouncer in transaction mode between workers and database."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.roles import writer_role
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker, now_us

pytestmark = [pytest.mark.peers, pytest.mark.parametrize("level", LEVELS[:1])]
START_LIMIT_S = 60.0
INSTALL_LIMIT_S = 100


def pgbouncer() -> str:
    """Path of the program; installs it where that can be done."""
    path = os.environ["PATH"] + ":/usr/sbin"
    if not shutil.which("pgbouncer", path=path) and os.getuid() == 0 and shutil.which("apt-get"):
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "pgbouncer"],
            capture_output=True,
            timeout=INSTALL_LIMIT_S,
            check=False,
        )
    found = shutil.which("pgbouncer", path=path)
    return found or pytest.skip("peer-missing: pgbouncer (apt-get install pgbouncer)")


@pytest.fixture
async def pooled_url(database: Database) -> AsyncIterator[str]:
    """URL of the writer of permian through a pooler with two server connections."""
    await database.tenant()
    parts = urlsplit(database.url)
    host = Path(parse_qs(parts.query)["host"][0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pj-pool-") as name:
        folder = Path(name)
        owner = pwd.getpwuid(host.stat().st_uid)
        user = writer_role("permian")
        (folder / "users.txt").write_text(f'"{user}" ""\n')
        (folder / "pool.ini").write_text(
            f"[databases]\n* = host={host}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\npool_mode = transaction\n"
            f"default_pool_size = 2\nauth_type = trust\nauth_file = {folder}/users.txt\n"
            + (f"user = {owner.pw_name}\n" if os.getuid() == 0 else "")
        )
        for path in (folder, *folder.iterdir()):
            if os.getuid() == 0:
                os.chown(path, owner.pw_uid, owner.pw_gid)
        process = await asyncio.create_subprocess_exec(
            pgbouncer(), "-q", str(folder / "pool.ini"), stderr=subprocess.PIPE
        )
        try:
            async with asyncio.timeout(START_LIMIT_S):
                while not await _accepts(port):
                    assert process.returncode is None, await process.stderr.read()
                    await asyncio.sleep(0.05)
            yield f"postgresql://{user}@127.0.0.1:{port}{parts.path}?sslmode=disable"
        finally:
            process.kill()
            await process.wait()


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_more_workers_than_server_connections_store_all_they_have(
    database: Database, pooled_url: str
) -> None:
    workers = []
    for number in range(5):
        direct = await database.worker(name=f"ops/pad{number}")
        worker = Worker(await Ingest.connect(pooled_url), direct.name, direct.tags)
        assert await worker.ingest.take_fence(direct.name, "modbus-tcp") == 2
        await worker.open()
        workers.append(worker)
    now = now_us()

    async def drain(worker: Worker) -> None:
        for batch in range(30):
            written = await worker.write([(now + batch, tag, float(batch)) for tag in range(3)])
            assert (written.applied, written.stored) == (True, 3)

    async with asyncio.TaskGroup() as tasks:
        for worker in workers:
            tasks.create_task(drain(worker))
    assert await database.read("SELECT count(*) FROM pumpjack.scada_readings") == [(5 * 30 * 3,)]
    for worker in workers:
        await worker.ingest.close()
