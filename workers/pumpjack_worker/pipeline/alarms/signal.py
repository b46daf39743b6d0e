"""What is known of one tag now, as its alarms see it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pumpjack_core.quality import LEVEL_MASK, REASON_MASK, REASON_SHIFT, Level, Reason

if TYPE_CHECKING:
    from pumpjack_worker.pipeline.alarms.machine import Machine

CODE_MASK = LEVEL_MASK | REASON_MASK << REASON_SHIFT
"""Of a quality: level and reason. That it was backfilled or shifted decides nothing."""
UNKNOWN = -1
"""Code of a tag of which nothing was read yet, and one that no quality has."""
_BAD_AND_JUDGED = (Reason.OUT_OF_RANGE, Reason.ANOMALY, Reason.CLOCK)
"""The value is the device's: a pressure far out of range must raise its alarms."""
_SILENT = (Reason.STALE, Reason.COMM_FAILURE, Reason.LAST_KNOWN)


def _codes(*reasons: Reason, level: Level | None = None) -> NDArray[np.bool_]:
    found = np.zeros(CODE_MASK + 1, np.bool_)
    for code in range(len(found)):
        is_level = level is None or min(code & LEVEL_MASK, Level.BAD) == level
        found[code] = is_level and (not reasons or code >> REASON_SHIFT in reasons)
    return found


IS_BAD = _codes(level=Level.BAD)
IS_SILENT = _codes(*_SILENT)
"""The device, or the way to it, says nothing new of the tag."""
IS_MARK = _codes(Reason.STALE, Reason.COMM_FAILURE, level=Level.BAD)
"""Without a value: the worker's own word, at the worker's time."""
IS_JUDGED = ~IS_BAD | _codes(*_BAD_AND_JUDGED, level=Level.BAD)
"""A value of this quality counts; one of another quality leaves everything as it was."""
_judged, _bad, _silent = (each.tolist() for each in (IS_JUDGED, IS_BAD, IS_SILENT))


class Signal:
    """The newest of one tag.

    at          position in the tag table
    value       the newest value that counts, None before the first
    code        of the newest reading, without marks of being late
    is_held     the newest reading's value does not count: the one before stands
    is_marked   the newest word is the worker's own
    own         the tag's alarms
    compared    deviations of other tags from this one
    suppresses  alarms that this tag suppresses
    moves       alarms that a reading of this tag may move: own and compared
    """

    __slots__ = (
        "at",
        "code",
        "compared",
        "follows_every_reading",
        "is_held",
        "is_marked",
        "moves",
        "own",
        "suppresses",
        "value",
    )

    def __init__(self, at: int) -> None:
        self.at = at
        self.value: float | None = None
        self.code = UNKNOWN
        self.is_held = True
        self.is_marked = False
        self.own: tuple[Machine, ...] = ()
        self.compared: tuple[Machine, ...] = ()
        self.suppresses: tuple[Machine, ...] = ()
        self.moves: tuple[Machine, ...] = ()
        self.follows_every_reading = False

    def connect(self) -> None:
        """All alarms that look at this tag are known."""
        self.moves = self.own + self.compared
        self.follows_every_reading = any(each.follows_every_reading for each in self.moves)

    def take_over(self, before: Signal) -> None:
        """Go on where the same tag was in the table before."""
        self.value, self.code = before.value, before.code
        self.is_held, self.is_marked = before.is_held, before.is_marked

    def read(self, value: float, code: int) -> None:
        """Take over a reading."""
        self.code = code
        self.is_marked = False
        self.is_held = not (_judged[code] and math.isfinite(value))
        if not self.is_held:
            self.value = value

    def mark(self, code: int) -> None:
        """Take over a word of the worker's own."""
        self.code = code
        self.is_marked = self.is_held = True

    @property
    def may_count(self) -> bool:
        """Whether a reading of the same quality counts, if it has a value."""
        return self.code != UNKNOWN and bool(_judged[self.code])

    @property
    def is_bad(self) -> bool:
        return self.code != UNKNOWN and bool(_bad[self.code])

    @property
    def is_silent(self) -> bool:
        return self.code != UNKNOWN and bool(_silent[self.code])
