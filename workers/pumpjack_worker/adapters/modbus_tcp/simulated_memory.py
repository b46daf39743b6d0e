"""The registers of one unit of a simulated device."""

from __future__ import annotations

import numpy as np

from pumpjack_worker.adapters.modbus_tcp.address import LAST_OFFSET, Area

SIZE = LAST_OFFSET + 1


class Memory:
    """The registers or bits of one area; what was never written is not there.

    content  registers big-endian, two bytes each, as they go over the wire; a bit takes a byte
    """

    def __init__(self, area: Area) -> None:
        self._bits = area.holds_bits
        self._width = 1 if area.holds_bits else 2
        self.content = bytearray(SIZE * self._width)
        self.exists = bytearray(SIZE)

    def write(self, offset: int, content: bytes) -> None:
        """Set registers from their bytes, or bits from a byte of 0 or 1 each."""
        self.content[offset * self._width : offset * self._width + len(content)] = content
        self.allow(offset, offset + len(content) // self._width)

    def write_bit(self, offset: int, bit: int, on: bool) -> None:
        """Set one bit of a register, 0 the least significant."""
        at = 2 * offset + (bit < 8)
        mask = 1 << bit % 8
        self.content[at] = self.content[at] | mask if on else self.content[at] & ~mask
        self.allow(offset, offset + 1)

    def allow(self, start: int, end: int) -> None:
        """These registers are there."""
        self.exists[start:end] = b"\1" * (end - start)

    def read(self, start: int, count: int) -> bytes | None:
        """As an answer carries it, or None when one of them is not there."""
        end = start + count
        if end > SIZE or self.exists.find(0, start, end) >= 0:
            return None
        found = self.content[start * self._width : end * self._width]
        if self._bits:
            return np.packbits(np.frombuffer(found, np.uint8), bitorder="little").tobytes()
        return bytes(found)

    def stored(self, start: int, count: int) -> bytes | None:
        """As write() takes it, or None when one of them is not there."""
        end = start + count
        if end > SIZE or self.exists.find(0, start, end) >= 0:
            return None
        return bytes(self.content[start * self._width : end * self._width])
