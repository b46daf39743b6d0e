"""The one way to open a connection: bounded, safe behind a pooler, errors as sentences."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import asyncpg

from pumpjack_core.errors import StorageError, StorageUnavailable

_PASSING_CLASSES = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that pass: connection, rollback, resources, locks, operator, system."""
_PASSING = ("25006", "XX000")  # a standby that is being promoted; catalogs that others change
_ADVICE = {
    "08": "check that it runs and can be reached",
    "28000": "check the login in the database URL, and that the tenant was set up",
    "28P01": "check the password in the database URL",
    "3D000": "make the database, or correct its name in the URL",
    "3F000": "run `pumpjack migrate` on this database",
    "42883": "run `pumpjack migrate` on this database",
    "42P01": "run `pumpjack migrate` on this database",
    "42501": "use the login that this part is meant to have (docs/storage.md, Roles)",
    "53100": "the disk of the database is full; make room, writing goes on by itself",
    "53300": "raise max_connections, or put PgBouncer between",
}


def place(url: str) -> str:
    """Where a URL leads, without its password.

    >>> place("postgresql://me:secret@db.example:5433/wells")
    'me@db.example:5433/wells'
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return f"{user.partition(':')[0]}@{host}{parts.path}"


async def open_connection(url: str, *, timeout_s: float) -> asyncpg.Connection:
    """Connect. timeout_s bounds the connecting and every command.

    asyncpg keeps no statements of its own, so that PgBouncer may stand between in transaction
    mode. Raises StorageError, or StorageUnavailable when trying again may help.
    """
    with translated(place(url)):
        return await asyncpg.connect(
            url, timeout=timeout_s, command_timeout=timeout_s, statement_cache_size=0
        )


@asynccontextmanager
async def connect(url: str, *, timeout_s: float) -> AsyncIterator[asyncpg.Connection]:
    """A connection for as long as the block runs; errors of the server become StorageError."""
    connection = await open_connection(url, timeout_s=timeout_s)
    try:
        with translated(place(url)):
            yield connection
    finally:
        await connection.close(timeout=5)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn errors of driver and server into StorageError or StorageUnavailable."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise explain(error, where) from error
    except TimeoutError as error:
        raise StorageUnavailable(
            f"database {where}: no answer in time; it is overloaded or out of reach"
        ) from error
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StorageUnavailable(
            f"database {where}: {error}; check that it runs and can be reached"
        ) from error
    except ValueError as error:
        raise StorageError(f"database {where}: {error}; check the database URL") from error


def explain(error: asyncpg.PostgresError, where: str) -> StorageError:
    """The server's error as a sentence, with what to do, and whether it passes by itself."""
    state = error.sqlstate or ""
    advice = getattr(error, "hint", None) or _ADVICE.get(state) or _ADVICE.get(state[:2])
    text = f"database {where}: {error.args[0]}" + (f"; {advice}" if advice else "")
    passes = state.startswith(_PASSING_CLASSES) or state in _PASSING
    return StorageUnavailable(text) if passes else StorageError(text)
