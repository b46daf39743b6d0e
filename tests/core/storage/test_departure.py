"""A tenant that leaves, or whose login is renewed: who was in is let out, what is stored stays."""

from __future__ import annotations

import asyncio
import os

import asyncpg
import pytest

from pumpjack_core.storage.roles import (
    OPERATOR_ROLE,
    close_tenant,
    end_sessions,
    ensure_tenant,
    writer_role,
)
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database, now_us

plain = pytest.mark.parametrize("level", LEVELS[:1])
LEAVING, STAYING, THEIRS = (f"{name}-{os.getpid()}" for name in ("leaving", "staying", "theirs"))
"""Roles are of the whole server: no other test may have these."""
PATIENCE_S = 30.0


async def logged_in(url: str) -> tuple[asyncpg.Connection, asyncio.Event]:
    """A session, and when it was ended."""
    session, ended = await asyncpg.connect(url), asyncio.Event()
    session.add_termination_listener(lambda _: ended.set())
    return session, ended


COUNT = "SELECT count(*) FROM pumpjack.scada_readings"


@plain
async def test_a_tenant_that_left_cannot_log_in_nor_go_on_and_its_readings_stay(
    database: Database,
) -> None:
    leaving, staying = await database.worker(LEAVING), await database.worker(STAYING)
    await leaving.write([(now_us(), 0, 1.0)])
    operator = await asyncpg.connect(database.login(OPERATOR_ROLE))
    await ensure_tenant(operator, LEAVING, writer_password="x")
    _, ended = await logged_in(database.login(writer_role(LEAVING)))

    await close_tenant(operator, LEAVING)
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not permitted"):
        await asyncpg.connect(database.login(writer_role(LEAVING)))
    assert await database.read(COUNT, tenant_id=LEAVING) == [(1,)]
    assert (await staying.write([(now_us(), 0, 1.0)])).applied
    await close_tenant(operator, LEAVING)  # safe to repeat

    await ensure_tenant(operator, LEAVING, writer_password="y")
    session = await asyncpg.connect(database.login(writer_role(LEAVING)))
    assert await session.fetchval("SELECT session_user") == writer_role(LEAVING)
    await session.close()
    await operator.close()


@plain
async def test_sessions_are_ended_by_their_age_and_of_one_tenant_only(database: Database) -> None:
    await database.tenant(THEIRS)
    await database.tenant(STAYING)
    operator = await asyncpg.connect(database.login(OPERATOR_ROLE))
    theirs, ended = await logged_in(database.login(writer_role(THEIRS)))
    others = await asyncpg.connect(database.login(writer_role(STAYING)))
    assert await end_sessions(operator, THEIRS, older_than_s=3_600) == 0
    assert await theirs.fetchval("SELECT 1") == 1
    assert await end_sessions(operator, THEIRS, older_than_s=0) == 1
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    assert await others.fetchval("SELECT 1") == 1
    held = await database.admin.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE inherit_option"
        " AND member = 'pumpjack_tenants'::regrole AND roleid = $1::text::regrole",
        writer_role(THEIRS),
    )
    assert held == 0, "who ends sessions is the tenant for no longer than that"
    await others.close()
    await operator.close()


@plain
async def test_a_tenant_that_never_was_can_leave(database: Database) -> None:
    operator = await asyncpg.connect(database.login(OPERATOR_ROLE))
    await close_tenant(operator, "never")
    assert await database.admin.fetchval("SELECT to_regrole($1)", writer_role("never")) is None
    await operator.close()
