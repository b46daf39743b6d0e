"""A tenant without a namespace, and a renewed login: who was let in before is let out again."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
import redis.exceptions

from pumpjack_core import wire
from pumpjack_core.storage import roles
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import reader_role, writer_role
from pumpjack_operator.departures import CLOSE_AFTER_S, OVERLAP_S
from pumpjack_operator.logins import CLOSED_LABEL, record_name
from pumpjack_operator.tenants import AGAIN_S
from tests.operator.redis_server import redis_server
from tests.operator.test_tenants import OWN, T0_US, Cluster, Database, worker_of

pytestmark = pytest.mark.servers
PATIENCE_S = 30.0


@pytest.fixture
async def cluster(empty_database: str) -> AsyncIterator[Cluster]:
    """An operator's tenancy whose namespaces are said by `cluster.served`."""
    await migrate(empty_database, level="plain")
    admin = await asyncpg.connect(empty_database)
    with tempfile.TemporaryDirectory(prefix="pj-leave-") as folder:
        (Path(folder) / "redis").mkdir()
        with redis_server(Path(folder) / "redis") as live:
            made = Cluster(Database(empty_database, Path(folder) / "plug", admin), live)
            yield made
            await made.users.close()
    await admin.close()


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """Roles belong to the whole server."""
    return f"{request.node.name[:40].strip('[]_')}-{os.getpid()}"


async def leave(cluster: Cluster, tenant: str) -> None:
    """Its last namespace is gone, for as long as it takes."""
    cluster.served.discard(tenant)
    await cluster.tenants.look_at_records()
    cluster.clock.now_s += CLOSE_AFTER_S
    await cluster.tenants.look_at_records()
    await cluster.users.apply()


def is_closed(cluster: Cluster, tenant: str) -> bool:
    labels = cluster.objects.stored["Secret", OWN, record_name(tenant)]["metadata"]["labels"]
    return CLOSED_LABEL in labels


async def can_log_in(cluster: Cluster, tenant: str) -> bool:
    found: bool = await cluster.database.admin.fetchval(
        "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", writer_role(tenant)
    )
    return found


async def in_session(url: str) -> tuple[asyncpg.Connection, asyncio.Event]:
    """A session with the database, and when it was ended."""
    session, ended = await asyncpg.connect(url), asyncio.Event()
    session.add_termination_listener(lambda _: ended.set())
    return session, ended


def whatever_age(end: Callable[..., Awaitable[Any]], asked: list[float]) -> Any:
    """The same, for sessions of any age; keeps what age was asked for."""

    async def ended(*given: Any, older_than_s: float) -> Any:
        asked.append(older_than_s)
        return await end(*given, older_than_s=0.0)

    return ended


async def test_a_tenant_that_left_gets_in_nowhere_and_its_readings_can_be_read(cluster, tenant):
    await cluster.ensure("ops", tenant)
    worker = await worker_of(cluster, tenant)
    await worker.write([(T0_US, 0, 1.0)])
    _, ended = await in_session(cluster.copy("ops")["database-url"])
    async with redis.asyncio.from_url(cluster.copy("ops")["redis-url"]) as feed:
        await feed.publish(wire.readings_channel(tenant), "before")
        await leave(cluster, tenant)
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
        with pytest.raises(redis.exceptions.RedisError):
            await feed.publish(wire.readings_channel(tenant), "after")
    assert not await can_log_in(cluster, tenant)
    with cluster.live.admin() as admin:
        assert writer_role(tenant) not in admin.acl_users()
    assert is_closed(cluster, tenant)
    admin = cluster.database.admin
    async with admin.transaction():
        await admin.execute(f"SET LOCAL ROLE {reader_role(tenant)}")
        assert await admin.fetchval("SELECT count(*) FROM pumpjack.scada_readings") == 1


@pytest.mark.parametrize("restarted", [False, True], ids=["", "after a restart"])
async def test_a_tenant_that_comes_back_goes_on_with_other_passwords(cluster, tenant, restarted):
    before = await cluster.ensure("ops", tenant)
    old = cluster.record(tenant)
    worker = await worker_of(cluster, tenant)
    await worker.write([(T0_US, 0, 1.0)])
    await leave(cluster, tenant)
    if restarted:
        cluster.restart()
    cluster.served.add(tenant)
    assert await cluster.ensure("ops", tenant) != before
    await cluster.assert_whole("ops", tenant)
    assert not is_closed(cluster, tenant)
    assert cluster.record(tenant)["database-password"] != old["database-password"]
    again = await worker_of(cluster, tenant)
    assert await again.open(worker.journal) == worker.seq
    await again.write([(T0_US + 1, 0, 2.0)])
    await again.ingest.close()
    cluster.clock.now_s += CLOSE_AFTER_S
    await cluster.tenants.look_at_records()
    await cluster.assert_whole("ops", tenant)


async def test_a_label_that_was_removed_by_mistake_and_put_back_in_time_closes_nothing(
    cluster, tenant
):
    version = await cluster.ensure("ops", tenant)
    cluster.served.discard(tenant)
    await cluster.tenants.look_at_records()
    cluster.clock.now_s += CLOSE_AFTER_S - 1
    await cluster.tenants.look_at_records()
    cluster.served.add(tenant)
    await cluster.tenants.look_at_records()
    cluster.served.discard(tenant)
    cluster.clock.now_s += 2
    await cluster.tenants.look_at_records()
    assert await can_log_in(cluster, tenant)
    assert await cluster.ensure("ops", tenant) == version


async def test_while_the_database_is_away_a_tenant_that_left_waits_to_be_closed(cluster, tenant):
    await cluster.ensure("ops", tenant)
    cluster.database.pull()
    await leave(cluster, tenant)
    assert not is_closed(cluster, tenant)
    cluster.database.join()
    cluster.clock.now_s += AGAIN_S
    await cluster.tenants.look_at_records()
    assert is_closed(cluster, tenant)
    assert not await can_log_in(cluster, tenant)


async def test_a_user_that_a_server_was_put_back_with_goes_again(cluster, tenant):
    await cluster.ensure("ops", tenant)
    await leave(cluster, tenant)
    cluster.restart()
    with cluster.live.admin() as admin:
        admin.execute_command("ACL", "SETUSER", writer_role(tenant), "on", "nopass", "+@all")
        await cluster.tenants.look_at_records()
        await cluster.users.apply()
        assert writer_role(tenant) not in admin.acl_users()


async def test_others_stay_when_one_leaves(cluster, tenant):
    other = f"{tenant}-b"
    await cluster.ensure("ops", tenant)
    await cluster.ensure("theirs", other)
    await leave(cluster, tenant)
    await cluster.assert_whole("theirs", other)


async def test_a_namespace_that_left_has_no_logins_any_more_and_the_others_have(cluster, tenant):
    await cluster.ensure("ops", tenant)
    await cluster.ensure("lab", tenant)
    await cluster.tenants.take_back("ops")
    assert cluster.copy("ops") == {}
    await cluster.assert_whole("lab", tenant)
    await cluster.ensure("ops", tenant)
    await cluster.assert_whole("ops", tenant)


async def test_a_secret_of_the_tenants_own_is_not_taken(cluster, tenant):
    theirs = {"kind": "Secret", "type": "Opaque", "data": {"database-url": "eA=="}}
    theirs["metadata"] = {"namespace": "ops", "name": "pumpjack-stores", "resourceVersion": "1"}
    cluster.objects.stored["Secret", "ops", "pumpjack-stores"] = theirs
    await cluster.tenants.take_back("ops")
    await cluster.tenants.take_back("nothing-there")
    assert cluster.objects.writes == []


async def test_sessions_with_an_earlier_password_end_when_each_worker_has_had_its_new_one(
    cluster, tenant, monkeypatch
):
    """The servers' clocks cannot be played: sessions of any age stand for those of five minutes."""
    await cluster.ensure("ops", tenant)
    session, ended = await in_session(cluster.copy("ops")["database-url"])
    async with redis.asyncio.from_url(cluster.copy("ops")["redis-url"]) as feed:
        await feed.publish(wire.readings_channel(tenant), "x")
        cluster.rotate(tenant, "1")
        await cluster.tenants.look_at_records()
        await cluster.ensure("ops", tenant)
        await cluster.tenants.look_at_records()
        cluster.clock.now_s += OVERLAP_S - 1
        await cluster.tenants.look_at_records()
        assert await session.fetchval("SELECT 1") == 1
        cluster.clock.now_s += 1
        asked: list[float] = []
        monkeypatch.setattr(roles, "end_sessions", whatever_age(roles.end_sessions, asked))
        monkeypatch.setattr(
            cluster.users, "end_sessions", whatever_age(cluster.users.end_sessions, asked)
        )
        await cluster.tenants.look_at_records()
        assert asked == [OVERLAP_S, OVERLAP_S], "since the renewal, and none of later ones"
        await asyncio.wait_for(ended.wait(), PATIENCE_S)
        with cluster.live.admin() as admin:
            assert writer_role(tenant) not in str(admin.client_list())
    await cluster.assert_whole("ops", tenant)
    written = len(cluster.objects.writes)
    cluster.restart()
    await cluster.tenants.look_at_records()
    cluster.clock.now_s += OVERLAP_S
    await cluster.tenants.look_at_records()
    assert len(cluster.objects.writes) == written, "ended once"
