"""What a mapping lets commands write to a tag, as its worker is told of it. Pure."""

from __future__ import annotations

import math

import msgspec

from pumpjack_core import units
from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.objects import ScadaConnection
from pumpjack_core.manifests.templates import fill
from pumpjack_core.manifests.types import MappedTag
from pumpjack_core.tags import Write

_MOST_ADDRESS_CHARACTERS = 512
_WHOLE = {
    "bool": (0, 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "uint16": (0, (1 << 16) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint64": (0, (1 << 64) - 1),
}
"""Data type to the lowest and highest raw value that it holds."""


def write_of(
    mapped: MappedTag, scale: float, offset: float, connection: ScadaConnection
) -> Write | None:
    """What may be written to a tag; value = raw * scale + offset.

    Raises ManifestError with a sentence when nothing may, though the mapping says so.
    """
    declared = mapped.write
    if declared is None:
        return None
    if connection.spec.mqtt is not None and declared.address is None:
        raise ManifestError(
            "over MQTT a value is written to a topic of its own; give write.address, "
            "the topic that the device listens to"
        )
    address = fill(declared.address or "", connection.metadata)
    if len(address) > _MOST_ADDRESS_CHARACTERS or (declared.address and not address):
        raise ManifestError(
            f"write.address has {len(address)} characters once its labels are filled in; "
            f"1 to {_MOST_ADDRESS_CHARACTERS} will do"
        )
    _check_room(mapped, scale, offset)
    write = Write(
        low=declared.min,
        high=declared.max,
        states=declared.states,
        approval=declared.approval or "none",
        address=address,
        tolerance=declared.tolerance,
    )
    if declared.verify_within is None:
        return write
    return msgspec.structs.replace(write, verify_s=units.seconds(declared.verify_within))


def _check_room(mapped: MappedTag, scale: float, offset: float) -> None:
    """Raise ManifestError when the device's data type cannot hold what may be written."""
    declared, room = mapped.write, _WHOLE.get(mapped.data_type)
    if declared is None or room is None:
        return
    values = [value for value in (declared.min, declared.max) if value is not None]
    for value in (*values, *declared.states):
        raw = (
            (value - offset) / scale if scale else math.inf
        )  # a scale can be too small for a float
        if not room[0] - 0.5 <= raw <= room[1] + 0.5:
            raise ManifestError(
                f"{value:g} would be {raw:g} in the device, and {mapped.data_type} holds "
                f"{room[0]} to {room[1]}; correct min, max or states, or the scaling"
            )
