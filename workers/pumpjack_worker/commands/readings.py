"""The next readings of a tag, for protocols that cannot be asked for its value."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import numpy as np

from pumpjack_core.quality import BACKFILLED, LEVEL_MASK, Level
from pumpjack_core.readings import Batch
from pumpjack_core.tags import Tag

Key = tuple[str, str, str, str]


class NextReading:
    """The newest reading of one tag since it was watched."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self._news = asyncio.Event()
        self._value = 0.0

    def came(self, value: float) -> None:
        """A reading came."""
        self._value = value
        self._news.set()

    async def value(self) -> float:
        """Wait for a reading that was not given yet [the tag's unit]."""
        await self._news.wait()
        self._news.clear()
        return self._value


class Readings:
    """Who waits for the readings of which tag."""

    def __init__(self) -> None:
        self._watched: list[NextReading] = []

    @contextlib.contextmanager
    def watch(self, tag: Tag) -> Iterator[NextReading]:
        """Hear of the tag's readings from now on."""
        watched = NextReading(tag.key)
        self._watched.append(watched)
        try:
            yield watched
        finally:
            self._watched.remove(watched)

    def saw(self, batch: Batch) -> None:
        """Readings came from the device. What it kept and sent later tells nothing of now."""
        if not self._watched:
            return
        known = (batch.quality & LEVEL_MASK != Level.BAD) & (batch.quality & BACKFILLED == 0)
        for watched in self._watched:
            places = [at for at, tag in enumerate(batch.tags.tags) if tag.key == watched.key]
            rows = np.flatnonzero(known & np.isin(batch.tag_index, places))
            if len(rows):
                watched.came(float(batch.value[rows[-1]]))
