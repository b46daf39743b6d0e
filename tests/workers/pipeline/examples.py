"""Batches and tables that the tests of the pipeline share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pumpjack_core.readings import Batch
from pumpjack_core.tags import Tag, TagTable

T0_US = 1_770_000_000_000_000


class StillClock:
    """A clock that moves only when told."""

    def __init__(self, us: int = T0_US) -> None:
        self.us = us

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1e6

    def advance(self, seconds: float) -> None:
        self.us += int(seconds * 1e6)


def tag(name: str, *, well: str = "a1", **more: object) -> Tag:
    return Tag(
        **{
            "well_id": well,
            "name": name,
            "address": "holding:40001",
            "data_type": "float32",
            "interval_s": 1.0,
            **more,
        }
    )


def table(*names: str, **more: object) -> TagTable:
    return TagTable(tuple(tag(name, **more) for name in names))


def batch(
    tags: TagTable,
    values: Sequence[float],
    *,
    index: Sequence[int] | None = None,
    us: Sequence[int] | int = T0_US,
    quality: Sequence[int] | int = 0,
    received_us: int = T0_US,
) -> Batch:
    n = len(values)
    return Batch(
        tags,
        np.array(range(n) if index is None else index, np.int32),
        np.full(n, us, np.int64) if isinstance(us, int) else np.array(us, np.int64),
        np.array(values, np.float64),
        np.full(n, quality, np.int16) if isinstance(quality, int) else np.array(quality, np.int16),
        received_us,
    )
