"""Robust z-score of each tag over a sliding window of its own readings; vectorised.

z = |x - median| / scale, with scale = 1.4826 MAD, or 1.2533 times the mean absolute deviation
where more than half of the window is one value (MAD 0). Both stand for the standard deviation of
a normal distribution; median and MAD are not moved by the outliers that they are to find.
Source: B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, section 3.

Median and scale of a tag are computed again after each eighth of its window, not at each reading.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pumpjack_core.readings import Floats, Int32s
from pumpjack_core.tags import TagTable

MAD_TO_SIGMA = 1.4826
MEAN_DEVIATION_TO_SIGMA = 1.2533
REFRESH_PARTS = 8
FLOOR_PART = 1e-3
"""A scale below this part of the tag's range (or of its median) is noise of the last digit."""


class AnomalyWindows:
    """The windows of one tag table. Anomalies enter the window too: a new level becomes normal."""

    def __init__(self, tags: TagTable, before: AnomalyWindows | None = None) -> None:
        watched = [at for at, tag in enumerate(tags.tags) if tag.z_score is not None]
        self._keys = {tags.tags[at].key: row for row, at in enumerate(watched)}
        self._row = np.full(len(tags), -1, np.int32)
        self._row[watched] = np.arange(len(watched), dtype=np.int32)
        rows = [tags.tags[at] for at in watched]
        self._limit = np.array([tag.z_score for tag in rows], np.float64)
        self._size = np.array([tag.z_window for tag in rows], np.int64)
        self._span = np.array(
            [
                tag.high - tag.low if tag.low is not None and tag.high is not None else np.nan
                for tag in rows
            ]
        )
        width = int(self._size.max(initial=1))
        self._values = np.full((len(rows), width), np.nan)
        self._seen = np.zeros(len(rows), np.int64)
        self._fresh_until = np.zeros(len(rows), np.int64)
        self._median = np.full(len(rows), np.nan)
        self._scale = np.full(len(rows), np.inf)
        if before is not None:
            self._take_over(before)

    def anomalous(
        self, index: Int32s, value: Floats, candidates: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Which candidates are too far off; the candidates enter the windows.

        index, value, candidates: n each; only rows where candidates is true are looked at.
        """
        found = np.zeros(len(index), np.bool_)
        if not len(self._limit):
            return found
        positions = np.flatnonzero(candidates & (self._row[index] >= 0))
        rows = self._row[index[positions]]
        while len(positions):
            now, later = self._first_of_each(rows)
            found[positions[now]] = self._judge_and_add(rows[now], value[positions[now]])
            positions, rows = positions[later], rows[later]
        return found

    def _first_of_each(self, rows: Int32s) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Split into what fits before the next refresh of each tag, and the rest, in order."""
        order = np.argsort(rows, kind="stable")
        sorted_rows = rows[order]
        starts = np.flatnonzero(np.r_[True, sorted_rows[1:] != sorted_rows[:-1]])
        counts = np.diff(np.r_[starts, len(rows)])
        rank = np.arange(len(rows)) - np.repeat(starts, counts)
        fits = rank < np.maximum(1, self._size[sorted_rows] // REFRESH_PARTS)
        return np.sort(order[fits]), np.sort(order[~fits])

    def _judge_and_add(self, rows: Int32s, value: Floats) -> NDArray[np.bool_]:
        distance = np.abs(value - self._median[rows])
        with np.errstate(invalid="ignore"):
            found: NDArray[np.bool_] = distance > self._limit[rows] * self._scale[rows]
        order = np.argsort(rows, kind="stable")
        touched, starts, counts = np.unique(rows[order], return_index=True, return_counts=True)
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.arange(len(rows)) - np.repeat(starts, counts)
        self._values[rows, (self._seen[rows] + rank) % self._size[rows]] = value
        self._seen[touched] += counts
        self._refresh(touched[self._seen[touched] >= self._fresh_until[touched]])
        return found

    def _refresh(self, rows: Int32s) -> None:
        """Compute median and scale of these tags again."""
        half_full = self._seen[rows] >= self._size[rows] // 2
        rows = rows[half_full]
        if not len(rows):
            return
        window = self._values[rows]
        middle = np.nanmedian if np.isnan(window).any() else np.median  # nanmedian is slow
        median = middle(window, axis=1)
        deviation = np.abs(window - median[:, None])
        scale = MAD_TO_SIGMA * middle(deviation, axis=1)
        flat = scale == 0.0
        if flat.any():
            scale[flat] = MEAN_DEVIATION_TO_SIGMA * np.nanmean(deviation[flat], axis=1)
        reference = np.where(np.isnan(self._span[rows]), np.abs(median), self._span[rows])
        self._median[rows] = median
        self._scale[rows] = np.maximum(scale, FLOOR_PART * np.maximum(reference, 1e-9))
        self._fresh_until[rows] = self._seen[rows] + np.maximum(
            1, self._size[rows] // REFRESH_PARTS
        )

    def _take_over(self, before: AnomalyWindows) -> None:
        for key, row in self._keys.items():
            old = before._keys.get(key)
            if old is None or before._size[old] != self._size[row]:
                continue
            size = int(self._size[row])
            self._values[row, :size] = before._values[old, :size]
            for name in ("_seen", "_fresh_until", "_median", "_scale"):
                getattr(self, name)[row] = getattr(before, name)[old]
