"""Roles: names that never meet, passwords that are in no log, what each may do."""

from __future__ import annotations

import asyncio
import base64

import asyncpg
import pytest

from pumpjack_core.storage.roles import (
    GATEWAY_ROLE,
    MAINTAIN_ROLE,
    OPERATOR_ROLE,
    ensure_tenant,
    reader_role,
    scram_verifier,
    writer_role,
)
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, now_us

plain = pytest.mark.parametrize("level", LEVELS[:1])


def test_long_tenants_that_begin_alike_have_roles_of_their_own() -> None:
    one, other = ("x" * 200 + end for end in ("1", "2"))
    names = {writer_role(one), writer_role(other), reader_role(one), reader_role(other)}
    assert len(names) == 4
    assert all(len(name) < 63 and name.startswith("pj_") for name in names)


async def test_long_tenants_that_begin_alike_do_not_see_one_another(database: Database) -> None:
    one, other = ("x" * 200 + end for end in ("1", "2"))
    worker = await database.worker(one)
    await database.tenant(other)
    await worker.write([(now_us(), 0, 1.0)])
    count = "SELECT count(*) FROM pumpjack.scada_readings"
    assert await database.read(count, tenant_id=one) == [(1,)]
    assert await database.read(count, tenant_id=other) == [(0,)]


@plain
@pytest.mark.parametrize("tenant_id", ["permian", "Ölfeld 'Süd'; DROP TABLE x --", "a" * 253])
async def test_the_database_names_the_roles_as_we_do(database: Database, tenant_id: str) -> None:
    await ensure_tenant(database.admin, tenant_id)
    row = await database.admin.fetchrow(
        "SELECT writer_role, reader_role FROM pumpjack.tenant WHERE tenant_id = $1", tenant_id
    )
    assert tuple(row) == (writer_role(tenant_id), reader_role(tenant_id))


@plain
async def test_the_password_goes_over_as_the_verifier_that_postgresql_would_make(
    database: Database,
) -> None:
    await ensure_tenant(database.admin, "permian", writer_password="sécret ﬁ")
    stored = "SELECT rolpassword FROM pg_authid WHERE rolname = $1"
    ours = await database.admin.fetchval(stored, writer_role("permian"))
    await database.admin.execute("CREATE ROLE verifier_check PASSWORD 'sécret ﬁ'")
    theirs = await database.admin.fetchval(stored, "verifier_check")
    await database.admin.execute("DROP ROLE verifier_check")
    salt = base64.b64decode(theirs.split(":")[1].split("$")[0])
    assert scram_verifier("sécret ﬁ", salt) == theirs
    assert ours.startswith("SCRAM-SHA-256$4096:") and ours != theirs
    await ensure_tenant(database.admin, "permian")
    assert await database.admin.fetchval(stored, writer_role("permian")) == ours


@plain
async def test_the_operators_login_onboards_tenants_and_can_do_no_more(database: Database) -> None:
    operator = await asyncpg.connect(database.login(OPERATOR_ROLE))
    await ensure_tenant(operator, "permian", writer_password="x")
    await ensure_tenant(operator, "permian")
    for sql in ("CREATE ROLE mine", "SELECT * FROM pumpjack.tenant", "CREATE TABLE public.t ()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await operator.execute(sql)
    await operator.close()


@plain
async def test_a_tenant_that_is_made_twice_at_once_is_made_once(database: Database) -> None:
    connections = [await asyncpg.connect(database.login(OPERATOR_ROLE)) for _ in range(4)]
    await asyncio.gather(*(ensure_tenant(one, "delaware") for one in connections))
    for connection in connections:
        await connection.close()
    count = "SELECT count(*) FROM pumpjack.tenant WHERE tenant_id = 'delaware'"
    assert await database.admin.fetchval(count) == 1


@plain
async def test_the_gateway_sees_one_tenant_at_a_time_and_none_by_itself(
    database: Database,
) -> None:
    for tenant_id in ("permian", "bakken"):
        worker = await database.worker(tenant_id)
        await worker.write([(now_us(), 0, 1.0)])
    gateway = await asyncpg.connect(database.login(GATEWAY_ROLE))
    tenants = "SELECT DISTINCT tenant_id FROM pumpjack.scada_latest"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.fetch(tenants)
    for tenant_id in ("permian", "bakken"):
        async with gateway.transaction():
            await gateway.execute(f"SET LOCAL ROLE {reader_role(tenant_id)}")
            assert [row[0] for row in await gateway.fetch(tenants)] == [tenant_id]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.fetch(tenants)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.execute(f"SET ROLE {writer_role('permian')}")
    await gateway.close()


@plain
async def test_the_gateway_writes_the_audit_log_and_cannot_change_it(database: Database) -> None:
    gateway = await asyncpg.connect(database.login(GATEWAY_ROLE))
    await gateway.execute(
        "SELECT pumpjack.audit($1, $2, $3, $4, $5)",
        "permian", "user-7", "sign-in", "refused", '{"reason": "expired"}',
    )  # fmt: skip
    for sql in ("SELECT * FROM pumpjack.audit_logs", "DELETE FROM pumpjack.audit_logs"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await gateway.execute(sql)
    await gateway.close()
    row = await database.admin.fetchrow(
        "SELECT tenant_id, actor, action, outcome, detail FROM pumpjack.audit_logs"
    )
    assert tuple(row) == ("permian", "user-7", "sign-in", "refused", '{"reason": "expired"}')


@plain
async def test_the_maintainers_login_cannot_read_readings(database: Database) -> None:
    maintainer = await asyncpg.connect(database.login(MAINTAIN_ROLE))
    for table in ("reading", "scada_readings", "tenant", "rollup_1day"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await maintainer.fetch(f"SELECT * FROM pumpjack.{table}")
    await maintainer.close()


@plain
async def test_a_superuser_sees_every_tenant(database: Database) -> None:
    for tenant_id in ("permian", "bakken"):
        await database.tenant(tenant_id)
        await database.worker(tenant_id)
    wells = await database.admin.fetch("SELECT tenant_id FROM pumpjack.scada_wells ORDER BY 1")
    assert [row[0] for row in wells] == ["bakken", "permian"]
