"""The resolved tags of one connection: what its worker reads."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec
from msgspec import Struct


class Tag(Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """One tag of one well, with everything that the worker needs to read and judge it.

    Templates are filled in, defaults are applied, ranges are folded into scale and offset:
    value = raw * scale + offset, in unit.

    interval_s  how often it is read, or how often the device is expected to send it [s]
    stale_s     marked stale after so long without a reading [s]; 0: never, the protocol itself
                tells when the device is away; None: after three intervals
    """

    well_id: str
    name: str
    address: str
    data_type: str
    interval_s: float
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    z_score: float | None = None
    z_window: int = 64
    stale_s: float | None = None
    mapping: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identity of the series: a change of unit or data type starts another (section 2)."""
        return (self.well_id, self.name, self.unit, self.data_type)


class TagTable(Struct, frozen=True, dict=True):
    """The tags of one connection, in a fixed order; a Batch points into it by position."""

    tags: tuple[Tag, ...]

    def __len__(self) -> int:
        return len(self.tags)

    @cached_property
    def hash(self) -> str:
        """Hash of the content: 64 hex digits of SHA-256."""
        return hashlib.sha256(msgspec.json.encode(self.tags)).hexdigest()

    @cached_property
    def wells(self) -> tuple[str, ...]:
        """The wells, in order of first appearance."""
        return tuple(dict.fromkeys(tag.well_id for tag in self.tags))
