"""What a simulated device makes of requests that write, and what may be wrong with it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_memory import Memory
from pumpjack_worker.adapters.modbus_tcp.writing import (
    MASK_WRITE,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
)

WRITES = frozenset({WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS, MASK_WRITE})
ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
_MOST_REGISTERS, _MOST_COILS = 123, 1_968


@dataclass
class WriteFlaws:
    """What is wrong with writing. May be changed at any time.

    lies     says yes, and changes nothing
    refuses  exception code of its answers, 0: it does what it is told
    mute     does it, and does not answer
    late_s   does it at once, and says so so much later [s]
    unknown  function codes that it does not have
    """

    lies: bool = False
    refuses: int = 0
    mute: bool = False
    late_s: float = 0.0
    unknown: Collection[int] = frozenset()


class Wish(Struct, frozen=True):
    """What a request wants registers to be. content: as Memory.write() takes it."""

    unit: int
    function: int
    area: Area
    start: int
    content: bytes


def wish_of(unit: int, pdu: bytes, areas: Mapping[Area, Memory]) -> Wish | int:
    """What a request wants, or the exception code that it gets."""
    function = pdu[0]
    area = Area.COIL if function in (WRITE_COIL, WRITE_COILS) else Area.HOLDING
    if len(pdu) < 5:
        return ILLEGAL_VALUE
    start, second = struct.unpack_from(">HH", pdu, 1)
    content = _content(function, second, pdu[5:])
    memory = areas.get(area)
    if content is None:
        return ILLEGAL_VALUE
    count = len(content) if area is Area.COIL else len(content) // 2
    before = memory.stored(start, count) if memory is not None else None
    if before is None:
        return ILLEGAL_ADDRESS
    if function == MASK_WRITE:
        (or_mask,) = struct.unpack(">H", content)
        (held,) = struct.unpack(">H", before)
        content = struct.pack(">H", (held & second) | (or_mask & ~second & 0xFFFF))
    return Wish(unit, function, area, start, content)


def answer_to(pdu: bytes) -> bytes:
    """What a device says that has done it."""
    return pdu[:5] if pdu[0] in (WRITE_COILS, WRITE_REGISTERS) else pdu


def _content(function: int, second: int, rest: bytes) -> bytes | None:
    """Registers or a byte a coil; of a mask write its second mask. None: the request is wrong."""
    if function == WRITE_COIL:
        return bytes((second != 0,)) if second in (0, 0xFF00) and not rest else None
    if function == WRITE_REGISTER:
        return None if rest else struct.pack(">H", second)
    if function == MASK_WRITE:
        return rest if len(rest) == 2 else None
    if not rest or rest[0] != len(rest) - 1:
        return None
    return _registers(second, rest[1:]) if function == WRITE_REGISTERS else _coils(second, rest[1:])


def _registers(count: int, content: bytes) -> bytes | None:
    return content if 1 <= count <= _MOST_REGISTERS and len(content) == 2 * count else None


def _coils(count: int, content: bytes) -> bytes | None:
    if not 1 <= count <= _MOST_COILS or len(content) != (count + 7) // 8:
        return None
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    return bits[:count].tobytes()
