"""`pumpjack migrate`."""

from __future__ import annotations

import json

import pytest

from tests.cli.command import run

pytestmark = pytest.mark.servers


def test_it_says_the_level_and_each_file_and_is_safe_to_repeat(empty_database: str) -> None:
    done = run("migrate", "--database-url", empty_database)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("plain: plain PostgreSQL")
    assert "applied 0001_roles.sql" in done.stdout
    assert done.stdout.endswith(", level plain\n")
    again = run("migrate", environment={"PUMPJACK_DATABASE_URL": empty_database})
    assert (again.code, "applied" in again.stdout) == (0, False)


def test_a_check_fails_until_the_database_is_of_this_version(empty_database: str) -> None:
    before = run("migrate", "--check", "--database-url", empty_database)
    assert before.code == 1
    assert "missing 0001_roles.sql" in before.stdout
    assert "run `pumpjack migrate`" in before.stdout
    done = run("migrate", "--database-url", empty_database, "--output", "json")
    report = json.loads(done.stdout)
    assert (report["level"], report["applied"][0]) == ("plain", "0001_roles.sql")
    assert run("migrate", "--check", "--database-url", empty_database).code == 0


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    done = run("migrate", "--database-url", "postgresql://me:hush@127.0.0.1:1/wells")
    assert done.code == 1
    assert "me@127.0.0.1:1/wells" in done.stderr and "check that it runs" in done.stderr
    assert "hush" not in done.stderr


def test_without_a_database_the_usage_is_shown() -> None:
    done = run("migrate", environment={"PUMPJACK_DATABASE_URL": ""})
    assert done.code == 2
