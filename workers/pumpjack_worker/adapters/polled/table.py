"""A tag table as places to ask for. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Generic

import numpy as np

from pumpjack_core.errors import AddressError
from pumpjack_core.quality import BAD_DEVICE, GOOD, LEVEL_MASK, Level, Reason, quality
from pumpjack_core.readings import Floats, Int16s, Int32s, Int64s
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.polled.line import Answer, Got, Place

EXACT_LIMIT = 2**53
"""Integers from it on may not be what a float64 holds: 2^53 + 1 is rounded to it."""
NOT_A_NUMBER = quality(Level.BAD, Reason.NOT_A_NUMBER)
PRECISION = quality(Level.UNCERTAIN, Reason.PRECISION)
_NOTHING = Got(math.nan, BAD_DEVICE)
Values = tuple[Int32s, Floats, Int16s, Int64s]
"""tag_index, value, quality and source time [µs], 0 where the device tells none."""


class Table(Generic[Place]):
    """What is asked for, by unit and interval.

    tags   the tag table
    wrong  index of a tag to why its address cannot be read
    """

    def __init__(
        self,
        tags: TagTable,
        place_of: Callable[[Tag], Place],
        unit_of: Callable[[Place], int] = lambda _place: 0,
    ) -> None:
        self.tags = tags
        self.wrong: dict[int, str] = {}
        self._unit_of = unit_of
        self._indices: dict[Place, list[int]] = defaultdict(list)
        self._places: dict[tuple[int, float], dict[Place, None]] = defaultdict(dict)
        for index, tag in enumerate(tags.tags):
            try:
                place = place_of(tag)
            except AddressError as error:
                self.wrong[index] = str(error)
                continue
            self._indices[place].append(index)
            self._places[unit_of(place), tag.interval_s][place] = None
        self._scale = np.array([tag.scale for tag in tags.tags], np.float64)
        self._offset = np.array([tag.offset for tag in tags.tags], np.float64)
        self._is_whole = np.array([tag.data_type.endswith("int64") for tag in tags.tags], np.bool_)
        self._interval_s = np.array([tag.interval_s for tag in tags.tags], np.float64)

    @cached_property
    def work(self) -> dict[int, frozenset[float]]:
        """Unit to the intervals of its tags [s]."""
        found: dict[int, set[float]] = defaultdict(set)
        for unit, interval in self._places:
            found[unit].add(interval)
        return {unit: frozenset(intervals) for unit, intervals in found.items()}

    def added_to(self, before: Table[Place]) -> dict[int, set[float]]:
        """Unit to the intervals in which there is a place that was not there before."""
        found: dict[int, set[float]] = defaultdict(set)
        for (unit, interval), places in self._places.items():
            if places.keys() - before._places.get((unit, interval), {}).keys():
                found[unit].add(interval)
        return dict(found)

    def places(self, unit: int, intervals: Iterable[float]) -> list[Place]:
        """What is asked of a unit for these intervals, each once."""
        found: dict[Place, None] = {}
        for interval in sorted(intervals):
            found |= self._places.get((unit, interval), {})
        return list(found)

    def any_place(self, unit: int) -> Place:
        """One to ask a unit for, to see whether it is there."""
        return next(
            place for (one, _), places in self._places.items() if one == unit for place in places
        )

    def indices(self, places: Iterable[Place], intervals: Iterable[float] | None = None) -> Int32s:
        """The tags of places, those with these intervals only; None: all."""
        found = [index for place in places for index in self._indices.get(place, ())]
        return self._due(np.array(found, np.int32), intervals)

    def of_unit(self, unit: int) -> Int32s:
        """All tags of a unit."""
        return self.indices(place for place in self._indices if self._unit_of(place) == unit)

    def values(
        self, places: Sequence[Place], answers: Sequence[Answer], intervals: Iterable[float]
    ) -> Values:
        """Answers as columns, scaled.

        What is refused is BAD/device_bad, what is no number BAD/not_a_number, and a whole number
        that a float64 does not hold UNCERTAIN/precision.
        """
        index, value, codes, us = [], [], [], []
        for place, answer in zip(places, answers, strict=True):
            got = answer if isinstance(answer, Got) else _NOTHING
            for one in self._indices.get(place, ()):
                index.append(one)
                value.append(got.value)
                codes.append(got.quality)
                us.append(got.us)
        at = np.array(index, np.int32)
        raw = np.array(value, np.float64)
        marks = np.array(codes, np.int16)
        marks[(marks == GOOD) & self._is_whole[at] & (np.abs(raw) >= EXACT_LIMIT)] = PRECISION
        scaled = raw * self._scale[at] + self._offset[at]
        lost = ~np.isfinite(scaled)
        scaled[lost] = np.nan
        marks[lost & ((marks & LEVEL_MASK) != Level.BAD)] = NOT_A_NUMBER
        due = np.isin(self._interval_s[at], list(intervals))
        return at[due], scaled[due], marks[due], np.array(us, np.int64)[due]

    def _due(self, index: Int32s, intervals: Iterable[float] | None) -> Int32s:
        if intervals is None or not len(index):
            return index
        return index[np.isin(self._interval_s[index], list(intervals))]
