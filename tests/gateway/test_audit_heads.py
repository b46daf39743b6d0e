"""The ends of the audit chains are in the gateway's log, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import pytest
import structlog

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant
from pumpjack_gateway.audit_heads import Head, HeadsLog
from tests.gateway.conftest import NO_REDIS, running

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Chains:
    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.is_down = False

    async def audit_heads(self) -> Sequence[Head]:
        if self.is_down:
            raise StorageError("down")
        return list(self.heads)


async def test_a_head_is_logged_when_it_is_another_than_before() -> None:
    chains = Chains()
    log = HeadsLog(chains)
    with structlog.testing.capture_logs() as said:
        await log.write()
        chains.heads = [("bakken", 1, "aa", None), ("permian", 7, "bb", NOON)]
        await log.write()
        await log.write()
        chains.heads[1] = ("permian", 8, "cc", NOON)
        chains.is_down = True
        await log.write()
        chains.is_down = False
        await log.write()
    assert [(line["tenant"], line["head"]) for line in said] == [
        ("bakken", "1:aa"),
        ("permian", "7:bb@2026-01-31T12:00:00Z"),
        ("permian", "8:cc@2026-01-31T12:00:00Z"),
    ]
    assert {line["event"] for line in said} == {"audit head"}


@pytest.mark.servers
async def test_a_gateway_that_stops_logs_the_head_of_what_it_wrote_last(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    await migrate(empty_database)
    admin = await asyncpg.connect(empty_database)
    await ensure_tenant(admin, "permian")
    name = await admin.fetchval("SELECT current_database()")
    with structlog.testing.capture_logs() as said:
        async with running(NO_REDIS, postgres.url(name, "pumpjack_gateway")) as gateway:
            gateway.audit.note("permian", "ann", "sign-in", "ok")
            async with asyncio.timeout(20):
                while not await admin.fetchval("SELECT count(*) FROM pumpjack.audit_logs"):
                    await asyncio.sleep(0.01)
            gateway.audit.note("permian", "ann", "subscribe", "ok")
    rows = await admin.fetch("SELECT * FROM pumpjack.audit_heads()")
    await admin.close()
    heads = [line["head"] for line in said if line["event"] == "audit head"]
    assert heads[-1:] == [f"{rows[0]['audit_no']}:{rows[0]['hash']}@{rows[0]['at']:%FT%TZ}"]
