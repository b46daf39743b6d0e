"""What a worker tells the database of itself, and asks it, in its first session.

it leaves its device alone on purpose, or reads it: `pumpjack reconcile` names such a time
until when others have read the connection: a journal that is new does not know
"""

from __future__ import annotations

from uuid import UUID

from pumpjack_core.clock import Clock
from pumpjack_core.storage.ingest import Ingest
from pumpjack_worker.pipeline.writer import Connect


class Beginning:
    """Opens the database's sessions for the writer; the first one with these questions."""

    def __init__(
        self,
        connect: Connect,
        *,
        connection_id: str,
        protocol: str,
        journal_id: UUID,
        suspended: bool,
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._connection_id = connection_id
        self._protocol = protocol
        self._journal_id = journal_id
        self._suspended = suspended
        self._started_us = clock.now_us()
        self.read_until_us: int | None = None
        """Until when another journal has readings [µs], 0: none; None before it was asked."""

    async def __call__(self) -> Ingest:
        """Log in. Raises StorageError."""
        session = await self._connect()
        if self.read_until_us is None:
            try:
                await self._introduce(session)
            except BaseException:
                await session.close()
                raise
        return session

    async def _introduce(self, session: Ingest) -> None:
        await session.know_connection(self._connection_id, self._protocol)
        await session.tell_suspended(
            self._connection_id,
            self._journal_id,
            suspended=self._suspended,
            started_us=self._started_us,
        )
        self.read_until_us = await session.read_until(self._connection_id, self._journal_id)
