"""What a connection reads, told to the database: tags, their alarms, what may be written."""

from __future__ import annotations

from pumpjack_core.errors import StorageError, StorageUnavailable
from pumpjack_core.log import get_logger
from pumpjack_core.storage.ingest import Ingest
from pumpjack_core.tags import TagTable

_log = get_logger("worker.alarms")


class Declaration:
    """The present table, told once a session and at each change.

    No trouble with it keeps readings from being stored: after a call that did not come through,
    readings go first.
    """

    def __init__(self, connection_id: str) -> None:
        self._connection_id = connection_id
        self._tags: TagTable | None = None
        self._writes = False
        self._is_told = False
        self._goes_last = False
        self.problem: str | None = None
        """Why the database does not take it, None while it does."""

    @property
    def is_due(self) -> bool:
        """Whether it should be told now."""
        return self._tags is not None and not self._is_told and not self._goes_last

    def change(self, tags: TagTable, *, writes: bool) -> None:
        """From now on this is read. writes: whether the connection may be written to at all."""
        self._tags, self._writes, self._is_told = tags, writes, False

    def forgotten(self) -> None:
        """Another session: perhaps with a database that was put back."""
        self._is_told = False

    def may_be_told(self) -> None:
        """Readings were stored."""
        self._goes_last = False

    async def tell(self, session: Ingest, fence: int | None) -> None:
        """Tell it if it is due. Raises StorageUnavailable."""
        if not self.is_due or self._tags is None or fence is None:
            return
        tags, self._is_told = self._tags, True
        try:
            await session.declare_tags(
                self._connection_id, fence, tags.tags, tags.facts, writes=self._writes
            )
        except StorageUnavailable:
            self._is_told, self._goes_last = False, True
            raise
        except StorageError as error:
            self.problem = f"the database does not take the definition of the tags: {error}"
            _log.error(self.problem)
        else:
            self.problem = None
