"""Tags beside the counters: a level whose alarms come and go, and a setpoint that commands write.

Pure. The level is the same for whoever asks at the same time; it falls and rises again in PERIOD_S.
"""

from __future__ import annotations

from msgspec import Struct

from pumpjack_core.tags import Alarm, Tag, Write

PERIOD_S = 7.0
MOST = 100.0
LEVEL, SETPOINT = "level", "setpoint"
HIGH, LOW = 60.0, 40.0
ALARMS = (
    Alarm("hihi", limit=85.0, priority=1, on_delay_s=0.6, off_delay_s=0.3, deadband=5.0),
    Alarm("hi", limit=HIGH, priority=2),
    Alarm("lo", limit=LOW, latch=True),
    Alarm("bad_quality", priority=4),
)
"""hi and lo have neither delay nor deadband: each reading alone says whether they are met."""


class Written(Struct, frozen=True):
    """A value that a worker wrote to a device. us: when it came there [µs since the epoch]."""

    us: int
    value: float


def level_at(us: int) -> float:
    """Between 0 and MOST, in whole numbers.

    >>> level_at(0), level_at(int(PERIOD_S * 500_000)), level_at(int(PERIOD_S * 750_000))
    (0.0, 100.0, 50.0)
    """
    phase = us / (PERIOD_S * 1e6) % 1.0
    return float(round(MOST * (2 * phase if phase < 0.5 else 2 - 2 * phase)))


def level(well_id: str, address: str, data_type: str, interval_s: float, **more: float) -> Tag:
    """The tag with alarms."""
    return Tag(well_id, LEVEL, address, data_type, interval_s, alarms=ALARMS, **more)  # type: ignore[arg-type]


def setpoint(well_id: str, address: str, data_type: str, *, to: str = "", **more: float) -> Tag:
    """The tag that may be written. to: where, if elsewhere than it is read."""
    write = Write(low=0.0, high=1e6, address=to)
    return Tag(well_id, SETPOINT, address, data_type, 1.0, write=write, **more)  # type: ignore[arg-type]
