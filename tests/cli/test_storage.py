"""`pumpjack storage status`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pumpjack_core.storage.roles import writer_role
from tests.cli.command import run
from tests.cli.left_behind import CONNECTION, TENANT, Site, leave

pytestmark = pytest.mark.servers


async def test_it_tells_level_sizes_and_how_far_each_connection_is(
    empty_database: str, tmp_path: Path
) -> None:
    site = await Site.make(empty_database)
    leave(tmp_path, 5)
    assert run("journal", "drain", str(tmp_path), "--database-url", site.writer_url).code == 0
    login = empty_database.replace("postgres@", "pumpjack_maintain@")
    done = run("storage", "status", "--tenants", "--database-url", login)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("level plain, schema ")
    assert "  reading " in done.stdout
    assert f"{TENANT} {CONNECTION} (modbus-tcp): stored 20" in done.stdout
    assert "roll-ups wait since" in done.stdout
    assert f"{TENANT}: 1 wells, 1 connections, 2 tags, 10 readings" in done.stdout
    assert "GRANT pg_monitor" in done.stdout
    machine = json.loads(run("storage", "status", "-o", "json", "--database-url", login).stdout)
    assert (machine["level"], machine["tenants"]) == ("plain", None)
    refused = run(
        *("storage", "status", "--database-url"),
        empty_database.replace("postgres@", f"{writer_role(TENANT)}@"),
    )
    assert (refused.code, "permission denied" in refused.stderr) == (1, True)
    await site.admin.close()


def test_a_database_that_was_not_migrated_is_told_what_to_do(empty_database: str) -> None:
    done = run("storage", "status", "--database-url", empty_database)
    assert (done.code, "run `pumpjack migrate`" in done.stderr) == (1, True)
