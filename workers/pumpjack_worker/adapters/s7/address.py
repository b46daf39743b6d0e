"""Where a tag is found in an S7 controller, as STEP 7 writes it.

    DB12.DBD4      four bytes of data block 12, from byte 4 on
    DB12.DBW4      two bytes
    DB12.DBX4.3    bit 3 of byte 4, 0 the least significant
    DB12.DBL8      eight bytes (for int64, uint64, float64)
    MW10, MD10     bit memory; M10.3 a bit of it
    IW64, EW64     process image of the inputs (English and German letter)
    QD8, AD8       process image of the outputs

How many bytes a letter stands for must be what the data type needs. Bytes are big-endian.
"""

from __future__ import annotations

import re
from enum import Enum

from msgspec import Struct

from pumpjack_core.errors import AddressError

LAST_BYTE = 65_535
LAST_BLOCK = 65_535
SIZE_OF = {
    "bool": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
}
"""Data type to its bytes; a bool is one bit of one byte."""
_LETTERS = {1: "X", 2: "W", 4: "D", 8: "L"}
_BYTES = {"W": 2, "D": 4, "L": 8}


class Area(Enum):
    """Memory of a controller, by its code in a request."""

    INPUT = 0x81
    OUTPUT = 0x82
    MEMORY = 0x83
    BLOCK = 0x84


_AREAS = {
    "I": Area.INPUT,
    "E": Area.INPUT,
    "Q": Area.OUTPUT,
    "A": Area.OUTPUT,
    "M": Area.MEMORY,
}
_IN_BLOCK = re.compile(r"DB(\d{1,5})\.DB([XWDL])(\d{1,5})(?:\.(\d))?")
_ELSEWHERE = re.compile(r"([IEQAM])([XWDL]?)(\d{1,5})(?:\.(\d))?")
_BYTE = re.compile(r"(?:DB\d+\.DB|[IEQAM])B\d+")


class S7Address(Struct, frozen=True):
    """Bytes of one area: [start, end). block: number of the data block, 0 elsewhere."""

    area: Area
    block: int
    start: int
    bit: int | None
    data_type: str

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return SIZE_OF[self.data_type]

    @property
    def end(self) -> int:
        """The byte behind the last."""
        return self.start + self.size


def parse_address(text: str, data_type: str) -> S7Address:
    """Read an address. Raises AddressError with what would be right.

    >>> parse_address("DB12.DBX4.3", "bool").bit
    3
    """
    upper = text.strip().upper()
    if data_type not in SIZE_OF:
        raise AddressError(f"{text}: dataType {data_type} cannot be read from an S7 controller")
    if _BYTE.fullmatch(upper):
        raise AddressError(f"{text}: a single byte holds no data type; read the word with it")
    if found := _IN_BLOCK.fullmatch(upper):
        number, letter, start, bit = found.groups()
        area, block = Area.BLOCK, int(number)
        if not 1 <= block <= LAST_BLOCK:
            raise AddressError(f"{text}: data blocks are numbered 1 to {LAST_BLOCK}")
    elif found := _ELSEWHERE.fullmatch(upper):
        name, letter, start, bit = found.groups()
        area, block = _AREAS[name], 0
        letter = letter or "X"
    else:
        raise AddressError(f"{text} is no S7 address; write DB12.DBD4, DB12.DBX4.3, MW10 or QD8")
    address = S7Address(area, block, int(start), None if bit is None else int(bit), data_type)
    _check(text, letter, address)
    return address


def _check(text: str, letter: str, address: S7Address) -> None:
    if letter == "X":
        if address.bit is None or address.bit > 7:
            raise AddressError(f"{text}: a bit is byte and bit 0 to 7, such as DB12.DBX4.3")
        if address.data_type != "bool":
            raise AddressError(
                f"{text} is one bit, and {address.data_type} takes {address.size} bytes "
                f"(letter {_LETTERS[address.size]})"
            )
    elif address.bit is not None:
        raise AddressError(f"{text}: only X has a bit, such as DB12.DBX4.3")
    elif address.data_type == "bool":
        raise AddressError(f"{text} is {_BYTES[letter]} bytes, and a bool is a bit: DB12.DBX4.3")
    elif _BYTES[letter] != address.size:
        raise AddressError(
            f"{text} is {_BYTES[letter]} bytes, and {address.data_type} takes {address.size} "
            f"(letter {_LETTERS[address.size]})"
        )
    if address.end - 1 > LAST_BYTE:
        raise AddressError(f"{text} reaches beyond byte {LAST_BYTE}")
