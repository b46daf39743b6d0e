"""What columns must be, in plain Python, from every single reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from pumpjack_gateway.points.columns import Columns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


class Seen(Struct, frozen=True):
    """A reading as it is stored. level: 0 GOOD, 1 UNCERTAIN, 2 BAD."""

    time: datetime
    value: float | None
    level: int


def mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def expected(readings: Iterable[Seen], columns: Columns) -> list[tuple[Any, ...]]:
    """Buckets as pumpjack_gateway.points.answers.Bucket has them."""
    grouped: dict[int, list[Seen]] = defaultdict(list)
    for one in sorted(readings, key=lambda seen: seen.time):
        if columns.start <= one.time < columns.end:
            grouped[(one.time - columns.start) // columns.width].append(one)
    return [_column(columns, number, grouped[number]) for number in sorted(grouped)]


def _column(columns: Columns, number: int, seen: list[Seen]) -> tuple[Any, ...]:
    shown = [one for one in seen if one.level < 2]
    values = [one.value for one in shown if one.value is not None]
    assert len(values) == len(shown)
    first = last = None, None
    if shown:
        first, last = _end(columns, shown, shown[0]), _end(columns, shown, shown[-1])
    return (
        (columns.start + number * columns.width - EPOCH) // MS,
        first[1],
        last[1],
        min(values, default=None),
        max(values, default=None),
        len(seen),
        sum(one.level == 0 for one in seen),
        max(one.level for one in seen),
        first[0],
        last[0],
        mean(one.value for one in seen if one.level == 0 and one.value is not None),
    )


def _end(columns: Columns, shown: list[Seen], at: Seen) -> tuple[float, float | None]:
    """When and what the first, or the last, is: of aggregates its bucket's middle and mean."""
    if columns.interval == "raw":
        return (at.time - EPOCH) / MS, at.value
    bucket = EPOCH + (at.time - EPOCH) // columns.bucket * columns.bucket
    there = [one for one in shown if bucket <= one.time < bucket + columns.bucket]
    best = min(one.level for one in there)
    of = [one.value for one in there if one.level == best and one.value is not None]
    return (bucket + columns.bucket / 2 - EPOCH) / MS, mean(of)
