"""Migrations: each file once, in order, by whoever comes first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import get_args

import asyncpg
import pytest

from pumpjack_cli.stores import EmbeddedPostgres
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.storage.levels import Level
from pumpjack_core.storage.maintain import maintain_once
from pumpjack_core.storage.migrate import Migration, check, load, migrate, plan
from pumpjack_core.storage.roles import MAINTAIN_ROLE, ensure_tenant, writer_role
from tests.core.storage.conftest import LEVELS
from tests.core.storage.database import Database

plain = pytest.mark.parametrize("level", LEVELS[:1])
ALL: tuple[Level, ...] = get_args(Level)


def file(number: int, sql: str = "", levels: tuple[Level, ...] = ALL) -> Migration:
    return Migration(number, f"{number:04}_x.sql", sql, levels)


def test_files_of_other_levels_are_left_out() -> None:
    files = [file(1), file(2, levels=("plain",)), file(2, levels=("apache", "community")), file(3)]
    assert [f.levels for f in plan(files, [], "apache")] == [ALL, ("apache", "community"), ALL]


def test_only_what_is_missing_is_planned_in_the_order_of_numbers() -> None:
    files = [file(3), file(1), file(2)]
    done = [(1, "0001_x.sql", file(1).checksum)]
    assert [f.number for f in plan(files, done, "plain")] == [2, 3]


def test_a_changed_file_is_refused_by_name() -> None:
    done = [(1, "0001_x.sql", file(1, "old").checksum)]
    with pytest.raises(StorageError, match=r"0001_x\.sql is not what it was.*restore it"):
        plan([file(1, "new")], done, "plain")


def test_a_database_from_the_future_is_refused() -> None:
    with pytest.raises(StorageError, match=r"0009_y\.sql, which this version .* does not know"):
        plan([file(1)], [(9, "0009_y.sql", "")], "plain")


def test_a_file_with_a_name_of_no_meaning_is_refused(tmp_path: Path) -> None:
    for name in ("1_x.sql", "0001_x.oracle.sql"):
        (tmp_path / name).write_text("")
        with pytest.raises(StorageError, match="is not named"):
            load(tmp_path)
        (tmp_path / name).unlink()


@pytest.mark.parametrize("level", ALL)
def test_each_level_has_each_number_once_and_says_whom_it_runs_as(level: Level) -> None:
    files = [f for f in load() if level in f.levels]
    numbers = [f.number for f in files]
    assert numbers == sorted(set(numbers))
    for f in files[1:]:
        assert "\nSET LOCAL ROLE pumpjack_owner;\n" in f.sql, f.name


async def test_a_second_migration_changes_nothing(database: Database) -> None:
    report = await migrate(database.url)
    assert report.applied == ()
    assert report.level == database.level
    assert (await check(database.url)).applied == ()


@plain
async def test_check_names_what_is_missing_and_changes_nothing(fresh_url: str) -> None:
    report = await check(fresh_url)
    assert (report.level, report.version) == ("plain", 0)
    assert report.applied[0] == "0001_roles.sql"
    assert (await migrate(fresh_url)).applied == report.applied


@plain
async def test_progress_says_the_level_aloud(fresh_url: str) -> None:
    lines: list[str] = []
    await migrate(fresh_url, progress=lines.append)
    assert lines[0].startswith("plain: plain PostgreSQL")
    assert "applied 0001_roles.sql" in lines


@plain
async def test_two_at_once_apply_each_file_once(fresh_url: str) -> None:
    reports = await asyncio.gather(*(migrate(fresh_url) for _ in range(3)))
    applied = sorted(name for report in reports for name in report.applied)
    assert applied == sorted(f.name for f in load() if "plain" in f.levels)


@plain
async def test_a_file_that_fails_leaves_nothing_behind(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (*load(), file(9999, "CREATE TABLE public.half (); SELECT 1 / 0"))
    monkeypatch.setattr("pumpjack_core.storage.migrate.load", lambda: broken)
    with pytest.raises(StorageError, match="division by zero"):
        await migrate(fresh_url)
    connection = await asyncpg.connect(fresh_url)
    assert await connection.fetchval("SELECT to_regclass('public.half')") is None
    await connection.close()
    monkeypatch.undo()
    assert (await migrate(fresh_url)).applied == ()


@plain
async def test_the_schema_is_found_without_naming_it(database: Database) -> None:
    connection = await asyncpg.connect(database.url)
    assert await connection.fetch("SELECT * FROM scada_wells") == []
    await connection.close()


@plain
async def test_a_level_cannot_be_changed_later(database: Database) -> None:
    with pytest.raises(StorageError, match="is of the level plain; that cannot be changed"):
        await migrate(database.url, level="community")


@plain
async def test_a_level_that_the_server_lacks_is_refused(fresh_url: str) -> None:
    with pytest.raises(StorageError, match="level community, and this server carries plain only"):
        await migrate(fresh_url, level="community")


@pytest.mark.servers
async def test_a_managed_server_without_a_superuser_will_do(tmp_path: Path) -> None:
    """The login owns one database and may make roles; it owns no other database."""
    with EmbeddedPostgres(tmp_path / "data") as server:
        admin = await asyncpg.connect(server.url())
        await admin.execute("CREATE ROLE landlord LOGIN CREATEROLE")
        await admin.execute("CREATE DATABASE wells OWNER landlord")
        await admin.close()
        url = server.url("wells", "landlord")
        report = await migrate(url)
        assert report.level == "plain"
        assert (
            "every login of this server, tenants' too, may connect to postgres" in report.notes[0]
        )
        assert (await migrate(url)).applied == ()
        landlord = await asyncpg.connect(url)
        await ensure_tenant(landlord, "permian", writer_password="secret")
        await landlord.close()
        ingest = await Ingest.connect(server.url("wells", writer_role("permian")))
        assert await ingest.take_fence("ops/pad7", "modbus-tcp") == 1
        await ingest.close()
        assert (await maintain_once(server.url("wells", MAINTAIN_ROLE))).missed == ()
