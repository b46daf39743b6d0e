"""What a device must be given so that a tag shows a value: scale and offset undone. Pure."""

from __future__ import annotations

import math
import struct

from msgspec import Struct

from pumpjack_core.errors import WriteRefused
from pumpjack_core.tags import Tag

Raw = float | int | bool
LARGEST_FLOAT32 = 3.4028234663852886e38
RELATIVE_TOLERANCE = 1e-6
"""Of a value that is no whole number, where its tag does not name a tolerance."""
ARITHMETIC = 1e-9
"""Part of a value that scaling back and forth may lose."""


class Setting(Struct, frozen=True):
    """What is written.

    raw    as the device has it: a bool, an int or a float by the tag's data type
    value  what the tag shows once the device has it [the tag's unit]: rounded to what raw can say
    """

    raw: Raw
    value: float


def setting_of(tag: Tag, value: float) -> Setting:
    """The setting that comes closest to a value.

    Raises WriteRefused when the data type cannot hold it, or when rounding leaves the limits.
    """
    if not math.isfinite(value):
        raise WriteRefused(f"{value} is no value to write to {tag.name}; give a number")
    raw = raw_of((value - tag.offset) / tag.scale, tag.data_type, what=f"{value:g} {tag.unit}")
    setting = Setting(raw, float(raw) * tag.scale + tag.offset)
    if (why := out_of_limits(tag, value)) or (why := out_of_limits(tag, setting.value)):
        raise WriteRefused(why)
    return setting


def raw_of(raw: float, data_type: str, *, what: str) -> Raw:
    """A raw number in a data type, whole numbers rounded. Raises WriteRefused if it cannot hold it.

    what: the value that is to be written, for the message.
    """
    if data_type == "bool":
        if raw not in (0.0, 1.0):
            raise WriteRefused(f"{what.strip()} cannot be written to a switch; it is 0 or 1")
        return raw == 1.0
    if data_type == "float64":
        return raw
    if data_type == "float32":
        if abs(raw) > LARGEST_FLOAT32:
            raise WriteRefused(f"{what.strip()} does not fit: raw {raw:g} is no float32")
        return float(struct.unpack("<f", struct.pack("<f", raw))[0])
    low, high = whole_range(data_type)
    whole = round(raw)
    if not low <= whole <= high:
        raise WriteRefused(
            f"{what.strip()} does not fit: raw {whole} is no {data_type} ({low} to {high})"
        )
    return whole


def whole_range(data_type: str) -> tuple[int, int]:
    """Least and greatest number of an integer type (int16, uint32 …)."""
    bits = int(data_type.removeprefix("u").removeprefix("int"))
    if data_type.startswith("u"):
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def out_of_limits(tag: Tag, value: float) -> str | None:
    """Why a value may not be written to a tag, a sentence; None: it may."""
    limits = tag.write
    if limits is None:
        return f"{tag.name} of {tag.well_id} is read only; declare write: for it in its TagMapping"
    slack = ARITHMETIC * max(1.0, abs(value))
    if limits.states:
        if any(abs(value - state) <= slack for state in limits.states):
            return None
        names = ", ".join(str(state) for state in limits.states)
        return f"{value:g} is none of the values that {tag.name} may be set to: {names}"
    low = -math.inf if limits.low is None else limits.low
    high = math.inf if limits.high is None else limits.high
    if low - slack <= value <= high + slack:
        return None
    return f"{value:g} is outside the limits of {tag.name}, {low:g} to {high:g} {tag.unit}".rstrip()


def is_held(tag: Tag, wanted: float, read: float) -> bool:
    """Whether a value that was read back is the one that was written, within the tolerance."""
    tolerance = None if tag.write is None else tag.write.tolerance
    if tolerance is None:
        whole = not tag.data_type.startswith("float")
        tolerance = 0.0 if whole else RELATIVE_TOLERANCE * abs(wanted)
    return abs(read - wanted) <= tolerance + ARITHMETIC * max(1.0, abs(wanted))
