"""`pumpjack journal`: what a worker left behind is seen, and reaches the database once."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_worker.pipeline.hole import Loss
from pumpjack_worker.pipeline.hole_file import HoleFile
from tests.cli.command import run
from tests.cli.left_behind import CONNECTION, Site, begin, hold, kill, leave, until
from tests.faults import FaultProxy
from tests.workers.pipeline.examples import table
from tests.workers.pipeline.scripted import start

pytestmark = pytest.mark.servers


@pytest.fixture
async def site(empty_database: str) -> AsyncIterator[Site]:
    made = await Site.make(empty_database)
    yield made
    await made.admin.close()


def drain(folder: Path, url: str, *more: str):  # type: ignore[no-untyped-def]
    return run("journal", "drain", str(folder), "--database-url", url, *more)


def waiting(folder: Path) -> int:
    done = run("journal", "status", str(folder), "--output", "json")
    return json.loads(done.stdout)[0]["readings"]


async def drain_in_part(site: Site, folder: Path) -> None:
    """Kill a drain whose first readings are stored, and whose answer never came."""
    socket = Path(site.url.partition("?host=")[2]) / ".s.PGSQL.5432"
    async with FaultProxy(socket) as proxy:
        through = site.writer_url.partition("?")[0].replace("@/", f"@127.0.0.1:{proxy.port}/")
        process = begin("journal", "drain", str(folder), "--database-url", through)

        async def in_part() -> bool:
            return len(await site.stored()) > 0

        await until(in_part)
        proxy.stall()
        kill(process)
    assert waiting(folder) > 0, "it was cut off before its end"


# Looking


def test_what_waits_is_told_and_not_changed(tmp_path: Path) -> None:
    leave(tmp_path, 3)
    before = (tmp_path / "journal.db").read_bytes()
    done = run("journal", "status", str(tmp_path))
    assert done.code == 0, done.stderr
    assert f"{tmp_path}: {CONNECTION}\n" in done.stdout
    assert "6 readings wait in 3 batches" in done.stdout
    assert "received from 20" in done.stdout
    assert (tmp_path / "journal.db").read_bytes() == before


def test_an_empty_journal_says_so(tmp_path: Path) -> None:
    leave(tmp_path, 1)
    with hold(tmp_path):  # opens and closes it, as a worker without anything to do
        pass
    seen = json.loads(run("journal", "status", str(tmp_path), "-o", "json").stdout)
    assert (seen[0]["batches"], seen[0]["in_use"]) == (1, False)


def test_a_journal_that_a_worker_has_open_is_told_as_such_and_not_drained(tmp_path: Path) -> None:
    leave(tmp_path, 2)
    with hold(tmp_path):
        assert "a worker has it open" in run("journal", "status", str(tmp_path)).stdout
        done = drain(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
        assert done.code == 1
        assert "a worker has the journal" in done.stderr and "stop it first" in done.stderr
    assert waiting(tmp_path) == 4


def test_a_folder_without_a_journal_stays_without_one(tmp_path: Path) -> None:
    for command in (("status",), ("drain", "--database-url", "postgresql://x@127.0.0.1:1/x")):
        done = run("journal", *command, str(tmp_path))
        assert done.code == 1
        assert "holds no journal" in done.stderr
    assert list(tmp_path.iterdir()) == []


# Emptying


async def test_what_its_worker_had_no_room_for_goes_on_record_with_the_drain(
    site: Site, tmp_path: Path
) -> None:
    leave(tmp_path, 3)
    at = SystemClock().now_us()
    HoleFile(tmp_path).write(Loss(at, at + 5_000_000, 2, 40))
    for _ in range(2):
        done = drain(tmp_path, site.writer_url)
        assert done.code == 0, done.stderr
    notes = await site.admin.fetch(
        "SELECT raw FROM pumpjack.quarantine WHERE reason = 'not_stored'"
    )
    assert [json.loads(note["raw"])["readings"] for note in notes] == [40]
    assert len(await site.stored()) == 6


async def test_what_was_left_is_stored_once_and_in_order(site: Site, tmp_path: Path) -> None:
    values = leave(tmp_path, 50, 20)
    done = drain(tmp_path, site.writer_url)
    assert done.code == 0, done.stderr
    assert "nothing waits any more; 1,000 readings stored" in done.stdout
    assert await site.stored() == values
    again = drain(tmp_path, site.writer_url)
    assert (again.code, "; 0 readings stored" in again.stdout) == (0, True)
    assert await site.stored() == values


async def test_in_a_pod_the_worker_s_own_environment_is_enough(site: Site, tmp_path: Path) -> None:
    values = leave(tmp_path, 3)
    told = {"PUMPJACK_JOURNAL_DIR": str(tmp_path), "PUMPJACK_DATABASE_URL": site.writer_url}
    assert run("journal", "drain", environment=told).code == 0
    assert await site.stored() == values


async def test_a_drain_that_was_killed_and_begun_again_stores_each_reading_once(
    site: Site, tmp_path: Path
) -> None:
    values = leave(tmp_path, 300, 200)
    await drain_in_part(site, tmp_path)
    assert drain(tmp_path, site.writer_url).code == 0
    assert await site.stored() == values


async def test_the_worker_that_comes_back_goes_on_where_a_drain_was_cut_off(
    site: Site, tmp_path: Path, valkey
) -> None:
    values = leave(tmp_path, 300, 200)
    await drain_in_part(site, tmp_path)

    async def connect() -> Ingest:
        return await Ingest.connect(site.writer_url)

    worker = await start(tmp_path, connect, valkey.url, table("pressure", unit="psi"))
    assert await worker.stop(60.0)
    assert await site.stored() == values


async def test_a_replaced_worker_s_journal_drains_and_the_worker_that_runs_reads_on(
    site: Site, tmp_path: Path, valkey
) -> None:
    values = leave(tmp_path / "left", 3)
    proxied = Ingest.connect

    async def connect() -> Ingest:
        return await proxied(site.writer_url)

    worker = await start(tmp_path / "own", connect, valkey.url, table("pressure", unit="psi"))
    worker.adapter.read(1_000.0)

    async def first() -> bool:
        return 1_000.0 in await site.stored()

    await until(first)
    fence = await site.fence()
    assert drain(tmp_path / "left", site.writer_url).code == 0
    worker.adapter.read(2_000.0)

    async def second() -> bool:
        return 2_000.0 in await site.stored()

    await until(second)
    assert not worker.pipeline.writer.fenced.is_set()
    assert await site.fence() == fence
    assert await worker.stop()
    assert await site.stored() == [*values, 1_000.0, 2_000.0]


async def test_a_copy_of_a_drained_journal_stores_nothing_twice(site: Site, tmp_path: Path) -> None:
    values = leave(tmp_path / "one", 5)
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    assert drain(tmp_path / "one", site.writer_url).code == 0
    assert drain(tmp_path / "copy", site.writer_url).code == 0
    assert await site.stored() == values


# What stands in the way


async def test_of_a_damaged_journal_what_can_be_read_is_told_and_stored(
    site: Site, tmp_path: Path
) -> None:
    values = leave(tmp_path, 100, 100)
    path = tmp_path / "journal.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    seen = run("journal", "status", str(tmp_path), "--output", "json")
    assert seen.code == 1
    (look,) = json.loads(seen.stdout)
    assert look["damage"] and 5_000 < look["readings"] < 10_000
    done = drain(tmp_path, site.writer_url)
    assert done.code == 3, done.stderr
    assert "journal.damaged-" in done.stdout
    stored = await site.stored()
    assert len(stored) == look["readings"]
    assert set(stored) < set(values) and {values[0], values[-1]} < set(stored)
    assert list(tmp_path.glob("journal.damaged-*.db"))


async def test_a_file_that_is_no_journal_any_more_asks_whose_it_was(
    site: Site, tmp_path: Path
) -> None:
    leave(tmp_path, 1)
    (tmp_path / "journal.db").write_bytes(b"this was one" * 1_000)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"journal.db{suffix}").unlink(missing_ok=True)
    done = drain(tmp_path, site.writer_url)
    assert done.code == 1
    assert "say it with --connection" in done.stderr
    assert drain(tmp_path, site.writer_url, "--connection", CONNECTION).code == 3


async def test_a_database_that_does_not_know_the_connection_is_asked_about(
    site: Site, tmp_path: Path
) -> None:
    values = leave(tmp_path, 2)
    await site.admin.execute("DELETE FROM pumpjack.connection")
    done = drain(tmp_path, site.writer_url)
    assert done.code == 1
    assert f"the connection {CONNECTION} of the tenant permian is not known here" in done.stderr
    assert "--protocol" in done.stderr
    assert waiting(tmp_path) == 4
    assert drain(tmp_path, site.writer_url, "--protocol", "modbus-tcp").code == 0
    assert await site.stored() == values
    assert await site.fence() == 0, "the worker that comes takes the first"


async def test_another_tenant_s_login_gets_nothing_of_it(site: Site, tmp_path: Path) -> None:
    leave(tmp_path, 2)
    await ensure_tenant(site.admin, "bakken")
    done = drain(tmp_path, site.url.replace("postgres@", f"{writer_role('bakken')}@"))
    assert (done.code, "of the tenant bakken is not known" in done.stderr) == (1, True)
    assert waiting(tmp_path) == 4


def test_a_database_that_is_away_leaves_the_journal_as_it_is(tmp_path: Path) -> None:
    leave(tmp_path, 2)
    done = drain(tmp_path, "postgresql://me:hush@127.0.0.1:1/wells", "--patience", "1s")
    assert done.code == 1
    assert "waits in the journal still" in done.stderr
    assert "hush" not in done.stderr
    assert waiting(tmp_path) == 4


async def test_a_login_that_writes_for_nobody_is_told_which_to_use(
    site: Site, tmp_path: Path
) -> None:
    leave(tmp_path, 2)
    done = drain(tmp_path, site.url)
    assert done.code == 1
    assert "writes for no tenant" in done.stderr and "tenant's writer" in done.stderr
