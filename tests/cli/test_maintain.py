"""`pumpjack maintain`."""

from __future__ import annotations

import json

import pytest

from pumpjack_core.storage.migrate import migrate
from tests.cli.command import run


@pytest.mark.servers
async def test_one_pass_says_what_it_did(empty_database: str) -> None:
    await migrate(empty_database)
    done = run("maintain", "--once", "--database-url", empty_database)
    assert (done.code, done.stdout) == (
        0,
        "0 hours rolled up, 0 partitions or policies changed, 0 rows removed\n",
    )
    done = run("maintain", "--once", "--database-url", empty_database, "--output", "json")
    assert json.loads(done.stdout) == {
        "hours": 0,
        "changed": 0,
        "removed": 0,
        "looked": 0,
        "missed": [],
    }


@pytest.mark.servers
def test_a_database_that_was_not_migrated_is_told_what_to_do(empty_database: str) -> None:
    done = run("maintain", "--once", "--database-url", empty_database)
    assert done.code == 1
    assert "run `pumpjack migrate`" in done.stderr


def test_an_interval_that_is_none_is_refused() -> None:
    done = run("maintain", "--database-url", "postgresql://x", "--interval", "soon")
    assert done.code == 1
    assert "'soon' is no duration" in done.stderr
