"""A device whose registers show a simulated oil field."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterable, Sequence

from msgspec import Struct

from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.errors import AddressError
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.modbus_tcp.address import Area, ModbusAddress, parse_address
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.simulation.field import Field
from pumpjack_worker.simulation.ledger import Ledger, Served

GAP_FILLED = 16
"""Registers between two tags that are there too, as in a real device's tables."""
BROKEN_SENSOR = 4
"""Exception of an integer register whose sensor is dead; a float shows NaN instead."""

_FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}


class Placed(Struct, frozen=True):
    """A tag and where it lies in the device."""

    tag: Tag
    address: ModbusAddress


def place(tags: Iterable[Tag], default_unit: int) -> list[Placed]:
    """Find the tags' registers; a tag whose address is wrong is nowhere in the device."""
    placed: list[Placed] = []
    for tag in tags:
        with contextlib.suppress(AddressError):
            placed.append(Placed(tag, parse_address(tag.address, tag.data_type, default_unit)))
    return placed


class SimulatedPlc:
    """Tags of a field in the registers of one device. step() shows new values.

    placed      its tags; positions below are positions in here
    device      its registers, and its faults on demand
    field       where the values come from
    changed_us  by position of the tag: since when its shown value is shown [µs since the epoch]
    shown       by position of the tag: the value that a client reads, NaN for a dead sensor
    """

    def __init__(self, placed: Sequence[Placed], *, seed: int = 1) -> None:
        # Words before the bits in them, so that a status word does not wipe out its bits.
        self.placed = sorted(placed, key=lambda one: one.address.bit is not None)
        self.field = Field([one.tag for one in self.placed], seed=seed)
        self.device = SimulatedDevice()
        self.changed_us = [0] * len(self.placed)
        self.shown = [math.nan] * len(self.placed)
        self._lay_out()

    def step(self, now_us: int) -> None:
        """Move the field on to this time [µs since the epoch] and show it."""
        self.field.step(now_us / 1e6)
        for at, one in enumerate(self.placed):
            before, self.shown[at] = self.shown[at], self._show(at, one)
            if self.shown[at] != before and not (math.isnan(self.shown[at]) and math.isnan(before)):
                self.changed_us[at] = now_us

    def attach(self, ledger: Ledger, clock: Clock | None = None) -> None:
        """Write down each value that the device serves."""
        clock = clock or SystemClock()
        by_area: dict[tuple[int, Area], list[tuple[int, Placed]]] = {}
        for at, one in enumerate(self.placed):
            by_area.setdefault((one.address.unit, one.address.area), []).append((at, one))

        def on_read(unit: int, area: Area, start: int, count: int) -> None:
            now_us = clock.now_us()
            for at, one in by_area.get((unit, area), ()):
                if start <= one.address.offset and one.address.end <= start + count:
                    tag, changed_us = one.tag, self.changed_us[at]
                    ledger.write(Served(now_us, changed_us, tag.well_id, tag.name, self.shown[at]))

        self.device.on_read = on_read

    def _lay_out(self) -> None:
        """Make the registers of all tags, and the small gaps between them."""
        ends: dict[tuple[int, Area], int] = {}
        for one in sorted(self.placed, key=lambda one: one.address.offset):
            address = one.address
            memory = self.device.memory(address.unit, address.area)
            end = ends.get((address.unit, address.area), address.offset)
            small_gap = 0 < address.offset - end <= GAP_FILLED
            memory.allow(end if small_gap else address.offset, address.end)
            ends[address.unit, address.area] = max(end, address.end)

    def _show(self, at: int, one: Placed) -> float:
        """Put a tag's value into its registers. What a client will read, after rounding."""
        dead = at in self.field.dead
        if one.tag.data_type.startswith("float"):
            return self._write(one, math.nan if dead else self.field.value[at])
        for offset in range(one.address.offset, one.address.end):
            register = (one.address.unit, one.address.area, offset)
            if dead:
                self.device.refused[register] = BROKEN_SENSOR
            elif self.device.refused.get(register) == BROKEN_SENSOR:
                del self.device.refused[register]
        return math.nan if dead else self._write(one, self.field.value[at])

    def _write(self, one: Placed, value: float) -> float:
        address, tag = one.address, one.tag
        memory = self.device.memory(address.unit, address.area)
        if tag.data_type != "bool":
            content = encode((value - tag.offset) / tag.scale, tag.data_type)
            memory.write(address.offset, arrange(content, address.order))
            raw: float = struct.unpack(_FORMATS[tag.data_type], content)[0]
            return raw * tag.scale + tag.offset
        on = value != 0.0
        if address.bit is None:
            memory.write(address.offset, bytes([on]))
        else:
            memory.write_bit(address.offset, address.bit ^ 8 * (address.order == "BADC"), on)
        return on * tag.scale + tag.offset


def encode(raw: float, data_type: str) -> bytes:
    """A raw value as big-endian bytes; integers are rounded and cut at their limits."""
    if data_type.startswith("float"):
        return struct.pack(_FORMATS[data_type], raw)
    bits = int(data_type.removeprefix("u").removeprefix("int"))
    low, high = (
        (0, 2**bits - 1) if data_type[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )
    return struct.pack(_FORMATS[data_type], min(max(round(raw), low), high))


def arrange(big_endian: bytes, order: str) -> bytes:
    """The bytes of a value in an order (ABCD, CDAB, BADC, DCBA)."""
    words = [big_endian[at : at + 2] for at in range(0, len(big_endian), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)
