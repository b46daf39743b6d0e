"""Which readings may decide: those newer than all before them of their tag.

What is late, out of order or backfilled raises nothing. A clock that was set back must not end
that for ever:

    the worker's own           at once: times that are ahead of it now count as a second ago
    the device's, from ahead   once its tag had nothing newer for 3 intervals, at least 10 s, and
                               the newest time is still to come by the worker's clock
    the device's, to behind    cannot be told from backfill at once: after 5 minutes in which the
                               tag had nothing but older readings
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pumpjack_core.quality import BACKFILLED
from pumpjack_core.readings import Batch, Int32s, Int64s
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.alarms.known import Known, encode
from pumpjack_worker.pipeline.alarms.machine import NEVER_US
from pumpjack_worker.pipeline.staleness import INTERVALS, LEAST_S

SET_BACK_US = 1_000_000
"""Less than this [µs] is no clock that was set back: batches may overtake each other a little."""
BEHIND_US = 300_000_000
"""For so long a tag may have nothing but older readings [µs of the worker's clock]."""
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Order:
    """The newest time of each tag that has decided [µs of the tag's own clock]."""

    def __init__(self, tags: TagTable) -> None:
        self._tags = tags
        self.newest_us = np.full(len(tags), NEVER_US, np.int64)
        self.each_us = self.newest_us.data
        """The same numbers as Python's own, which cost less one by one."""
        self._patience_us = np.array(
            [max(LEAST_S, INTERVALS * tag.interval_s) * 1e6 for tag in tags.tags], np.int64
        )
        self.behind: dict[int, int] = {}
        """Tags that sent older readings only, and since when [µs of the worker's clock]."""
        self._now_us = NEVER_US
        self._received_us = NEVER_US

    def take_over(self, before: Order, places: list[tuple[int, int]]) -> None:
        """Go on with another table. places: a tag's position there, and here."""
        self._now_us, self._received_us = before._now_us, before._received_us
        for old, new in places:
            self.newest_us[new] = before.newest_us[old]
            if old in before.behind:
                self.behind[new] = before.behind[old]

    def know(self, known: Known) -> None:
        """Go on where a process before this one was killed, or ended."""
        place = {tag.key: at for at, tag in enumerate(known.tags.tags)}
        for at, tag in enumerate(self._tags.tags):
            if tag.key in place:
                self.newest_us[at] = known.newest_us[place[tag.key]]
        self._now_us = self._received_us = known.now_us

    def encoded(self) -> bytes:
        """What a process after this one has to know."""
        return encode(self._now_us, self.newest_us)

    def received(self, us: int, now_us: int) -> bool:
        """A batch received at us is judged at now_us. Whether the worker's clock went back.

        Its receipt does not tell that: one that comes again may have the first time of its receipt.
        """
        went_back = now_us < self._now_us - SET_BACK_US
        if went_back:
            np.minimum(self.newest_us, now_us - SET_BACK_US, out=self.newest_us)
            self.behind.clear()
            self._received_us = us
        # One that came before the clock was set back, and is judged after: what it says is ahead.
        self._now_us = max(us, now_us)
        self._received_us = max(us, self._received_us)
        return went_back

    def comes_again(self, received_us: int) -> bool:
        """Whether a batch is of before others that were judged: it says nothing of now."""
        return received_us < self._received_us - SET_BACK_US

    def move(self, index: Int32s, us: Int64s) -> None:
        """These decide: times in order, of these tags."""
        self.newest_us[index] = us
        if self.behind:
            for at in self.behind.keys() & set(index.tolist()):
                del self.behind[at]

    def known_us(self, at: list[int]) -> int:
        """Of when the newest is that is known of these tags; of marks alone, the last batch."""
        newest_us = int(self.newest_us[at].max())
        return self._now_us if newest_us == NEVER_US else newest_us

    def late(self, batch: Batch, rows: Rows) -> dict[int, list[int]]:
        """Of late readings those whose tag's clock was set back: rows by tag. Time begins anew."""
        accepted: dict[int, list[int]] = {}
        for row in rows.tolist():
            at, us = int(batch.tag_index[row]), int(batch.source_us[row])
            if at in accepted:
                if us > self.newest_us[at]:
                    self.newest_us[at] = us
                    accepted[at].append(row)
            elif self._was_set_back(batch, row, at):
                del self.behind[at]
                self.newest_us[at] = us
                accepted[at] = [row]
        return accepted

    def _was_set_back(self, batch: Batch, row: int, at: int) -> bool:
        behind_us = self._now_us - self.behind.setdefault(at, self._now_us)
        is_ahead = self.newest_us[at] > self._now_us
        is_now = is_ahead and not batch.quality[row] & BACKFILLED
        return bool(behind_us >= (self._patience_us[at] if is_now else BEHIND_US))

    def held(self, now_us: int) -> list[int]:
        """Tags whose alarms wait for this by now."""
        return [
            at for at, since_us in self.behind.items() if now_us - since_us >= self._patience_us[at]
        ]
