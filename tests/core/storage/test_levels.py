"""Which databases are taken, and as what."""

from __future__ import annotations

import asyncpg
import pytest

from pumpjack_core.errors import StorageError, UnsupportedDatabase
from pumpjack_core.storage.levels import (
    LEVEL_TEXT,
    Level,
    Server,
    choose,
    detect,
    level_of,
    skipscan_is_sound,
    version_of,
)
from pumpjack_core.storage.migrate import migrate
from tests.core.storage.conftest import LEVELS

SERVERS: dict[str, tuple[Server, Level]] = {
    "PostgreSQL 16 without the extension": (Server(160004, None, None), "plain"),
    "community features": (Server(170005, "2.29.2", "timescale"), "community"),
    "the oldest that loses nothing": (Server(160000, "2.18.1", "timescale"), "community"),
    "a build of its own": (Server(170005, "2.23.0-dev", "timescale"), "community"),
    "the Apache edition": (Server(170005, "2.19.3", "apache"), "apache"),
}
REFUSED: dict[str, tuple[Server, str]] = {
    "PostgreSQL 15": (Server(150008, None, None), "PostgreSQL 15; Pumpjack needs 16 or newer"),
    "PostgreSQL 15 with TimescaleDB": (Server(150008, "2.20.0", "timescale"), "PostgreSQL 15"),
    "a TimescaleDB that loses rows": (
        Server(170002, "2.18.0", "timescale"),
        "TimescaleDB 2.18.0 can lose rows silently .* needs 2.18.1 .* ALTER EXTENSION",
    ),
    "an old Apache edition": (Server(160002, "2.9.3", "apache"), "TimescaleDB 2.9.3 can lose"),
    "a version that cannot be read": (Server(160002, "next", "apache"), "'next' is no version"),
}


@pytest.mark.parametrize(("server", "expected"), SERVERS.values(), ids=SERVERS)
def test_level_of(server: Server, expected: Level) -> None:
    assert level_of(server) == expected


@pytest.mark.parametrize(("server", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_way_out(server: Server, message: str) -> None:
    with pytest.raises(UnsupportedDatabase, match=message):
        level_of(server)


PLAIN = Server(180001, None, None)
COULD_BE_MORE = Server(180001, None, None, available="2.29.2")
COMMUNITY = Server(170005, "2.29.2", "timescale")
CHOICES: dict[str, tuple[Server, Level | None, Level | None, Level | str]] = {
    "a new database gets the best": (COMMUNITY, None, None, "community"),
    "a new database for less, when asked": (COMMUNITY, None, "plain", "plain"),
    "an old one keeps its level": (COMMUNITY, "plain", None, "plain"),
    "an old one keeps it where an extension could be had": (COULD_BE_MORE, "plain", None, "plain"),
    "plain on purpose": (COULD_BE_MORE, None, "plain", "plain"),
    "plain by oversight": (COULD_BE_MORE, None, None, "CREATE EXTENSION .*--level plain"),
    "more than there is": (PLAIN, None, "community", "level community, .* carries plain only"),
    "an extension that went away": (PLAIN, "apache", None, "level apache, .* carries plain only"),
    "another level later": (COMMUNITY, "plain", "community", "level plain; that cannot be changed"),
}


@pytest.mark.parametrize(("server", "recorded", "wanted", "outcome"), CHOICES.values(), ids=CHOICES)
def test_choose(
    server: Server, recorded: Level | None, wanted: Level | None, outcome: Level | str
) -> None:
    if outcome in LEVEL_TEXT:
        assert choose(server, recorded=recorded, wanted=wanted) == outcome
        return
    with pytest.raises(StorageError, match=outcome):
        choose(server, recorded=recorded, wanted=wanted)


def test_versions_compare_as_numbers() -> None:
    assert version_of("2.9.3") < version_of("2.18.1") < version_of("2.29.2-dev")


def test_skipscan_is_trusted_only_where_it_answers_right() -> None:
    sound = {
        text: skipscan_is_sound(Server(170000, text, "timescale")) for text in ("2.29.1", "2.29.2")
    }
    assert sound == {"2.29.1": False, "2.29.2": True}
    assert skipscan_is_sound(Server(170000, None, None))


SAID: dict[Level, tuple[int, str | None, str | None]] = {
    "plain": (18, None, None),
    "apache": (17, "2.19.", "apache"),
    "community": (17, "2.23.0-dev", "timescale"),
}


async def test_the_server_says_what_it_is(fresh_url: str, level: Level) -> None:
    connection = await asyncpg.connect(fresh_url, statement_cache_size=0)
    server = await detect(connection)
    await connection.close()
    postgres, version, license_ = SAID[level]
    assert (server.postgres // 10_000, server.license) == (postgres, license_)
    assert (server.timescaledb or "").startswith(version or "")
    assert level_of(server) == level


@pytest.mark.parametrize("level", LEVELS[:1])
async def test_a_database_with_an_old_timescaledb_is_refused_untouched(fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    # What detection reads, as an old extension would have written it.
    await connection.execute(
        "SET allow_system_table_mods = on;"
        "INSERT INTO pg_extension"
        " (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
        " VALUES (99999, 'timescaledb', 10, 11, false, '2.17.2')"
    )
    with pytest.raises(UnsupportedDatabase, match=r"2\.17\.2 can lose rows"):
        await migrate(fresh_url)
    assert await connection.fetchval("SELECT to_regnamespace('pumpjack')") is None
    await connection.execute("DELETE FROM pg_extension WHERE oid = 99999")
    await connection.close()


@pytest.mark.parametrize("level", LEVELS[:1])
async def test_a_database_that_lost_its_extension_is_refused(fresh_url: str) -> None:
    await migrate(fresh_url)
    connection = await asyncpg.connect(fresh_url)
    await connection.execute("UPDATE pumpjack.settings SET level = 'community'")
    await connection.close()
    with pytest.raises(StorageError, match=r"meant for the level community.*carries plain only"):
        await migrate(fresh_url)
