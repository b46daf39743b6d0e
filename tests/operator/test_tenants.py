"""A tenant's logins: made once, shared by its namespaces, renewed, and never half done."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
import redis.asyncio
import redis.exceptions

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core import wire
from pumpjack_core.errors import ManifestError, StorageUnavailable
from pumpjack_core.storage import roles
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import OPERATOR_ROLE, reader_role, scram_verifier, writer_role
from pumpjack_core.tags import Tag
from pumpjack_operator.logins import ROTATE_ANNOTATION, record_name
from pumpjack_operator.redis_users import RedisUsers
from pumpjack_operator.stores import Stores, with_login
from pumpjack_operator.tenants import AGAIN_S, REFRESH_S, ROLES_S, Tenants
from tests.core.storage.database import Worker, now_us
from tests.operator.kept_objects import InMemory, Killed
from tests.operator.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.servers

OWN, COPY = "pumpjack-system", "pumpjack-stores"
PATIENCE_S = 60.0
T0_US = now_us() - 60_000_000
_numbers = itertools.count(1)


class Time:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def now_us(self) -> int:
        return int(self.now_s * 1e6)

    def monotonic(self) -> float:
        return self.now_s


class Database:
    """A migrated database behind a plug that can be pulled."""

    def __init__(self, url: str, plug: Path, admin: asyncpg.Connection) -> None:
        self.admin = admin
        self._plug = plug
        parts = urlsplit(url)
        self._socket = parts.query.removeprefix("host=")
        self.place = f"postgresql://{parts.path}?host={plug}"
        self.join()

    def join(self) -> None:
        self._plug.symlink_to(self._socket)

    def pull(self) -> None:
        self._plug.unlink()

    async def has_password(self, role: str, password: str) -> bool:
        """Whether a role was given it. The server of the tests asks nobody for one."""
        stored = await self.admin.fetchval(
            "SELECT rolpassword FROM pg_authid WHERE rolname = $1", role
        )
        salt = base64.b64decode(stored.split(":")[1].split("$")[0])
        return bool(scram_verifier(password, salt) == stored)


@pytest.fixture(scope="module")
def live() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="pj-tenants-") as folder:
        with redis_server(Path(folder)) as running:
            yield running


@pytest.fixture(scope="module")
def migrated(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = "tenants_of_the_operator"

    async def make() -> None:
        admin = await asyncpg.connect(postgres.url())
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        await migrate(postgres.url(name))

    asyncio.run(make())
    yield postgres.url(name)


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    admin = await asyncpg.connect(migrated)
    with tempfile.TemporaryDirectory(prefix="pj-plug-") as folder:
        yield Database(migrated, Path(folder) / "plug", admin)
    await admin.close()


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has: roles belong to the whole server."""
    return f"tenant-{os.getpid()}-{next(_numbers)}"


class Cluster:
    """Objects, stores and an operator that can be started again."""

    def __init__(self, database: Database, live: RedisServer) -> None:
        self.objects = InMemory()
        self.clock = Time()
        self.database, self.live = database, live
        self.stores = Stores(
            with_login(database.place, OPERATOR_ROLE, "x"),
            database.place,
            (live.url,),
            live.place,
        )
        self.changed: list[str] = []
        self.served: set[str] = set()
        """Tenants of some namespace."""
        self.users: RedisUsers
        self.tenants: Tenants
        self.restart()

    def restart(self) -> None:
        self.users = RedisUsers(self.stores.redis_urls)
        self.tenants = self.another()

    def another(self) -> Tenants:
        return Tenants(
            self.objects,
            self.stores,
            self.users,
            own_namespace=OWN,
            secret_name=COPY,
            changed=self.changed.append,
            serves=self.served.__contains__,
            clock=self.clock,
        )

    async def ensure(self, namespace: str, tenant: str) -> str:
        """As the loop does, and as run() then tells Redis."""
        self.served.add(tenant)
        version = await self.tenants.ensure_tenant(namespace, tenant)
        await self.users.apply()
        return version

    def copy(self, namespace: str) -> dict[str, str]:
        return self._data(namespace, COPY)

    def record(self, tenant: str) -> dict[str, str]:
        return self._data(OWN, record_name(tenant))

    def rotate(self, tenant: str, value: str) -> None:
        self.objects.annotate(OWN, record_name(tenant), **{ROTATE_ANNOTATION: value})

    def _data(self, namespace: str, name: str) -> dict[str, str]:
        data = self.objects.stored["Secret", namespace, name]["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    async def assert_whole(self, namespace: str, tenant: str) -> None:
        """Record, database, Redis and copy say the same."""
        record, copy = self.record(tenant), self.copy(namespace)
        assert record["applied"] == record["version"]
        for key, password in (
            ("database-url", "database-password"),
            ("redis-url", "redis-password"),
        ):
            assert urlsplit(copy[key]).password == record[password]
            assert urlsplit(copy[key]).username == writer_role(tenant)
        assert await self.database.has_password(writer_role(tenant), record["database-password"])
        async with redis.asyncio.from_url(copy["redis-url"]) as client:
            await client.publish(wire.readings_channel(tenant), "x")


@pytest.fixture
async def cluster(database: Database, live: RedisServer) -> AsyncIterator[Cluster]:
    made = Cluster(database, live)
    yield made
    await made.users.close()


async def test_the_workers_of_a_namespace_get_logins_that_work(cluster, tenant):
    version = await cluster.ensure("ops", tenant)
    await cluster.assert_whole("ops", tenant)
    assert len(version) == 16
    session = await asyncpg.connect(cluster.copy("ops")["database-url"])
    assert await session.fetchval("SELECT session_user") == writer_role(tenant)
    await session.close()
    row = await cluster.database.admin.fetchrow(
        "SELECT writer_role, reader_role FROM pumpjack.tenant WHERE tenant_id = $1", tenant
    )
    assert tuple(row) == (writer_role(tenant), reader_role(tenant))


async def test_namespaces_of_a_tenant_share_logins_and_other_tenants_have_others(cluster, tenant):
    first = await cluster.ensure("ops", tenant)
    assert await cluster.ensure("lab", tenant) == first
    assert cluster.copy("ops") == cluster.copy("lab")
    assert await cluster.ensure("theirs", f"{tenant}-b") != first
    assert set(cluster.copy("theirs").values()).isdisjoint(cluster.copy("ops").values())


async def test_nothing_is_written_when_nothing_changed_nor_after_a_restart(cluster, tenant):
    version = await cluster.ensure("ops", tenant)
    written = len(cluster.objects.writes)
    assert await cluster.ensure("ops", tenant) == version
    cluster.clock.now_s += REFRESH_S + 1
    assert await cluster.ensure("ops", tenant) == version
    cluster.restart()
    assert await cluster.ensure("ops", tenant) == version
    assert len(cluster.objects.writes) == written
    await cluster.assert_whole("ops", tenant)


async def test_logins_that_the_database_lost_are_set_again(cluster, tenant):
    await cluster.ensure("ops", tenant)
    await cluster.database.admin.execute(f"ALTER ROLE {writer_role(tenant)} PASSWORD 'theirs'")
    cluster.clock.now_s += ROLES_S
    await cluster.ensure("ops", tenant)
    await cluster.assert_whole("ops", tenant)


async def test_looking_again_at_what_is_right_does_not_ask_the_database(cluster, tenant):
    version = await cluster.ensure("ops", tenant)
    cluster.database.pull()
    cluster.clock.now_s += REFRESH_S
    cluster.objects.add_data("ops", COPY, **{"database-url": "eA=="})
    assert await cluster.ensure("ops", tenant) == version
    assert cluster.tenants.problem(tenant) is None
    cluster.database.join()
    await cluster.assert_whole("ops", tenant)


async def test_a_copy_that_a_tenant_changed_is_set_right(cluster, tenant):
    await cluster.ensure("ops", tenant)
    before = cluster.copy("ops")
    cluster.objects.add_data("ops", COPY, **{"database-url": "eA=="})
    cluster.tenants.forget("ops")
    await cluster.ensure("ops", tenant)
    assert cluster.copy("ops") == before


@pytest.mark.parametrize("rotating", [False, True], ids=["first made", "renewed"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", [0, 1, 2])
async def test_killed_at_any_write_it_ends_the_same(cluster, tenant, write, moment, rotating):
    if rotating:
        await cluster.ensure("ops", tenant)
        cluster.rotate(tenant, "1")
        cluster.restart()
    setattr(cluster.objects, f"fail_{moment}", len(cluster.objects.writes) + write)
    with pytest.raises(Killed):
        await cluster.ensure("ops", tenant)
    cluster.objects.fail_before = cluster.objects.fail_after = None
    cluster.restart()
    version = await cluster.ensure("ops", tenant)
    await cluster.assert_whole("ops", tenant)
    assert cluster.record(tenant)["rotated"] == ("1" if rotating else "")
    assert await cluster.ensure("ops", tenant) == version


async def test_a_renewed_login_reaches_each_namespace_and_closes_the_old_door(cluster, tenant):
    before = await cluster.ensure("ops", tenant)
    await cluster.ensure("lab", tenant)
    old = cluster.copy("ops")
    async with redis.asyncio.from_url(old["redis-url"]) as feed:
        await feed.publish(wire.readings_channel(tenant), "before")
        cluster.rotate(tenant, "2026-01-31")
        await cluster.tenants.look_at_records()
        assert sorted(cluster.changed) == ["lab", "ops"]
        after = {await cluster.ensure(namespace, tenant) for namespace in ("ops", "lab")}
        assert before not in after
        assert len(after) == 1
        for namespace in ("ops", "lab"):
            await cluster.assert_whole(namespace, tenant)
        await feed.publish(wire.readings_channel(tenant), "after")
    async with redis.asyncio.from_url(old["redis-url"]) as late:
        with pytest.raises(redis.exceptions.ConnectionError, match="invalid username-password"):
            await late.publish(wire.readings_channel(tenant), "x")
    password = urlsplit(old["database-url"]).password
    assert not await cluster.database.has_password(writer_role(tenant), password)
    cluster.changed.clear()
    await cluster.tenants.look_at_records()
    assert cluster.changed == [], "renewed once, not again and again"


async def test_a_worker_that_was_given_new_logins_goes_on_where_the_old_one_stopped(
    cluster, tenant
):
    await cluster.ensure("ops", tenant)
    first = await worker_of(cluster, tenant)
    await first.write([(T0_US, 0, 1.0)])
    cluster.rotate(tenant, "1")
    await cluster.tenants.look_at_records()
    await cluster.ensure("ops", tenant)
    await first.write([(T0_US + 1, 0, 2.0)])  # its session stays open until its pod goes
    await first.ingest.close()
    second = await worker_of(cluster, tenant)
    assert await second.open(first.journal) == first.seq
    await second.write([(T0_US + 2, 0, 3.0)])
    await second.ingest.close()
    stored = await cluster.database.admin.fetch(
        "SELECT value FROM pumpjack.reading WHERE tag_id = $1 ORDER BY ts", first.tags[0]
    )
    assert [row[0] for row in stored] == [1.0, 2.0, 3.0]


async def worker_of(cluster: Cluster, tenant: str) -> Worker:
    """A worker that logs in with what its namespace has."""
    ingest = await Ingest.connect(cluster.copy("ops")["database-url"], timeout_s=30)
    await ingest.take_fence("ops/plc", "modbus-tcp")
    tag = Tag("w1", "pressure", "holding:1", "float32", 1.0, "psi")
    worker = Worker(ingest, "ops/plc", await ingest.register_series("ops/plc", [tag]))
    await worker.open()
    return worker


async def test_what_the_platform_asks_for_is_seen_by_itself(cluster, tenant, monkeypatch):
    monkeypatch.setattr("pumpjack_operator.tenants.RECORDS_S", 0.01)
    await cluster.ensure("ops", tenant)
    keeping = asyncio.create_task(cluster.tenants.run())
    cluster.rotate(tenant, "1")
    async with asyncio.timeout(PATIENCE_S):
        while not cluster.changed:
            await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert cluster.changed[0] == "ops"


async def test_a_record_that_was_deleted_is_made_anew(cluster, tenant):
    before = await cluster.ensure("ops", tenant)
    del cluster.objects.stored["Secret", OWN, record_name(tenant)]
    await cluster.tenants.look_at_records()
    assert cluster.changed == ["ops"]
    assert await cluster.ensure("ops", tenant) != before
    await cluster.assert_whole("ops", tenant)


async def test_while_the_database_is_away_a_new_tenant_waits_and_nothing_is_half_done(
    cluster, tenant
):
    cluster.database.pull()
    with pytest.raises(StorageUnavailable, match="check that it runs") as told:
        await cluster.ensure("ops", tenant)
    assert cluster.objects.stored == {}
    cluster.database.join()
    with pytest.raises(StorageUnavailable, match="check that it runs"):
        await cluster.ensure("ops", tenant)  # not asked again at once: others wait behind it
    assert "x@" not in str(told.value)
    cluster.clock.now_s += AGAIN_S
    await cluster.ensure("ops", tenant)
    await cluster.assert_whole("ops", tenant)


async def test_logins_that_the_database_does_not_know_are_not_handed_out(cluster, tenant):
    cluster.objects.fail_after = 0
    with pytest.raises(Killed):
        await cluster.ensure("ops", tenant)
    cluster.objects.fail_after = None
    cluster.restart()
    cluster.database.pull()
    with pytest.raises(StorageUnavailable, match="check that it runs"):
        await cluster.ensure("ops", tenant)
    assert ("Secret", "ops", COPY) not in cluster.objects.stored


async def test_while_the_database_is_away_tenants_go_on_with_what_they_have(cluster, tenant):
    version = await cluster.ensure("ops", tenant)
    cluster.rotate(tenant, "now")
    cluster.restart()
    cluster.database.pull()
    assert await cluster.ensure("ops", tenant) == version
    assert await cluster.ensure("lab", tenant) == version
    assert "workers go on with the logins that they have" in cluster.tenants.problem(tenant)
    cluster.database.join()
    cluster.clock.now_s += AGAIN_S
    await cluster.tenants.look_at_records()
    assert sorted(cluster.changed) == ["lab", "ops"]
    assert await cluster.ensure("ops", tenant) != version
    await cluster.assert_whole("ops", tenant)
    assert cluster.tenants.problem(tenant) is None


async def test_a_database_that_goes_away_in_the_midst_of_a_renewal_stops_no_worker(
    cluster, tenant, monkeypatch
):
    """Its last answer is played: no plug is pulled in just that moment."""
    version = await cluster.ensure("ops", tenant)
    cluster.rotate(tenant, "1")
    await cluster.tenants.look_at_records()

    async def lost(*_given: object, **_named: object) -> None:
        raise StorageUnavailable("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(roles, "ensure_tenant", lost)
        assert await cluster.ensure("ops", tenant) == version
        cluster.clock.now_s += AGAIN_S
        assert await cluster.ensure("ops", tenant) == version
    assert cluster.record(tenant)["rotated"] == "1"
    cluster.clock.now_s += AGAIN_S
    assert await cluster.ensure("ops", tenant) != version
    await cluster.assert_whole("ops", tenant)


async def test_while_redis_is_away_workers_store_and_it_is_told_and_made_later(cluster, tenant):
    cluster.live.stop()
    await cluster.ensure("ops", tenant)
    said = cluster.tenants.problem(tenant)
    assert "out of reach" in said
    assert "Readings are stored" in said
    session = await asyncpg.connect(cluster.copy("ops")["database-url"])
    await session.close()
    cluster.live.start()
    keeping = asyncio.create_task(cluster.tenants.run())
    async with asyncio.timeout(PATIENCE_S):
        while cluster.tenants.problem(tenant):
            await asyncio.sleep(0.02)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await cluster.assert_whole("ops", tenant)


async def test_users_that_redis_lost_are_there_again_by_themselves(cluster, tenant):
    await cluster.ensure("ops", tenant)
    keeping = asyncio.create_task(cluster.tenants.run())
    cluster.live.stop()
    cluster.live.start()
    async with redis.asyncio.from_url(cluster.copy("ops")["redis-url"]) as worker:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await worker.publish(wire.readings_channel(tenant), "x")
                except redis.exceptions.RedisError:
                    await asyncio.sleep(0.02)
                else:
                    break
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_where_no_users_can_be_made_the_platforms_own_is_used(cluster, tenant):
    with cluster.live.admin() as admin:
        admin.execute_command("ACL", "SETUSER", "closed", "on", ">pw", "+ping")
    closed = (with_login(cluster.live.place, "closed", "pw"),)
    cluster.stores = msgspec.structs.replace(cluster.stores, redis_urls=closed)
    cluster.restart()
    before = await cluster.ensure("ops", tenant)
    said = cluster.tenants.problem(tenant)
    assert "lets the operator make no users" in said
    assert f"key redis-url of the Secret {OWN}/{record_name(tenant)}" in said
    supplied = "rediss://given:secret@live.example:6380/0"
    encoded = base64.b64encode(supplied.encode()).decode()
    cluster.objects.add_data(OWN, record_name(tenant), **{"redis-url": encoded})
    await cluster.tenants.look_at_records()
    assert cluster.changed == ["ops"]
    assert await cluster.ensure("ops", tenant) != before
    assert cluster.copy("ops")["redis-url"] == supplied
    assert cluster.tenants.problem(tenant) is None
    cluster.rotate(tenant, "1")
    await cluster.tenants.look_at_records()
    await cluster.ensure("ops", tenant)
    assert cluster.copy("ops")["redis-url"] == supplied


@pytest.mark.parametrize("renewing", [False, True], ids=["first made", "renewed"])
async def test_two_operators_by_mistake_agree_in_the_end(cluster, tenant, renewing):
    if renewing:
        await cluster.ensure("ops", tenant)
        cluster.rotate(tenant, "1")
        cluster.restart()

    async def until_it_goes(one: Tenants) -> str:
        while True:  # as the loop does
            try:
                return await one.ensure_tenant("ops", tenant)
            except StorageUnavailable:
                cluster.clock.now_s += AGAIN_S
                await asyncio.sleep(0)

    both = await asyncio.gather(
        *(until_it_goes(one) for one in (cluster.tenants, cluster.another(), cluster.another()))
    )
    assert len(set(both)) == 1
    await cluster.users.apply()
    await cluster.assert_whole("ops", tenant)


async def test_many_namespaces_at_once_make_the_logins_once(cluster, tenant):
    names = [f"ops-{number}" for number in range(20)]
    versions = await asyncio.gather(*(cluster.ensure(name, tenant) for name in names))
    assert len(set(versions)) == 1
    made = [write for write in cluster.objects.writes if write[1] == record_name(tenant)]
    assert len(made) == 2, "made, and noted as known to the database"


async def test_many_tenants_at_once_do_not_disturb_one_another(cluster, tenant):
    names = [f"{tenant}-{number}" for number in range(8)]
    await asyncio.gather(*(cluster.ensure(f"ns-{name}", name) for name in names))
    for name in names:
        await cluster.assert_whole(f"ns-{name}", name)


async def test_a_secret_of_the_tenants_own_in_that_place_is_told_and_left_alone(cluster, tenant):
    theirs = {"kind": "Secret", "type": "Opaque", "data": {"database-url": "eA=="}}
    theirs["metadata"] = {"namespace": "ops", "name": COPY, "resourceVersion": "1"}
    cluster.objects.stored["Secret", "ops", COPY] = theirs
    with pytest.raises(
        ManifestError, match=r"ops/pumpjack-stores was not made by the operator.*delete it"
    ):
        await cluster.ensure("ops", tenant)
    assert cluster.objects.stored["Secret", "ops", COPY] == theirs


async def test_a_record_that_is_damaged_is_told_with_the_way_out(cluster, tenant):
    await cluster.ensure("ops", tenant)
    del cluster.objects.stored["Secret", OWN, record_name(tenant)]["data"]["version"]
    cluster.restart()
    with pytest.raises(ManifestError, match="lacks 'version'; delete it"):
        await cluster.ensure("ops", tenant)


async def test_long_names_that_begin_alike_stay_apart(cluster, tenant):
    long = (tenant + "-" + "x" * 63)[:62]
    one, other = long + "a", long + "b"
    for name in (one, other, one.upper()):
        await cluster.ensure(f"ns-{name.lower()[-1]}-{name[0]}", name)
        await cluster.assert_whole(f"ns-{name.lower()[-1]}-{name[0]}", name)
    logins = {writer_role(name) for name in (one, other, one.upper())}
    assert len(logins) == 3
    assert all(len(login) < 64 for login in logins)
    async with redis.asyncio.from_url(cluster.copy("ns-a-t")["redis-url"]) as client:
        with pytest.raises(redis.exceptions.NoPermissionError):
            await client.publish(wire.readings_channel(other), "x")


async def test_passwords_are_in_no_representation(cluster, tenant):
    await cluster.ensure("ops", tenant)
    record = cluster.record(tenant)
    known = cluster.tenants._known[tenant]
    shown = f"{cluster.stores!r} {known.logins!r} {vars(known)!r}"
    assert record["database-password"] not in shown
    assert record["redis-password"] not in shown
    assert "of-the-operator" not in shown
