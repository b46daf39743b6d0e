"""The commands that this worker has to do with: under way, to be told, and how the last ones ended.

How they ended is kept for a database that forgets: one that was failed over to a standby without
the last commits shows a command as approved, or as sent, that was written and told.
"""

from __future__ import annotations

from collections import deque
from uuid import UUID

from pumpjack_worker.commands.standing import Told

ENDS_KEPT = 4_096
"""More than a tenant may ask for in an hour, which is as long as a command may be claimed again."""


class InHand:
    """Commands by their ids. untold: what the database has to be told, oldest first."""

    def __init__(self) -> None:
        self._under_way: dict[UUID, bool] = {}  # whether it may be written
        self._ends: dict[UUID, Told] = {}
        self.untold: deque[Told] = deque()

    @property
    def writing(self) -> int:
        """How many are under way that are written, not only read back."""
        return sum(self._under_way.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way and everything is told."""
        return not self._under_way and not self.untold

    def begin(self, command_id: UUID, *, writes: bool) -> None:
        """It is under way. writes: it is not only read back."""
        self._under_way[command_id] = writes

    def done(self, command_id: UUID) -> None:
        """It is not under way any more."""
        del self._under_way[command_id]

    def tell(self, told: Told) -> None:
        """Have the database told."""
        self.untold.append(told)
        if told.state != "accepted":
            self._ends[told.command_id] = told
            if len(self._ends) > ENDS_KEPT:
                del self._ends[next(iter(self._ends))]

    def has(self, command_id: UUID) -> bool:
        """Whether it is under way or has to be told."""
        return command_id in self._under_way or any(
            told.command_id == command_id for told in self.untold
        )

    def end_of(self, command_id: UUID) -> Told | None:
        """How it ended; None: it was never in hand, or it is too long ago."""
        return self._ends.get(command_id)
