"""Where a tag is found in a Modbus device, as manifests write it.

    AREA:NUMBER[.BIT][;unit=N][;order=ABCD|CDAB|BADC|DCBA]

    holding:40001             a reference number, counted from 1 in its area (400001 is the same)
    holding:@0, holding:@0x0  the same register by its address on the wire, counted from 0
    holding:40001.3           bit 3 of that register, 0 the least significant, for dataType bool
    holding:40001;unit=7      of unit 7 instead of the connection's unitId
    input:30010;order=CDAB    with the low word first

Reference numbers: MODBUS Application Protocol V1.1b3, 4.4; the leading digit names the area by
long custom (0 coil, 1 discrete input, 3 input register, 4 holding register).
"""

from __future__ import annotations

import re
from enum import Enum

from msgspec import Struct

from pumpjack_core.errors import AddressError

LAST_OFFSET = 65_535
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
REGISTERS_OF = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}
"""Data type to the number of registers that hold it; bool is a coil, an input or a bit."""


class Area(Enum):
    """One of the four tables of a device: its name, leading digit and reading function code."""

    COIL = ("coil", 0, 1)
    DISCRETE = ("discrete", 1, 2)
    HOLDING = ("holding", 4, 3)
    INPUT = ("input", 3, 4)

    def __init__(self, label: str, digit: int, function: int) -> None:
        self.label = label
        self.digit = digit
        self.function = function

    @property
    def holds_bits(self) -> bool:
        """Whether an address of this area is one bit, and not a register of 16."""
        return self in (Area.COIL, Area.DISCRETE)

    @property
    def most_per_request(self) -> int:
        """How many addresses one request may ask for (V1.1b3, 6.1 to 6.4)."""
        return 2_000 if self.holds_bits else 125


AREAS = {area.label: area for area in Area}


class ModbusAddress(Struct, frozen=True):
    """Where and how a value lies in a device.

    offset  address on the wire of its first register or bit, 0 to 65535
    count   how many registers (or bits, in a coil and discrete area) it takes
    bit     which bit of the register, 0 the least significant, for a bool in a register
    order   how its bytes lie on the wire: ABCD is big-endian, see ORDERS
    """

    unit: int
    area: Area
    offset: int
    count: int
    data_type: str
    bit: int | None = None
    order: str = "ABCD"

    @property
    def end(self) -> int:
        """First offset behind it."""
        return self.offset + self.count


_SHAPE = re.compile(
    r"(?P<area>[^:;]+):(?P<number>[^.;]+)(?:\.(?P<bit>[^;]*))?(?P<options>(?:;.*)?)"
)
_EXAMPLE = "write for example holding:40001, coil:@0x10 or input:30001;unit=2;order=CDAB"


def parse_address(text: str, data_type: str, default_unit: int) -> ModbusAddress:
    """Read an address.

    Raises AddressError, whose sentence says what is wrong and what would be right.

    >>> parse_address("holding:40011;order=CDAB", "float32", 1).offset
    10
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise AddressError(f"{text!r} is no Modbus address; {_EXAMPLE}")
    area = AREAS.get(shape["area"])
    if area is None:
        raise AddressError(
            f"{text!r}: {shape['area']!r} is no area; it is one of {', '.join(AREAS)}"
        )
    options = _options(text, shape["options"])
    offset = _offset(text, area, shape["number"])
    bit = _bit(text, area, data_type, shape["bit"])
    count = _count(text, area, data_type)
    if offset + count - 1 > LAST_OFFSET:
        raise AddressError(
            f"{text!r}: {data_type} takes {count} registers, the last would be "
            f"@{offset + count - 1}, past the end at @{LAST_OFFSET}; begin at most at "
            f"@{LAST_OFFSET + 1 - count}"
        )
    return ModbusAddress(
        unit=_unit(text, options.get("unit"), default_unit),
        area=area,
        offset=offset,
        count=count,
        data_type=data_type,
        bit=bit,
        order=_order(text, area, count, options.get("order")),
    )


def _options(text: str, written: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for option in written.split(";")[1:]:
        name, equals, value = option.partition("=")
        if not equals or name not in ("unit", "order"):
            raise AddressError(
                f"{text!r}: {option!r} is no option; the options are ;unit=7 and ;order=CDAB"
            )
        if name in options:
            raise AddressError(f"{text!r}: ;{name}= is there twice; keep one")
        options[name] = value
    return options


def _offset(text: str, area: Area, number: str) -> int:
    if number.startswith("@"):
        return _wire_offset(text, area, number[1:])
    if not _is_digits(number):
        raise AddressError(f"{text!r}: {number!r} is no number; {_EXAMPLE}")
    reference = _reference(area, number)
    if reference is not None:
        return reference - 1
    raise AddressError(f"{text!r}: {_number_hint(area, number)}")


def _wire_offset(text: str, area: Area, digits: str) -> int:
    hexadecimal = re.fullmatch(r"0[xX]([0-9a-fA-F]+)", digits)
    if hexadecimal is None and not _is_digits(digits):
        raise AddressError(
            f"{text!r}: {digits!r} is no address on the wire; write {area.label}:@16 or "
            f"{area.label}:@0x10, counted from 0"
        )
    offset = int(hexadecimal[1], 16) if hexadecimal else int(digits)
    if offset > LAST_OFFSET:
        raise AddressError(f"{text!r}: @{offset} is past the last address, @{LAST_OFFSET}")
    return offset


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _reference(area: Area, number: str) -> int | None:
    """The number in its area, from 1, or None when these digits name no address of the area."""
    if len(number) == 6:
        reference = int(number) - area.digit * 100_000
        return reference if 1 <= reference <= LAST_OFFSET + 1 else None
    if area is Area.COIL:
        return int(number) if len(number) <= 5 and 1 <= int(number) <= 9_999 else None
    reference = int(number) - area.digit * 10_000
    return reference if len(number) == 5 and 1 <= reference <= 9_999 else None


def _number_hint(area: Area, number: str) -> str:
    for other in Area:
        if other is not area and len(number) >= 5 and _reference(other, number) is not None:
            return (
                f"{number} is a number of the area {other.label}; write {other.label}:{number}, "
                f"or {area.label}:@N for address N on the wire"
            )
    digit = area.digit
    first, last = ("1", "9999") if area is Area.COIL else (f"{digit}0001", f"{digit}9999")
    hint = (
        f"{number} is outside the area {area.label}, which is numbered {first} to {last}, or with "
        f"six digits {digit}00001 to {digit}65536"
    )
    if 1 <= int(number) <= 9_999:
        hint += (
            f"; number {int(number)} of it is written {digit}{int(number):04}, and address "
            f"{int(number)} on the wire @{int(number)}"
        )
    return hint


def _bit(text: str, area: Area, data_type: str, written: str | None) -> int | None:
    if written is None:
        if data_type == "bool" and not area.holds_bits:
            raise AddressError(
                f"{text!r}: a bool in a register needs its bit, 0 to 15: write "
                f"{text.partition(';')[0]}.0 for the least significant"
            )
        return None
    if area.holds_bits:
        raise AddressError(
            f"{text!r}: an address in the area {area.label} is one bit; leave out .{written}"
        )
    if data_type != "bool":
        raise AddressError(
            f"{text!r}: .{written} names one bit, but dataType is {data_type}; "
            f"set dataType: bool, or leave out .{written}"
        )
    if not _is_digits(written) or int(written) > 15:
        raise AddressError(f"{text!r}: {written!r} is no bit of a register; it is 0 to 15")
    return int(written)


def _count(text: str, area: Area, data_type: str) -> int:
    if data_type == "bool":
        return 1
    count = REGISTERS_OF.get(data_type)
    if count is None:
        reason = "text cannot be stored yet" if data_type == "text" else "it is no data type"
        raise AddressError(
            f"{text!r}: dataType {data_type}: {reason}; use bool, {', '.join(REGISTERS_OF)}"
        )
    if area.holds_bits:
        raise AddressError(
            f"{text!r}: the area {area.label} holds single bits, not {data_type}; "
            "set dataType: bool, or use holding or input"
        )
    return count


def _unit(text: str, written: str | None, default_unit: int) -> int:
    if written is None:
        return default_unit
    if not _is_digits(written) or int(written) > 255:
        raise AddressError(f"{text!r}: {written!r} is no unit; it is 0 to 255")
    return int(written)


def _order(text: str, area: Area, count: int, written: str | None) -> str:
    if written is None:
        return "ABCD"
    if written not in ORDERS:
        raise AddressError(f"{text!r}: {written!r} is no order; it is one of {', '.join(ORDERS)}")
    if area.holds_bits:
        raise AddressError(f"{text!r}: single bits have no byte order; leave out ;order={written}")
    if count == 1 and written in ("CDAB", "DCBA"):
        raise AddressError(
            f"{text!r}: order={written} swaps words, and this value is one word; "
            "order=BADC swaps its bytes"
        )
    return written
