"""The worker's way in: what it says when the database does not do as it should."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.storage.connect import explain, place
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.roles import ensure_tenant, reader_role, writer_role
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, Worker, now_us
from tests.faults import FaultProxy

plain = pytest.mark.parametrize("level", LEVELS[:1])


def through(proxy: FaultProxy, url: str) -> str:
    parts = urlsplit(url)
    return f"postgresql://{parts.username}@{proxy.host}:{proxy.port}{parts.path}?sslmode=disable"


def socket_of(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0]) / ".s.PGSQL.5432"


async def worker_through(proxy: FaultProxy, database: Database, timeout_s: float) -> Worker:
    direct = await database.worker()
    url = through(proxy, database.login(writer_role("permian")))
    worker = Worker(await Ingest.connect(url, timeout_s=timeout_s), direct.name, direct.tags)
    await worker.open()
    return worker


@plain
async def test_a_lost_connection_can_be_tried_again(database: Database) -> None:
    async with FaultProxy(socket_of(database.url)) as proxy:
        worker = await worker_through(proxy, database, 10)
        proxy.hang_up()
        with pytest.raises(StorageUnavailable, match="check that it runs"):
            await worker.write([(now_us(), 0, 1.0)])
        await worker.ingest.close()


@plain
async def test_a_database_that_does_not_answer_is_given_up_in_time(database: Database) -> None:
    async with FaultProxy(socket_of(database.url)) as proxy:
        worker = await worker_through(proxy, database, 0.5)
        proxy.stall()
        with pytest.raises(StorageUnavailable, match="no answer in time"):
            await worker.write([(now_us(), 0, 1.0)])
        async with asyncio.timeout(30):
            await worker.ingest.close()


@plain
async def test_a_batch_whose_answer_was_lost_is_not_stored_again(database: Database) -> None:
    async with FaultProxy(socket_of(database.url)) as proxy:
        worker = await worker_through(proxy, database, 10)
        now = now_us()
        await worker.write([(now, 0, 1.0)])
        proxy.cut_answer(after=3)
        with pytest.raises(StorageUnavailable):
            await worker.write([(now + 1, 0, 2.0), (now + 1, 0, 3.0)])
        await worker.ingest.close()
        url = database.login(writer_role("permian"))
        again = Worker(await Ingest.connect(url), worker.name, worker.tags)
        assert await again.open(worker.journal) == 2, "it was stored: its answer was lost"
        written = await again.write([(now + 1, 0, 2.0), (now + 1, 0, 3.0)], prev=1)
        assert (written.applied, written.cursor) == (False, 2)
        await again.ingest.close()
    assert await database.read("SELECT count(*) FROM pumpjack.scada_readings") == [(3,)]


@plain
async def test_a_server_that_stops_the_session_can_be_tried_again(database: Database) -> None:
    worker = await database.worker()
    pid = worker.ingest._connection.get_server_pid()
    await database.admin.execute("SELECT pg_terminate_backend($1)", pid)
    with pytest.raises(StorageUnavailable):
        await worker.write([(now_us(), 0, 1.0)])


@plain
async def test_a_wrong_login_is_said_and_not_tried_again(database: Database) -> None:
    await ensure_tenant(database.admin, "permian")
    with pytest.raises(StorageError, match="does not exist") as unknown:
        await Ingest.connect(database.login("nobody"))
    with pytest.raises(StorageError, match="not permitted to log in") as reader:
        await Ingest.connect(database.login(reader_role("permian")))
    assert not isinstance(unknown.value, StorageUnavailable)
    assert not isinstance(reader.value, StorageUnavailable)


@plain
async def test_a_login_of_no_tenant_is_told_whose_it_should_be(database: Database) -> None:
    ingest = await Ingest.connect(database.url)
    with pytest.raises(
        StorageError, match=r"the login postgres writes for no tenant.*as the tenant"
    ):
        await ingest.take_fence("ops/pad7", "modbus-tcp")
    await ingest.close()


@plain
async def test_a_database_that_was_not_migrated_is_told_from_one_that_is_away(
    fresh_url: str,
) -> None:
    ingest = await Ingest.connect(fresh_url)
    with pytest.raises(StorageError, match="run `pumpjack migrate`") as error:
        await ingest.take_fence("ops/pad7", "modbus-tcp")
    assert not isinstance(error.value, StorageUnavailable)
    await ingest.close()


@plain
async def test_an_unknown_connection_asks_for_its_fence(database: Database) -> None:
    worker = await database.worker()
    worker.name = "ops/unheard-of"
    with pytest.raises(StorageError, match="is not known; Call take_fence first"):
        await worker.open()


async def test_behind_a_pooler_each_call_prepares_anew(database: Database) -> None:
    one, other = await database.worker(), await database.worker(name="ops/pad8")
    now = now_us()
    for second in range(3):
        assert (await one.write([(now + second, 0, 1.0)])).applied
        # What a pooler does between two transactions: another server connection, or this one
        # with its statements gone.
        await one.ingest._connection.execute("DEALLOCATE ALL")
        assert (await other.write([(now + second, 0, 1.0)])).applied
    assert await database.read("SELECT count(*) FROM pumpjack.scada_readings") == [(6,)]


PASSING = {
    "disk full": asyncpg.DiskFullError,
    "restart": asyncpg.AdminShutdownError,
    "starting": asyncpg.CannotConnectNowError,
    "deadlock": asyncpg.DeadlockDetectedError,
    "serialization": asyncpg.SerializationError,
    "too many connections": asyncpg.TooManyConnectionsError,
    "a standby": asyncpg.ReadOnlySQLTransactionError,
    "cancelled": asyncpg.QueryCanceledError,
}
LASTING = {
    "permission": asyncpg.InsufficientPrivilegeError,
    "password": asyncpg.InvalidPasswordError,
    "not migrated": asyncpg.UndefinedFunctionError,
    "out of range": asyncpg.NumericValueOutOfRangeError,
}


@pytest.mark.parametrize("error", PASSING.values(), ids=PASSING)
def test_passing_trouble(error: type[asyncpg.PostgresError]) -> None:
    assert isinstance(explain(error("x"), "here"), StorageUnavailable)


@pytest.mark.parametrize("error", LASTING.values(), ids=LASTING)
def test_lasting_trouble(error: type[asyncpg.PostgresError]) -> None:
    assert not isinstance(explain(error("x"), "here"), StorageUnavailable)


def test_a_password_is_in_no_sentence() -> None:
    assert place("postgresql://me:secret@db:5433/wells?sslmode=require") == "me@db:5433/wells"
    assert place("postgresql:///wells?host=/run/pg") == "@/wells"
