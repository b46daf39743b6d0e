"""Quality of a reading as one small integer, the same in memory, journal and database.

    bits 0-1  level       0 GOOD, 1 UNCERTAIN, 2 BAD
    bits 2-7  reason      see Reason
    bit  8    backfilled  the device kept it and sent it later
    bit  9    shifted     its time was moved by microseconds, another value had that instant

A plain GOOD reading is 0. Levels follow OPC UA Part 8, 6.3.2 (severity of a status code).
The database decodes the same bits in the view scada_readings (migrations/).
"""

from __future__ import annotations

from enum import IntEnum

LEVEL_MASK = 0b11
REASON_SHIFT = 2
REASON_MASK = 0b111111
BACKFILLED = 1 << 8
SHIFTED = 1 << 9


class Level(IntEnum):
    """How far a reading can be trusted."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Reason(IntEnum):
    """Why a reading is not plainly good. Numbers are stored: never renumber, only add."""

    NONE = 0
    OUT_OF_RANGE = 1
    ANOMALY = 2
    STALE = 3
    COMM_FAILURE = 4
    DEVICE_BAD = 5
    CLOCK = 6
    NOT_A_NUMBER = 7
    DEVICE_UNCERTAIN = 8
    PRECISION = 9
    CONFIG_ERROR = 10
    NOT_STORED = 11
    SENSOR_FAILURE = 12
    OUT_OF_SERVICE = 13
    LAST_KNOWN = 14
    LOCAL_OVERRIDE = 15


LEVEL_TEXT: tuple[str, ...] = ("GOOD", "UNCERTAIN", "BAD", "BAD")
REASON_TEXT: tuple[str | None, ...] = tuple(
    [None] + [Reason(code).name.lower() for code in range(1, len(Reason))]
)


def quality(
    level: Level, reason: Reason = Reason.NONE, *, backfilled: bool = False, shifted: bool = False
) -> int:
    """Encode a quality.

    >>> quality(Level.BAD, Reason.OUT_OF_RANGE)
    6
    """
    return (
        int(level)
        | int(reason) << REASON_SHIFT
        | (BACKFILLED if backfilled else 0)
        | (SHIFTED if shifted else 0)
    )


def level_of(code: int) -> Level:
    """Level of an encoded quality; the unused fourth level reads as BAD."""
    return Level(min(code & LEVEL_MASK, Level.BAD))


def reason_of(code: int) -> Reason:
    """Reason of an encoded quality."""
    return Reason(code >> REASON_SHIFT & REASON_MASK)


def level_text(code: int) -> str:
    """GOOD, UNCERTAIN or BAD."""
    return LEVEL_TEXT[code & LEVEL_MASK]


def reason_text(code: int) -> str | None:
    """Reason in words of the wire format (out_of_range …), None for a plain reading."""
    return REASON_TEXT[code >> REASON_SHIFT & REASON_MASK]


GOOD = quality(Level.GOOD)
BAD_COMM_FAILURE = quality(Level.BAD, Reason.COMM_FAILURE)
BAD_DEVICE = quality(Level.BAD, Reason.DEVICE_BAD)
