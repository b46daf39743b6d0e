"""Which process does a connection's work now, from its heartbeats. Pure.

A process that was killed can neither store nor take back what it told. The one that follows it says
in its heartbeat after which number it began; another journal is another process, too. Only a
heartbeat that changed is known to be of now: the one that Redis has may be a dead worker's last.
"""

from __future__ import annotations

from msgspec import Struct

from pumpjack_core.wire import Heartbeat

CONNECTIONS_MAX = 5_000
"""Beyond, the one that was silent longest is forgotten."""
EPOCHS_MAX = 4


class Presence(Struct, frozen=True):
    """Who is there: the process that writes this journal after a number.

    replaced  journals of those before it
    """

    epoch: str
    follows: int
    replaced: frozenset[str] = frozenset()

    def stands_for(self, epoch: str, seq: int, *, kept: bool) -> bool:
        """Whether what was told with this number may still become an event, or be taken back."""
        if epoch == self.epoch:
            return kept or seq > self.follows
        return epoch not in self.replaced


class _Line:
    __slots__ = ("at", "epochs")

    def __init__(self) -> None:
        self.at: str | None = None
        self.epochs: list[str] = []
        """In the order in which they were first heard."""

    def add(self, epoch: str) -> None:
        if epoch not in self.epochs:
            self.epochs.append(epoch)
            del self.epochs[:-EPOCHS_MAX]


class Roll:
    """Who was heard, of one tenant."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def hear(self, connection_id: str, epoch: str) -> None:
        """Somebody spoke for a connection."""
        self._line(connection_id).add(epoch)

    def beat(self, beat: Heartbeat) -> Presence | None:
        """The last heartbeat of a connection; None: it does not tell who is there now."""
        if beat.state == "fenced":
            return None  # of one that was replaced
        line = self._line(beat.connection_id)
        is_new = line.at is not None and line.at != beat.at
        line.at = beat.at
        if is_new:
            line.add(beat.epoch)
        if beat.epoch not in line.epochs:
            return None
        replaced = line.epochs[: line.epochs.index(beat.epoch)]
        return Presence(beat.epoch, beat.follows, frozenset(replaced))

    def _line(self, connection_id: str) -> _Line:
        line = self._lines.pop(connection_id, None) or _Line()
        self._lines[connection_id] = line
        if len(self._lines) > CONNECTIONS_MAX:
            del self._lines[next(iter(self._lines))]
        return line
