"""From what a server says of a variable to what a TagMapping would say of it. Pure.

Data types: OPC UA Part 6, 5.1.2 (built-in types), Part 3, 8 (their subtypes); units and ranges:
Part 8, 5.6.
"""

# asyncua's annotations are not what it takes.
# mypy: disable-error-code="arg-type"
from __future__ import annotations

import math

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from msgspec import Struct

from pumpjack_worker.adapters.browsing import Found

HAS_PROPERTY = ua.NodeId(ObjectIds.HasProperty)
UNIT, RANGE = "EngineeringUnits", "EURange"

NUMERIC: dict[int, str] = {
    ObjectIds.Boolean: "bool",
    ObjectIds.SByte: "int16",
    ObjectIds.Byte: "uint16",
    ObjectIds.Int16: "int16",
    ObjectIds.UInt16: "uint16",
    ObjectIds.Int32: "int32",
    ObjectIds.UInt32: "uint32",
    ObjectIds.Int64: "int64",
    ObjectIds.UInt64: "uint64",
    ObjectIds.Float: "float32",
    ObjectIds.Double: "float64",
    ObjectIds.Enumeration: "int32",
}
"""Data type in namespace 0 to that of a TagMapping; eight bits fit into sixteen."""
TEXT = frozenset({ObjectIds.String, ObjectIds.LocalizedText})
ANY = frozenset(
    {
        ObjectIds.BaseDataType,
        ObjectIds.Number,
        ObjectIds.Integer,
        ObjectIds.UInteger,
    }
)
"""Abstract types: the value itself says what it is."""
KNOWN = frozenset(NUMERIC) | TEXT | ANY
SCALAR_RANKS = frozenset({None, -1, -2, -3})
"""ValueRank of what is or may be one value (Part 3, 5.6.2); None where the server tells none."""


class Described(Struct, frozen=True):
    """What was read of a variable before its value.

    node       where it is
    data_type  number in namespace 0 that its data type comes from, None for one that is not KNOWN
    rank       its ValueRank
    """

    node: ua.NodeId
    path: tuple[str, ...]
    data_type: int | None
    rank: int | None
    description: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def may_be_a_tag(self) -> bool:
        """Whether its value is worth reading, or is a text."""
        return self.data_type is not None and self.rank in SCALAR_RANKS

    @property
    def is_text(self) -> bool:
        """Whether it is a text, which needs no value to be told."""
        return self.data_type in TEXT

    def found(self, value: ua.DataValue | None) -> Found | None:
        """With its value; None where the value shows that it is no single number."""
        data_type = "text" if self.is_text else NUMERIC.get(self.data_type or 0)
        variant = None if value is None else value.Value
        if variant is not None and not self.is_text:
            if variant.is_array or isinstance(variant.Value, list):
                return None
            if data_type is None:
                data_type = NUMERIC.get(int(variant.VariantType))
        if data_type is None:
            return None
        return Found(
            path=self.path,
            address=self.node.to_string(),
            data_type=data_type,
            unit=self.unit,
            description=self.description,
            value=None if self.is_text else number_of(value),
            low=self.low,
            high=self.high,
        )


def content(value: ua.DataValue | None) -> object:
    """The value in a DataValue, None where there is none or it is bad."""
    if value is None or value.Value is None:
        return None
    if value.StatusCode is not None and value.StatusCode.is_bad():
        return None
    return value.Value.Value


def number_of(value: ua.DataValue | None) -> float | None:
    """A value as a number; None for one that is bad, no number, or not finite."""
    found = content(value)
    if not isinstance(found, (bool, int, float)):
        return None
    number = float(found)
    return number if math.isfinite(number) else None


def unit_of(value: ua.DataValue | None) -> str:
    """The unit in an EUInformation, as people write it."""
    found = content(value)
    return text_of(found.DisplayName) if isinstance(found, ua.EUInformation) else ""


def range_of(value: ua.DataValue | None) -> tuple[float | None, float | None]:
    """The ends of a Range; none where they make no range, as on servers that never set it."""
    found = content(value)
    if not isinstance(found, ua.Range):
        return None, None
    low, high = float(found.Low), float(found.High)
    return (
        (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else (None, None)
    )


def text_of(found: object) -> str:
    """The text of a LocalizedText."""
    return (found.Text or "") if isinstance(found, ua.LocalizedText) else ""


def rank_of(value: ua.DataValue | None) -> int | None:
    """A ValueRank."""
    found = content(value)
    return found if isinstance(found, int) else None
