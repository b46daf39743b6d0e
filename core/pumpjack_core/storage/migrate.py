"""Bring a database to the schema of this version: the numbered files of migrations/, each once.

A file is NNNN_what[.pre|.post][.LEVEL[-LEVEL]].sql. Files without a level are for all levels.
`pre` may run before the new version of the programs is rolled out, `post` only after the old one
is gone. Each runs in one transaction, with a record of its checksum.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct

from pumpjack_core import resources
from pumpjack_core.errors import StorageError
from pumpjack_core.storage.connect import connect
from pumpjack_core.storage.levels import (
    LEVEL_TEXT,
    LEVELS,
    Level,
    Server,
    choose,
    detect,
    level_of,
    skipscan_is_sound,
)

_NAME = re.compile(
    r"(?P<number>\d{4})_(?P<what>[a-z0-9_]+)(?:\.(?:pre|post))?(?:\.(?P<levels>[a-z-]+))?\.sql"
)
_ATTEMPTS = 20
_FILE_LIMIT_S = 3600.0
"""For one file: an index over a large table takes its time."""
_BOOTSTRAP = """
CREATE SCHEMA IF NOT EXISTS pumpjack;
CREATE TABLE IF NOT EXISTS pumpjack.migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""

Progress = Callable[[str], None]


class Migration(Struct, frozen=True):
    """One file. levels: those that it is for."""

    number: int
    name: str
    sql: str
    levels: tuple[Level, ...]

    @property
    def checksum(self) -> str:
        """SHA-256 of the text: 64 hex digits."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class Report(Struct, frozen=True):
    """What a migration did, or would do.

    level    what the database was migrated as; it does not change any more
    applied  names of the files, in order
    version  number of the last file that the database has
    notes    what an administrator should know
    """

    level: Level
    applied: tuple[str, ...]
    version: int
    notes: tuple[str, ...] = ()


def load(folder: Path | None = None) -> tuple[Migration, ...]:
    """Read the files of migrations/, in order. Raises StorageError for a name that is none."""
    found = []
    for path in sorted((folder or resources.directory("migrations")).glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        named = match and match["levels"]
        levels = tuple(level for level in LEVELS if not named or level in named.split("-"))
        if match is None or (named and len(levels) != len(named.split("-"))):
            raise StorageError(f"{path} is not named NNNN_what[.pre|.post][.LEVEL[-LEVEL]].sql")
        found.append(Migration(int(match["number"]), path.name, path.read_text(), levels))
    return tuple(found)


def plan(
    files: Sequence[Migration], applied: Sequence[tuple[int, str, str]], level: Level
) -> tuple[Migration, ...]:
    """The files that the database still needs; applied holds (number, name, checksum).

    Raises StorageError when an applied file has changed, or is not known to this version.
    """
    known = {file.number: file for file in files if level in file.levels}
    for number, name, checksum in applied:
        if number not in known:
            raise StorageError(
                f"the database has the migration {name}, which this version of Pumpjack does not "
                "know: a newer version was here; use that one"
            )
        if known[number].checksum != checksum:
            raise StorageError(
                f"the migration {known[number].name} is not what it was when this database was "
                "migrated; applied files never change: restore it and put the change in a new file"
            )
    done = {number for number, _, _ in applied}
    return tuple(file for number, file in sorted(known.items()) if number not in done)


async def migrate(
    url: str, *, progress: Progress | None = None, level: Level | None = None
) -> Report:
    """Bring the database to this version. Safe to repeat, and to run twice at once.

    url is of a superuser, or of the database's owner with CREATEROLE. level makes a new database
    for less than its server carries. Raises UnsupportedDatabase for a server that is too old,
    StorageError for anything else.
    """
    say = progress or (lambda _: None)
    async with connect(url, timeout_s=60.0) as connection:
        server = await detect(connection)
        chosen = await _level(connection, server, level)
        say(f"{chosen}: {LEVEL_TEXT[chosen]}")
        await _bootstrap(connection)
        applied: list[str] = []
        for file in load():
            if chosen in file.levels and await _apply(connection, file, chosen):
                say(f"applied {file.name}")
                applied.append(file.name)
        await _guard(connection, server)
        version = await connection.fetchval("SELECT max(number) FROM pumpjack.migration")
        notes = await _notes(connection, server, chosen)
    return Report(chosen, tuple(applied), version, notes)


async def check(url: str) -> Report:
    """What migrate() would do; changes nothing."""
    async with connect(url, timeout_s=60.0) as connection:
        server = await detect(connection)
        level = await _level(connection, server, None)
        applied = await _applied(connection)
        missing = plan(load(), applied, level)
        notes = await _notes(connection, server, level)
    version = max((number for number, _, _ in applied), default=0)
    return Report(level, tuple(file.name for file in missing), version, notes)


async def _level(connection: asyncpg.Connection, server: Server, wanted: Level | None) -> Level:
    recorded: Level | None = None
    if await connection.fetchval("SELECT to_regclass('pumpjack.settings') IS NOT NULL"):
        recorded = await connection.fetchval("SELECT level FROM pumpjack.settings")
    return choose(server, recorded=recorded, wanted=wanted)


async def _bootstrap(connection: asyncpg.Connection) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            await connection.execute(_BOOTSTRAP)
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):
            # IF NOT EXISTS does not wait for another migration that is just creating them.
            await asyncio.sleep(0.05 * (attempt + 1))
        else:
            return
    raise StorageError("the schema pumpjack could not be made; another migration is in the way")


async def _applied(connection: asyncpg.Connection) -> list[tuple[int, str, str]]:
    if not await connection.fetchval("SELECT to_regclass('pumpjack.migration') IS NOT NULL"):
        return []
    rows = await connection.fetch("SELECT number, name, checksum FROM pumpjack.migration")
    return [tuple(row) for row in rows]


async def _apply(connection: asyncpg.Connection, file: Migration, level: Level) -> bool:
    """Run one file and record it, unless it was done. The lock makes two migrations take turns."""
    for attempt in range(_ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE pumpjack.migration IN EXCLUSIVE MODE")
                if file not in plan(load(), await _applied(connection), level):
                    return False
                await connection.execute("SELECT set_config('pumpjack.level', $1, true)", level)
                await connection.execute(file.sql, timeout=_FILE_LIMIT_S)
                await connection.execute("RESET ROLE")
                await connection.execute(
                    "INSERT INTO pumpjack.migration (number, name, checksum) VALUES ($1, $2, $3)",
                    file.number,
                    file.name,
                    file.checksum,
                )
            return True
        except asyncpg.InternalServerError as error:
            # Roles belong to the whole server: a migration of another database changes them too.
            if "concurrently" not in str(error):
                raise
            await asyncio.sleep(0.05 * (attempt + 1))
    raise StorageError(f"{file.name}: the server's roles are being changed by others; try again")


async def _guard(connection: asyncpg.Connection, server: Server) -> None:
    """Switch SkipScan over compressed chunks off where it may answer wrongly, on again later."""
    name = "timescaledb.enable_compressed_skipscan"
    if await connection.fetchval(
        "SELECT count(*) FROM pg_catalog.pg_settings WHERE name = $1", name
    ):
        wanted = "RESET" if skipscan_is_sound(server) else "SET"
        off = "" if skipscan_is_sound(server) else " = off"
        database = await connection.fetchval("SELECT quote_ident(current_database())")
        await connection.execute(f"ALTER DATABASE {database} {wanted} {name}{off}")


async def _notes(connection: asyncpg.Connection, server: Server, level: Level) -> tuple[str, ...]:
    notes = []
    if level_of(server) != level:
        notes.append(
            f"this server carries the level {level_of(server)}; the database keeps {level}, "
            "as it was migrated"
        )
    others = await connection.fetch(
        """
        SELECT d.datname FROM pg_catalog.pg_database AS d
        WHERE d.datallowconn AND d.datname <> current_database()
          AND EXISTS (SELECT FROM pg_catalog.aclexplode(
                          coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS acl
                      WHERE acl.grantee = 0 AND acl.privilege_type = 'CONNECT')
        ORDER BY d.datname
        """
    )
    if others:
        names = ", ".join(row["datname"] for row in others)
        notes.append(
            f"every login of this server, tenants' too, may connect to {names}; if that is not "
            "wanted: REVOKE CONNECT ON DATABASE … FROM PUBLIC"
        )
    return tuple(notes)
