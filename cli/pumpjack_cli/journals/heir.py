"""A session of the database for somebody who empties a worker's journal in its place.

It writes as the worker did, by the same functions under the same journal's number, and takes no
fence: a worker of the connection that runs goes on reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, structs

from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.readings import Floats, Int16s, Int32s, Int64s
from pumpjack_core.storage.connect import open_connection, place
from pumpjack_core.storage.ingest import Ingest, Written

TIMEOUT_S = 60.0


class Tally(Struct, frozen=True):
    """Readings that reached the database; known ones were there by an answer that was lost."""

    stored: int = 0
    duplicates: int = 0
    shifted: int = 0
    quarantined: int = 0
    known: int = 0

    def plus(self, written: Written, given: int) -> Tally:
        """With what one call did; given is how many readings it was given."""
        if not written.applied:
            return structs.replace(self, known=self.known + given)
        return Tally(
            self.stored + written.stored,
            self.duplicates + written.duplicates,
            self.shifted + written.shifted,
            self.quarantined + written.quarantined,
            self.known,
        )


class Heir:
    """Opens the sessions of one drain, and keeps what they did.

    refused  set once the database says what trying again cannot mend; why says what
    """

    def __init__(self, url: str, moved: Callable[[Tally], None]) -> None:
        self._url = url
        self._moved = moved
        self.tally = Tally()
        self.refused = asyncio.Event()
        self.why: StorageError | None = None

    async def __call__(self) -> Ingest:
        """Log in as the tenant's writer."""
        try:
            connection = await open_connection(self._url, timeout_s=TIMEOUT_S)
        except StorageUnavailable:
            raise
        except StorageError as error:
            self.refuse(error)
            raise
        return _Session(connection, place(self._url), self)

    def wrote(self, written: Written, given: int) -> None:
        """Count one call."""
        self.tally = self.tally.plus(written, given)
        self._moved(self.tally)

    def refuse(self, error: StorageError) -> None:
        """Note what the database said."""
        self.why = error
        self.refused.set()


class _Session(Ingest):
    """As a worker's, without its fence."""

    def __init__(self, connection: asyncpg.Connection, where: str, heir: Heir) -> None:
        super().__init__(connection, where, TIMEOUT_S)
        self._heir = heir

    async def take_fence(self, connection_id: str, protocol: str) -> int:
        """The fence as it stands: none is taken."""
        return await self.know_connection(connection_id, protocol or None)

    async def open_journal(
        self,
        journal_id: UUID,
        connection_id: str,
        fence: int | None = None,  # noqa: ARG002
        follows: int = 0,  # noqa: ARG002
    ) -> int:
        """Under no fence: it is as old as its worker left it."""
        return await super().open_journal(journal_id, connection_id)

    async def write_batch(  # noqa: PLR0917 - as its parent
        self,
        journal_id: Any,
        prev: int,
        seq: int,
        us: Int64s,
        tag: Int32s,
        quality: Int16s,
        value: Floats,
        quarantined: Any = (),
        transitions: Any = (),
    ) -> Written:
        """Store, and count what was stored."""
        written = await super().write_batch(
            journal_id, prev, seq, us, tag, quality, value, quarantined, transitions
        )
        self._heir.wrote(written, len(us))
        return written

    async def _call(
        self, sql: str, *arguments: Any, timeout_s: float | None = None
    ) -> asyncpg.Record:
        try:
            return await super()._call(sql, *arguments, timeout_s=timeout_s)
        except StorageUnavailable:
            raise
        except StorageError as error:
            self._heir.refuse(error)
            raise
