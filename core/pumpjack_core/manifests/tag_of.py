"""One tag of a mapping, as one connection would read it. Pure."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import Struct

from pumpjack_core import units
from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.alarms import Flaw, alarms_of
from pumpjack_core.manifests.objects import ScadaConnection, TagMapping
from pumpjack_core.manifests.templates import fill
from pumpjack_core.manifests.types import MappedTag
from pumpjack_core.manifests.writes import write_of
from pumpjack_core.protocols import PROTOCOLS, Manner
from pumpjack_core.tags import Tag

_WELL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_MOST_ADDRESS_CHARACTERS = 512


class PartlyUsed(Struct, frozen=True):
    """A tag that is read, and what of it cannot be used."""

    tag: Tag
    flaws: tuple[Flaw, ...]


def tag_of(
    mapped: MappedTag, mapping: TagMapping, connection: ScadaConnection, names: AbstractSet[str]
) -> Tag | PartlyUsed:
    """One tag of a mapping for one connection. names: all tags of the mapping.

    Raises ManifestError when it cannot be read.
    """
    if mapped.data_type == "text":
        raise ManifestError("a tag of type text cannot be stored yet; only numbers and bool can")
    well_id = well_id_of(mapping, connection)
    address = fill(mapped.address, connection.metadata)
    if not 0 < len(address) <= _MOST_ADDRESS_CHARACTERS:
        raise ManifestError(
            f"the address has {len(address)} characters once its labels are filled in; "
            f"1 to {_MOST_ADDRESS_CHARACTERS} will do"
        )
    scale, offset = _scaling(mapped)
    limits, anomaly, normal = mapped.range, mapped.anomaly, mapped.normal
    alarms, flaws = alarms_of(mapped, names)
    write = None
    try:
        write = write_of(mapped, scale, offset, connection)
    except ManifestError as error:
        flaws.append(Flaw("write", str(error)))
    state_names = {key: word for key, word in mapped.state_names.items() if _is_whole(key)}
    flaws += [
        Flaw("stateNames", f'"{key}" is no whole number; write for example "0": STOPPED')
        for key in mapped.state_names
        if key not in state_names
    ]
    tag = Tag(
        well_id=sys.intern(well_id),  # of a hundred thousand tags, most say the same
        name=mapped.name,
        address=address,
        data_type=mapped.data_type,
        interval_s=units.seconds(mapped.interval or connection.spec.poll_interval),
        unit=mapped.unit or "",
        scale=scale,
        offset=offset,
        low=limits.min if limits is not None else None,
        high=limits.max if limits is not None else None,
        stale_s=_stale_s(mapped, connection),
        mapping=sys.intern(mapping.metadata.id),
        description=mapped.description or "",
        alarms=alarms,
        write=write,
        state_names=state_names,
        title=mapped.title or "",
        normal_low=normal.min if normal is not None else None,
        normal_high=normal.max if normal is not None else None,
        digits=mapped.digits,
    )
    if anomaly is not None:
        tag = msgspec.structs.replace(tag, z_score=anomaly.z_score, z_window=anomaly.window)
    return PartlyUsed(tag, tuple(flaws)) if flaws else tag


def well_id_of(mapping: TagMapping, connection: ScadaConnection) -> str:
    """The well of a mapping for one connection. Raises ManifestError when that can be none."""
    well_id = fill(mapping.spec.well_id, connection.metadata)
    if not _WELL_ID.fullmatch(well_id):
        raise ManifestError(
            f'"{well_id}" cannot be a well id: 1 to 128 letters, digits, ., _ and -, '
            "a letter or digit first; change wellId or the label that it names"
        )
    return well_id


def _scaling(mapped: MappedTag) -> tuple[float, float]:
    """Scale and offset, from the two ranges when they are given."""
    raw, engineering = mapped.raw_range, mapped.engineering_range
    if raw is None or engineering is None:
        scale = 1.0 if mapped.scale is None else mapped.scale
        return scale, mapped.offset or 0.0
    scale = (engineering.max - engineering.min) / (raw.max - raw.min)
    offset = engineering.min - raw.min * scale
    if not (math.isfinite(scale) and math.isfinite(offset)):
        raise ManifestError("rawRange is too narrow for engineeringRange; widen it")
    return scale, offset


def _stale_s(mapped: MappedTag, connection: ScadaConnection) -> float | None:
    """After how long without a reading a tag is stale, where that is not three intervals."""
    spec = connection.spec
    if PROTOCOLS[spec.protocol].manner is Manner.REPORTED:
        return 0.0  # told by the loss of keep-alive (design, section 2)
    if spec.mqtt is not None and mapped.interval is None:
        return units.seconds(spec.mqtt.stale_after)
    return None


def _is_whole(text: str) -> bool:
    return _WHOLE_NUMBER.fullmatch(text) is not None
