"""One well of an overview: its newest readings, what they come to, and what is new of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import UNSET, Raw

from pumpjack_core.wire import Position, Reading
from pumpjack_gateway.live.positions import Positions
from pumpjack_gateway.overview.messages import (
    Counts,
    WellChange,
    WellNow,
    Worst,
    live_value,
    raw,
)

Level = Literal[0, 1, 2]
_LEVELS: Mapping[str, Level] = {"GOOD": 0, "UNCERTAIN": 1}
TAGS_MAX = 5_000
"""Of one well; what comes beyond is not counted."""

# What is new of a row: a bit each, and above them one for each key.
COUNTS = 1
WORST = 2
CONNECTIONS = 4
_FIRST_KEY = 8


def level_of(quality: str) -> Level:
    """0 GOOD, 1 UNCERTAIN, 2 BAD and whatever we do not know."""
    return _LEVELS.get(quality, 2)


class Row:
    """A well.

    keys         names of the tags that the overview shows, in their order
    connections  those that serve it, in the order in which they were known
    told_…       what the facts said last: what they leave out later is gone
    heard_s      when a worker spoke of it last [s, monotonic]
    """

    __slots__ = (
        "_key_bits",
        "_levels",
        "_looks_worse",
        "_tags",
        "_worst",
        "changed",
        "connections",
        "heard_s",
        "keys",
        "positions",
        "told_connections",
        "told_tags",
        "well_id",
    )

    def __init__(self, well_id: str, heard_s: float) -> None:
        self.well_id = well_id
        self.keys: tuple[str, ...] = ()
        self.connections: dict[str, None] = {}
        self.positions = Positions()
        self.changed = 0
        self.heard_s = heard_s
        self.told_tags: frozenset[str] = frozenset()
        self.told_connections: frozenset[str] = frozenset()
        self._key_bits: dict[str, int] = {}
        self._tags: dict[str, Reading] = {}
        self._levels = [0, 0, 0]
        self._worst: Reading | None = None
        self._looks_worse = False

    @property
    def has_news(self) -> bool:
        """Whether something may be new since settled()."""
        return self.changed != 0 or self._looks_worse

    # What comes in

    def take(self, readings: Iterable[Reading]) -> None:
        """Take readings in; of each tag the one with the newest time counts."""
        tags, levels = self._tags, self._levels
        for reading in readings:
            name, quality = reading.tag_name, reading.quality
            known = tags.get(name)
            if known is None:
                if len(tags) >= TAGS_MAX:
                    continue
                levels[level_of(quality)] += 1
                self.changed |= COUNTS
            elif reading.timestamp < known.timestamp:
                continue
            elif known.quality != quality:
                levels[level_of(known.quality)] -= 1
                levels[level_of(quality)] += 1
                self.changed |= COUNTS
            tags[name] = reading
            bit = self._key_bits.get(name)
            if bit is not None and reading != known:
                self.changed |= bit
            if quality != "GOOD" or (known is not None and known.quality != "GOOD"):
                self._looks_worse = True

    def take_snapshot(self, readings: Iterable[Reading], positions: Mapping[str, Position]) -> None:
        """Take in the latest hash. What is not in it stays: Redis may have lost it."""
        self.take(readings)
        self.positions.snapshot(positions, arriving=False)

    def show(self, keys: tuple[str, ...]) -> bool:
        """Show these tags; whether they are others than before."""
        if keys == self.keys:
            return False
        self.keys = keys
        self._key_bits = {name: _FIRST_KEY << place for place, name in enumerate(keys)}
        self.changed &= _FIRST_KEY - 1
        self._looks_worse = True  # of two that are as bad, a key comes first
        return True

    def serve(self, connection_id: str) -> bool:
        """A connection serves the well; whether that is new."""
        if connection_id in self.connections:
            return False
        self.connections[connection_id] = None
        self.changed |= CONNECTIONS
        return True

    def unserve(self, connection_id: str) -> None:
        """It does no more."""
        if connection_id in self.connections:
            del self.connections[connection_id]
            self.changed |= CONNECTIONS

    def drop_tags(self, names: Iterable[str]) -> None:
        """These are read no more."""
        for name in list(names):
            known = self._tags.pop(name, None)
            if known is None:
                continue
            self._levels[level_of(known.quality)] -= 1
            self.changed |= COUNTS | self._key_bits.get(name, 0)
            self._looks_worse = True

    # What goes out

    def now(self, connections: list[Raw]) -> Raw:
        """The whole row. connections: the state of each."""
        self._settle()
        return raw(
            WellNow(
                self.well_id,
                [live_value(self._tags.get(name)) for name in self.keys],
                Counts(*self._levels),
                self._worst_told(),
                connections,
            )
        )

    def settled(self) -> int:
        """What is new since the last time, as bits; from now on nothing is."""
        self._settle()
        changed, self.changed = self.changed, 0
        return changed

    def change(self, bits: int, connections: list[Raw]) -> Raw:
        """What these bits stand for, as it is now."""
        shown = {
            str(place): live_value(self._tags.get(self.keys[place])) for place in self._places(bits)
        }
        return raw(
            WellChange(
                self.well_id,
                values=shown or UNSET,
                counts=Counts(*self._levels) if bits & COUNTS else UNSET,
                worst=self._worst_told() if bits & WORST else UNSET,
                connections=connections if bits & CONNECTIONS else UNSET,
            )
        )

    def _places(self, bits: int) -> Iterator[int]:
        return (place for place in range(len(self.keys)) if bits & (_FIRST_KEY << place))

    def _worst_told(self) -> Worst | None:
        worst = self._worst
        if worst is None:
            return None
        return Worst(worst.tag_name, worst.quality, worst.reason, worst.timestamp)

    def _settle(self) -> None:
        """Find the worst tag, where it may be another: BAD first, then a key, then by name."""
        if not self._looks_worse:
            return
        self._looks_worse = False
        suspects = [one for one in self._tags.values() if one.quality != "GOOD"]
        worst = min(suspects, key=self._badness) if suspects else None
        if worst != self._worst:
            self._worst = worst
            self.changed |= WORST

    def _badness(self, reading: Reading) -> tuple[int, int, str]:
        bit = self._key_bits.get(reading.tag_name, 0)
        return (-level_of(reading.quality), bit or _FIRST_KEY << len(self.keys), reading.tag_name)
