"""How far a well's feed has come, and what of it is missing. Pure: no clock, no I/O.

The rule (docs/wire.md, "Positions"): a message of a connection continues the feed when its prev
is not above the position. Above it, what lies between was lost on the way, and is a gap until
the worker's cursor in the database has passed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec import Struct

from pumpjack_core.wire import Position


class Gap(Struct, frozen=True):
    """Messages that were lost: those after first up to and including last, in this epoch.

    first 0 means: everything since what was seen of the connection before.
    """

    epoch: str
    first: int
    last: int


class Step(Struct, frozen=True):
    """What to do with a message: forward it or drop it, and a gap to announce before it."""

    forward: bool
    gap: Gap | None = None


class Pulse(Struct, frozen=True):
    """What a heartbeat tells about one well: a gap to announce, or one that is healed."""

    gap: Gap | None = None
    healed: Gap | None = None


class Merge(Struct, frozen=True):
    """What a snapshot means: gaps for those who listened before, and for those who just came."""

    before: tuple[tuple[str, Gap], ...]
    arrived: tuple[tuple[str, Gap], ...]
    behind: bool
    """The snapshot is older than what the listeners have: it must not replace it."""


FORWARD = Step(forward=True)
DROP = Step(forward=False)
NOTHING = Pulse()


@dataclass(slots=True)
class _Track:
    """One connection.

    seq        last message seen
    announced  up to here losses were announced; what comes late below it is no new gap
    gap        the open one; several are joined into one
    """

    epoch: str
    seq: int
    announced: int = 0
    gap: Gap | None = None

    def open(self, first: int, last: int) -> Gap:
        if self.gap is not None and self.gap.epoch == self.epoch:
            first, last = min(first, self.gap.first), max(last, self.gap.last)
        self.gap = Gap(self.epoch, first, last)
        self.announced = max(self.announced, last)
        return self.gap

    def begin(self, epoch: str, seq: int, missing_to: int) -> Gap:
        """Another epoch: nothing is known of what came before."""
        self.epoch, self.seq, self.announced, self.gap = epoch, seq, 0, None
        return self.open(0, missing_to)


class Positions:
    """The positions of one well, by connection."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    @property
    def connections(self) -> Iterable[str]:
        """Connections that have a position."""
        return self._tracks.keys()

    @property
    def has_gap(self) -> bool:
        """Whether a gap is open."""
        return any(track.gap is not None for track in self._tracks.values())

    def current(self) -> dict[str, Position]:
        """The position of each connection."""
        return {name: Position(track.epoch, track.seq) for name, track in self._tracks.items()}

    def message(self, connection_id: str, epoch: str, seq: int, prev: int) -> Step:
        """Judge a message. A duplicate or an older one is dropped."""
        track = self._tracks.get(connection_id)
        if track is None:
            track = self._tracks[connection_id] = _Track(epoch, seq)
            return Step(forward=True, gap=track.open(0, prev)) if prev > 0 else FORWARD
        if epoch != track.epoch:
            return Step(forward=True, gap=track.begin(epoch, seq, prev))
        if seq <= track.seq:
            return DROP
        before, track.seq = track.seq, seq
        if prev > before and prev > track.announced:
            return Step(forward=True, gap=track.open(before, prev))
        return FORWARD

    def heartbeat(self, connection_id: str, epoch: str, last: int, stored: int) -> Pulse:
        """Judge a heartbeat that says the last seq of this well, and what the database has.

        The position stays where it is, so that a message that is only late is still forwarded.
        """
        track = self._tracks.get(connection_id)
        if track is None:
            if last <= 0:
                return NOTHING
            track = self._tracks[connection_id] = _Track(epoch, 0)
            return Pulse(gap=track.open(0, last))
        if epoch != track.epoch:
            return Pulse(gap=track.begin(epoch, 0, last)) if last > 0 else NOTHING
        if last > track.seq and last > track.announced:
            return Pulse(gap=track.open(track.seq, last))
        if track.gap is not None and stored >= track.gap.last:
            healed, track.gap = track.gap, None
            return Pulse(healed=healed)
        return NOTHING

    def snapshot(self, positions: Mapping[str, Position], *, arriving: bool = True) -> Merge:
        """Take in the positions of the latest hash, read at this point of the feed.

        arriving: someone knows nothing but this snapshot.

        It is ahead where messages were lost before it, and behind where an old dump of Redis was
        loaded; neither happens while the link holds.
        """
        before: list[tuple[str, Gap]] = []
        behind = False
        for name, position in positions.items():
            track = self._tracks.get(name)
            if track is None:
                self._tracks[name] = _Track(position.epoch, position.seq)
            elif track.epoch != position.epoch:
                before.append((name, track.begin(position.epoch, position.seq, position.seq)))
            elif position.seq > track.seq:
                from_seq, track.seq = track.seq, position.seq
                if position.seq > track.announced:
                    before.append((name, track.open(from_seq, position.seq)))
        for name, track in self._tracks.items():
            known = positions.get(name)
            if known is None or known.seq < track.seq:
                behind = True
                if arriving:
                    track.open(known.seq if known is not None else 0, track.seq)
        arrived = tuple(
            (name, track.gap) for name, track in self._tracks.items() if track.gap is not None
        )
        return Merge(tuple(before), arrived, behind)
