"""Judge a batch: device quality, number, range, clock, anomaly; vectorised.

No reading is dropped: each comes back in the batch, or as Quarantined with its reason. What a
device kept and sent later than its clock may be wrong (maxFuture, either way) is `backfilled`: it
is judged by its range and not as an anomaly, for it says nothing of what is going on now.
Rules: design, section 2 (Clock rules) and section 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pumpjack_core.quality import BACKFILLED, LEVEL_MASK, Level, Reason, quality
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.anomaly import AnomalyWindows

_OUT_OF_RANGE = quality(Level.BAD, Reason.OUT_OF_RANGE)
_NOT_A_NUMBER = quality(Level.BAD, Reason.NOT_A_NUMBER)
_CLOCK = quality(Level.UNCERTAIN, Reason.CLOCK)
_ANOMALY = quality(Level.UNCERTAIN, Reason.ANOMALY)


class Judged(NamedTuple):
    """What validation made of a batch.

    batch           every reading that can be stored, with its final quality
    quarantined     readings too old to be stored
    clock_offset_s  how far ahead the device's clock is [s], None while it is believed
    errors          reason (out_of_range, clock …) to number of readings
    """

    batch: Batch
    quarantined: tuple[Quarantined, ...]
    clock_offset_s: float | None
    errors: dict[str, int]


class Validator:
    """Judges the batches of one tag table; keeps the windows of its anomaly detection."""

    def __init__(
        self,
        tags: TagTable,
        *,
        max_future_s: float,
        max_age_s: float,
        before: Validator | None = None,
    ) -> None:
        """Prepare for a table.

        max_future_s, max_age_s  how far from the receipt a device's time is believed [s]
        before                   the previous table's validator; tags that stay keep their windows
        """
        self.tags = tags
        self._max_future_us = int(max_future_s * 1e6)
        self._max_age_us = int(max_age_s * 1e6)
        self._low = np.array([-np.inf if tag.low is None else tag.low for tag in tags.tags])
        self._high = np.array([np.inf if tag.high is None else tag.high for tag in tags.tags])
        self.windows: AnomalyWindows = AnomalyWindows(tags, before.windows if before else None)

    def judge(self, batch: Batch) -> Judged:
        """Judge a batch of this validator's table. The batch that comes in is not changed."""
        errors: dict[str, int] = {}
        batch, quarantined = self._quarantine_old(batch, errors)
        level = batch.quality & LEVEL_MASK
        value = batch.value
        late = batch.source_us < batch.received_us - self._max_future_us
        marks = np.where(late, batch.quality | BACKFILLED, batch.quality).astype(np.int16)

        def mark(rows: NDArray[np.bool_], code: int, name: str) -> None:
            count = int(np.count_nonzero(rows))
            if count:
                marks[rows] = marks[rows] & BACKFILLED | code
                errors[name] = count

        finite = np.isfinite(value)
        not_bad = level < Level.BAD
        odd = not_bad & ~finite
        mark(odd, _NOT_A_NUMBER, "not_a_number")
        if not finite.all():
            value = np.where(finite, value, np.nan)
        index = batch.tag_index
        outside = not_bad & ((value < self._low[index]) | (value > self._high[index]))
        mark(outside, _OUT_OF_RANGE, "out_of_range")
        kept = (marks & BACKFILLED) != 0
        candidates = (level == Level.GOOD) & finite & ~outside & ~kept
        mark(self.windows.anomalous(index, value, candidates), _ANOMALY, "anomaly")

        source_us = batch.source_us
        ahead = source_us - batch.received_us
        future = ahead > self._max_future_us
        offset_s = None
        if future.any():
            offset_s = float(ahead[future].max()) / 1e6
            source_us = np.where(future, batch.received_us, source_us)
            mark(future & ((marks & LEVEL_MASK) < Level.BAD), _CLOCK, "clock")
        judged = Batch(batch.tags, index, source_us, value, marks, batch.received_us)
        return Judged(judged, quarantined, offset_s, errors)

    def _quarantine_old(
        self, batch: Batch, errors: dict[str, int]
    ) -> tuple[Batch, tuple[Quarantined, ...]]:
        old = batch.source_us < batch.received_us - self._max_age_us
        if not old.any():
            return batch, ()
        kept_out = tuple(
            Quarantined(int(index), int(us), "too_old", f"value={value!r} quality={code}")
            for index, us, value, code in zip(
                batch.tag_index[old].tolist(),
                batch.source_us[old].tolist(),
                batch.value[old].tolist(),
                batch.quality[old].tolist(),
                strict=True,
            )
        )
        errors["too_old"] = len(kept_out)
        return batch.take(~old), kept_out
