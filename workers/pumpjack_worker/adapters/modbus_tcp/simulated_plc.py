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
from pumpjack_worker.adapters.modbus_tcp.decode import Located, decode, decode_plan
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import ILLEGAL_ADDRESS, Wish
from pumpjack_worker.adapters.modbus_tcp.writing import FORMATS, arrange
from pumpjack_worker.adapters.setting import whole_range
from pumpjack_worker.simulation.field import Field
from pumpjack_worker.simulation.ledger import Ledger, Served

GAP_FILLED = 16
"""Registers between two tags that are there too, as in a real device's tables."""
BROKEN_SENSOR = 4
"""Exception of an integer register whose sensor is dead; a float shows NaN instead."""


class Placed(Struct, frozen=True):
    """A tag and where it lies in the device. write: where it is set, None where nobody can."""

    tag: Tag
    address: ModbusAddress
    write: ModbusAddress | None = None


def place(tags: Iterable[Tag], default_unit: int) -> list[Placed]:
    """Find the tags' registers; a tag whose address is wrong is nowhere in the device."""
    placed: list[Placed] = []
    for tag in tags:
        with contextlib.suppress(AddressError):
            address = parse_address(tag.address, tag.data_type, default_unit)
            set_at = address if tag.write is not None else None
            if tag.write is not None and tag.write.address:
                set_at = parse_address(tag.write.address, tag.data_type, default_unit)
            placed.append(Placed(tag, address, set_at))
    return placed


class SimulatedPlc:
    """Tags of a field in the registers of one device. step() shows new values.

    Registers of tags that are declared writable can be written; the field does what they say.

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
        self.device.on_write = self._written

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

    def _written(self, wish: Wish) -> bytes | int:
        """Have the field do it. What stands in the registers is shown by _show()."""
        values = self._values(wish)
        if not values or self.device.flaws.lies:
            return wish.content if values else ILLEGAL_ADDRESS
        for at, value in values:
            one = self.placed[at]
            unchanged = one.write == one.address and value == self.shown[at]
            if not unchanged and not self.field.command(at, value):
                return ILLEGAL_ADDRESS
        for at, one in enumerate(self.placed):
            if at not in self.field.dead:
                self.shown[at] = self._show(at, one)
        elsewhere = all(self.placed[at].write != self.placed[at].address for at, _ in values)
        memory = self.device.memory(wish.unit, wish.area)
        count = len(wish.content) // (1 if wish.area is Area.COIL else 2)
        return wish.content if elsewhere else memory.stored(wish.start, count) or wish.content

    def _values(self, wish: Wish) -> list[tuple[int, float]]:
        """Positions of the writable tags that lie in what is written, and their new values."""
        count = len(wish.content) // (1 if wish.area is Area.COIL else 2)
        found: list[tuple[int, float]] = []
        for at, one in enumerate(self.placed):
            place = one.write
            if place is None or (place.unit, place.area) != (wish.unit, wish.area):
                continue
            if not wish.start <= place.offset or place.end > wish.start + count:
                continue
            located = Located(0, place, one.tag.scale, one.tag.offset)
            if wish.area is Area.COIL:
                value = wish.content[place.offset - wish.start] * one.tag.scale + one.tag.offset
            else:
                value = float(decode(decode_plan(wish.start, [located]), wish.content)[0][0])
            found.append((at, value))
        return found

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
        for one in self.placed:
            if one.write is not None:
                memory = self.device.memory(one.write.unit, one.write.area)
                memory.allow(one.write.offset, one.write.end)

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
            raw: float = struct.unpack(FORMATS[tag.data_type], content)[0]
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
        return struct.pack(FORMATS[data_type], raw)
    low, high = whole_range(data_type)
    return struct.pack(FORMATS[data_type], min(max(round(raw), low), high))
