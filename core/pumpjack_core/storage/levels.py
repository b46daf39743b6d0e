"""What kind of database this is: TimescaleDB with its community features, without, or none."""

from __future__ import annotations

import re
from typing import Literal, get_args

import asyncpg
from msgspec import Struct

from pumpjack_core.errors import StorageError, UnsupportedDatabase

Level = Literal["plain", "apache", "community"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From what every server carries to what the fewest do."""

LEVEL_TEXT: dict[Level, str] = {
    "plain": "plain PostgreSQL: partitions, roll-ups and retention by `pumpjack maintain`",
    "apache": "TimescaleDB, Apache edition: hypertables; roll-ups and retention by "
    "`pumpjack maintain`, no compression",
    "community": "TimescaleDB, community edition: compression, continuous aggregates, policies",
}
OLDEST_POSTGRES = 16
OLDEST_TIMESCALEDB = (2, 18, 1)
"""Before it, rows were lost silently with ON CONFLICT DO NOTHING (timescaledb #7672)."""
SOUND_SKIPSCAN = (2, 29, 2)
"""Before it, SkipScan over compressed chunks answered wrongly (timescaledb #10423)."""


class Server(Struct, frozen=True):
    """What the server says of itself.

    postgres      server_version_num (180001 is 18.1)
    timescaledb   version of the extension in this database, None when it is not there
    license       timescaledb.license: timescale or apache
    available     version of the extension that the server could create here, None when none
    """

    postgres: int
    timescaledb: str | None
    license: str | None
    available: str | None = None


def version_of(text: str) -> tuple[int, ...]:
    """The numbers of a version; what follows them (-dev) does not count.

    >>> version_of("2.23.0-dev")
    (2, 23, 0)
    """
    match = re.match(r"\d+(\.\d+)*", text)
    if match is None:
        raise UnsupportedDatabase(f"{text!r} is no version of TimescaleDB that can be read")
    return tuple(int(part) for part in match[0].split("."))


def level_of(server: Server) -> Level:
    """The best level that the server carries. Raises UnsupportedDatabase with the way out."""
    if server.postgres < OLDEST_POSTGRES * 10_000:
        raise UnsupportedDatabase(
            f"the server is PostgreSQL {server.postgres // 10_000}; Pumpjack needs "
            f"{OLDEST_POSTGRES} or newer: upgrade it, or give another with --database-url"
        )
    if server.timescaledb is None:
        return "plain"
    if version_of(server.timescaledb) < OLDEST_TIMESCALEDB:
        wanted = ".".join(map(str, OLDEST_TIMESCALEDB))
        raise UnsupportedDatabase(
            f"TimescaleDB {server.timescaledb} can lose rows silently (timescaledb #7672); "
            f"Pumpjack needs {wanted} or newer: install it, then run "
            "ALTER EXTENSION timescaledb UPDATE in this database"
        )
    return "community" if server.license == "timescale" else "apache"


def choose(server: Server, *, recorded: Level | None, wanted: Level | None) -> Level:
    """The level of a database: recorded when it was migrated before, wanted if somebody asks.

    A level is for good, so where the server could do more than a new database would get, somebody
    has to say so. Raises StorageError or UnsupportedDatabase with the way out.
    """
    best = level_of(server)
    if recorded and wanted and recorded != wanted:
        raise StorageError(f"the database is of the level {recorded}; that cannot be changed")
    level = recorded or wanted or best
    if LEVELS.index(level) > LEVELS.index(best):
        raise StorageError(
            f"the database is meant for the level {level}, and this server carries {best} only; "
            "give it the extension and the licence (timescaledb.license) that belong to it"
        )
    if level == "plain" and server.available and not recorded and not wanted:
        raise StorageError(
            f"TimescaleDB {server.available} can be had on this server and is not in this "
            "database: run CREATE EXTENSION timescaledb in it, or choose plain PostgreSQL with "
            "`pumpjack migrate --level plain`; it cannot be changed later"
        )
    return level


def skipscan_is_sound(server: Server) -> bool:
    """Whether SkipScan over compressed chunks may stay on."""
    return server.timescaledb is None or version_of(server.timescaledb) >= SOUND_SKIPSCAN


async def detect(connection: asyncpg.Connection) -> Server:
    """Ask the server what it is."""
    row = await connection.fetchrow(
        """
        SELECT current_setting('server_version_num')::int AS postgres,
               (SELECT extversion FROM pg_catalog.pg_extension
                 WHERE extname = 'timescaledb') AS timescaledb,
               current_setting('timescaledb.license', true) AS license,
               (SELECT default_version FROM pg_catalog.pg_available_extensions
                 WHERE name = 'timescaledb') AS available
        """
    )
    assert row is not None
    return Server(**dict(row))
