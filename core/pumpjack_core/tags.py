"""The resolved tags of one connection: what its worker reads."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec
from msgspec import Struct

STALE_INTERVALS = 3
STALE_LEAST_S = 10.0
"""A tag that is polled is stale after so many intervals without a reading, at least so long."""


def stale_after_s(interval_s: float) -> float:
    """After how long without a reading a tag that is polled is stale [s].

    >>> stale_after_s(1.0), stale_after_s(60.0)
    (10.0, 180.0)
    """
    return max(STALE_LEAST_S, STALE_INTERVALS * interval_s)


class Alarm(Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """One condition of a tag that a person must act on (ISA-18.2).

    condition          hihi, hi, lo, lolo, rate, deviation, state, bad_quality or stale
    limit              hihi … lolo: in the tag's unit; rate: change within per_s, either way;
                       deviation: distance from the tag from_tag; None for the others
    from_tag           deviation: name of another tag of the same well
    states             state: whole values in which it is active
    priority           1 (highest) to 4
    deadband           how far back behind the limit the value must be to return [tag's unit]
    on_delay_s         how long the condition must hold before it is active [s of source time]
    off_delay_s        how long it must be over before it returns [s of source time]
    latch              stays until a person resets it
    suppressed_by      name of a tag of the same well, "" for none: suppressed by design while that
                       one has one of the values suppressed_states
    """

    condition: str
    limit: float | None = None
    per_s: float = 60.0
    from_tag: str = ""
    states: tuple[int, ...] = ()
    priority: int = 3
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latch: bool = False
    message: str = ""
    consequence: str = ""
    response: str = ""
    suppressed_by: str = ""
    suppressed_states: tuple[int, ...] = ()


class Write(Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """What a command may write to a tag: low to high in its unit, or one of states.

    approval     none, or required: a second person must agree
    address      where it is written, "" for where it is read
    tolerance    how far the value that is read back may be off [tag's unit]; None: 0 for whole
                 numbers, a millionth of the value for others
    verify_s     within which time it must be read back [s]
    """

    low: float | None = None
    high: float | None = None
    states: tuple[int, ...] = ()
    approval: str = "none"
    address: str = ""
    tolerance: float | None = None
    verify_s: float = 5.0


class Tag(Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True):
    """One tag of one well, with everything that the worker needs to read and judge it.

    Templates are filled in, defaults are applied, ranges are folded into scale and offset:
    value = raw * scale + offset, in unit.

    interval_s  how often it is read, or how often the device is expected to send it [s]
    stale_s     marked stale after so long without a reading [s]; 0: never, the protocol itself
                tells when the device is away; None: after three intervals
    alarms      at most one of each condition
    write       None: read only
    state_names words for whole values, by the value's text: {"0": "STOPPED"}
    title       how screens call it, "" for its name
    normal_low, normal_high
                band in which it usually is, shaded on screens [unit]; nothing is judged by it
    digits      decimals that screens show, None: as its role or its value has them
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
    description: str = ""
    alarms: tuple[Alarm, ...] = ()
    write: Write | None = None
    state_names: dict[str, str] = {}
    title: str = ""
    normal_low: float | None = None
    normal_high: float | None = None
    digits: int | None = None

    def __hash__(self) -> int:
        """Of what tells tags apart: state_names has none."""
        return hash((self.key, self.address))

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identity of the series: a change of unit or data type starts another (section 2)."""
        return (self.well_id, self.name, self.unit, self.data_type)


class WellFacts(
    Struct, frozen=True, omit_defaults=True, rename="camel", forbid_unknown_fields=True
):
    """What screens show of a well beside its readings; "" and empty where nobody says.

    title        how screens call it
    type         name of its process picture: rod-pump, esp, gas-lift or one of the platform's own
    time_zone    IANA name
    roles        role of the picture to name of a tag of the well, where they differ
    key_tags     names of the tags that an overview shows, in order
    """

    well_id: str
    title: str = ""
    type: str = ""
    pad: str = ""
    route: str = ""
    time_zone: str = ""
    roles: dict[str, str] = {}
    key_tags: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Of what tells them apart: roles has none."""
        return hash((self.well_id, self.title))


class NotMapped(Struct, frozen=True):
    """A tag, or a part of one, that its mapping declares and the connection does not get.

    mapping  namespace/name
    reason   a sentence that says what to do
    """

    tag: str
    mapping: str
    reason: str


class Rejections(Struct, frozen=True):
    """What mappings declare and a connection does not get.

    total    how many; in_part of them are parts of tags that are read all the same
    first    the first MOST_REJECTIONS of them
    """

    total: int = 0
    in_part: int = 0
    first: tuple[NotMapped, ...] = ()


MOST_REJECTIONS = 50
NONE_REJECTED = Rejections()


class TagTable(Struct, frozen=True, dict=True):
    """The tags of one connection, in a fixed order; a Batch points into it by position.

    facts     of its wells, at most one of each; no reading depends on them
    rejected  what is declared for it and is not in tags
    """

    tags: tuple[Tag, ...]
    facts: tuple[WellFacts, ...] = ()
    rejected: Rejections = NONE_REJECTED

    def __len__(self) -> int:
        return len(self.tags)

    @cached_property
    def hash(self) -> str:
        """Hash of the tags, which is what a journal keeps of a table: 64 hex digits of SHA-256."""
        return hashlib.sha256(msgspec.json.encode(self.tags)).hexdigest()

    @cached_property
    def full_hash(self) -> str:
        """Hash of everything; that of the tags alone where there is nothing else."""
        found = self.hash
        for is_there, more in (
            (bool(self.facts), self.facts),
            (bool(self.rejected.total), self.rejected),
        ):
            if is_there:
                text = msgspec.json.encode(more, order="deterministic")
                found = hashlib.sha256(found.encode() + text).hexdigest()
        return found

    @cached_property
    def wells(self) -> tuple[str, ...]:
        """The wells, in order of first appearance."""
        return tuple(dict.fromkeys(tag.well_id for tag in self.tags))
