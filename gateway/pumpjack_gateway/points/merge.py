"""Columns of several stored series as those of one tag, which may have changed hands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pumpjack_gateway.points.answers import Bucket, Number


def merged(parts: Sequence[Sequence[Bucket]]) -> list[Bucket]:
    """By time; columns that several have are put together."""
    if len(parts) == 1:
        return list(parts[0])
    found: dict[int, Bucket] = {}
    for part in parts:
        for bucket in part:
            known = found.get(bucket[0])
            found[bucket[0]] = bucket if known is None else _both(known, bucket)
    return [found[at] for at in sorted(found)]


def _both(one: Bucket, other: Bucket) -> Bucket:
    first = min((one, other), key=lambda b: (b[8] is None, b[8] or 0))
    last = max((one, other), key=lambda b: (b[9] is not None, b[9] or 0))
    good = one[6] + other[6]
    total = (one[10] or 0.0) * one[6] + (other[10] or 0.0) * other[6]
    return (
        one[0],
        first[1],
        last[2],
        _extreme(min, (one[3], other[3])),
        _extreme(max, (one[4], other[4])),
        one[5] + other[5],
        good,
        max(one[7], other[7]),
        first[8],
        last[9],
        total / good if good else None,
    )


def _extreme(which: Callable[[list[float]], float], values: Iterable[Number]) -> Number:
    there = [value for value in values if value is not None]
    return which(there) if there else None
