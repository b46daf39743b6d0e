"""Readings as columns: the currency of the whole worker. No object per reading."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pumpjack_core.tags import TagTable

Int16s = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Batch:
    """n readings of one connection, in the order in which the device gave them.

    tags         the table that tag_index points into (a new one when tags change)
    tag_index    int32[n]    position of the tag in tags
    source_us    int64[n]    time of the value, microseconds since the epoch, UTC
    value        float64[n]  in the tag's unit; NaN where there is none (then quality is BAD)
    quality      int16[n]    see pumpjack_core.quality
    received_us  when the worker got them, microseconds since the epoch, UTC
    """

    tags: TagTable
    tag_index: Int32s
    source_us: Int64s
    value: Floats
    quality: Int16s
    received_us: int

    def __len__(self) -> int:
        return len(self.tag_index)

    def take(self, rows: NDArray[Any]) -> Batch:
        """The readings at these positions, or where this mask is true."""
        return Batch(
            self.tags,
            self.tag_index[rows],
            self.source_us[rows],
            self.value[rows],
            self.quality[rows],
            self.received_us,
        )

    def in_table(self, tags: TagTable) -> Batch:
        """The same readings in another table; those of tags that are not in it are left out."""
        moved = _places(self.tags, tags)
        kept = self.take(moved[self.tag_index] >= 0)
        return replace(kept, tags=tags, tag_index=moved[kept.tag_index])


def no_readings(tags: TagTable, received_us: int) -> Batch:
    """A batch of none."""
    return Batch(
        tags,
        np.empty(0, np.int32),
        np.empty(0, np.int64),
        np.empty(0, np.float64),
        np.empty(0, np.int16),
        received_us,
    )


class Quarantined(Struct, frozen=True, omit_defaults=True):
    """One reading kept out of its series, with the reason and what the device really sent.

    tag_index   position in the tag table, -1 when no tag could be named
    us          its time where one is known, else the time of receipt [µs since epoch, UTC]
    reason      unparsable, timestamp_conflict, too_old, text_value …
    raw         what came, as text, cut at 4,096 characters
    """

    tag_index: int
    us: int
    reason: str
    raw: str


def in_table(
    quarantined: tuple[Quarantined, ...], before: TagTable, tags: TagTable
) -> tuple[Quarantined, ...]:
    """The same in another table; what is of tags that are not in it names no tag any more."""
    if not quarantined:
        return ()
    moved = _places(before, tags)
    return tuple(
        msgspec.structs.replace(item, tag_index=int(moved[item.tag_index]))
        if item.tag_index >= 0
        else item
        for item in quarantined
    )


def _places(before: TagTable, tags: TagTable) -> Int32s:
    """Position in tags of each tag of before, -1 where it is not."""
    place = {tag.key: at for at, tag in enumerate(tags.tags)}
    return np.array([place.get(tag.key, -1) for tag in before.tags], np.int32)
