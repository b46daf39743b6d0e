"""A controller whose data blocks show a simulated oil field, on the server of python-snap7."""

from __future__ import annotations

import contextlib
import logging
import math
import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from msgspec import Struct
from snap7.datatypes import S7Area, S7WordLen
from snap7.error import S7Error
from snap7.server import Server
from snap7.type import SrvArea

from pumpjack_core.errors import AddressError, SetupError
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.s7.address import Area, S7Address, parse_address
from pumpjack_worker.adapters.s7.values import bytes_of, value_of
from pumpjack_worker.adapters.setting import whole_range
from pumpjack_worker.simulation.field import Field

_AREAS = {
    Area.INPUT: SrvArea.PE,
    Area.OUTPUT: SrvArea.PA,
    Area.MEMORY: SrvArea.MK,
    Area.BLOCK: SrvArea.DB,
}
_Where = tuple[Area, int]


class Placed(Struct, frozen=True):
    """A tag and where it lies in the controller. write: where it is set, None where nobody can."""

    tag: Tag
    place: S7Address
    write: S7Address | None = None


def placed(tags: Iterable[Tag]) -> list[Placed]:
    """Find the tags' bytes; a tag whose address is wrong is nowhere in the controller."""
    found: list[Placed] = []
    for tag in tags:
        with contextlib.suppress(AddressError):
            place = parse_address(tag.address, tag.data_type)
            write = None
            if tag.write is not None:
                write = parse_address(tag.write.address or tag.address, tag.data_type)
            found.append(Placed(tag, place, write))
    return found


class _Server(Server):
    """As a controller does, a bit that is written leaves its neighbours alone.

    The server of python-snap7 (3.3) writes the byte; these are methods of its own.
    """

    def _parse_address_specification(self, addr_spec: bytes) -> dict[str, Any]:
        found = super()._parse_address_specification(addr_spec)
        return found | {"bit": addr_spec[11] & 7} if found else found

    def _parse_write_address(
        self, request: dict[str, Any]
    ) -> tuple[S7Area, int, int, int, bytearray] | None:
        found = super()._parse_write_address(request)
        spec = (request.get("parameters") or {}).get("address_spec") or {}
        if found is None or spec.get("word_len") != S7WordLen.BIT:
            return found
        area, block, start, count, content = found
        memory = self.memory_areas.get((area, block), b"")
        if start >= len(memory):
            return found
        mask = 1 << spec["bit"]
        byte = memory[start] | mask if content[0] else memory[start] & ~mask & 0xFF
        return area, block, start, count, bytearray([byte])


class SimulatedPlc:
    """Tags of a field in the memory of one controller. step() shows new values.

    A dead float shows NaN; other types have no value for that and stay as they were. What a client
    writes into a writable place is given to the field, and taken back where it says no.
    """

    def __init__(self, tags: Sequence[Placed], *, seed: int = 1) -> None:
        self.tags = list(tags)
        self.field = Field([one.tag for one in tags], seed=seed)
        self.memory: dict[_Where, bytearray] = {}
        self._server = _Server(log=False)
        ends: dict[_Where, int] = defaultdict(int)
        for one in self.tags:
            for place in (one.place, one.write):
                if place is not None:
                    where = (place.area, place.block)
                    ends[where] = max(ends[where], place.end)
        for where, end in ends.items():
            self.register(where, end)
        self._written = [self._content(one.write) for one in self.tags]

    def register(self, where: _Where, size: int) -> bytearray:
        """Give the controller so many bytes of an area: of a data block by its number."""
        area, number = where
        self.memory[where] = bytearray(size)
        self._server.register_area(_AREAS[area], number, self.memory[where])
        return self.memory[where]

    def listen(self, host: str, port: int) -> None:
        """Serve. Raises SetupError for a port that is taken."""
        logging.getLogger("snap7").setLevel(logging.CRITICAL)
        try:
            socket.create_server(
                (host, port)
            ).close()  # the server would share the port with another
            self._server.start_to(host, port)
        except (OSError, ValueError, S7Error) as error:
            raise SetupError(
                f"{host}:{port} cannot be listened on: {error}; give another --port"
            ) from error

    def step(self, now_us: int) -> None:
        """Move the field on to this time [µs since the epoch], do what was written, and show it."""
        self._obey()
        self.field.step(now_us / 1e6)
        for at, one in enumerate(self.tags):
            self._show(at, one)
            self._written[at] = self._content(one.write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        self._server.stop()

    def _obey(self) -> None:
        for at, one in enumerate(self.tags):
            if one.write is None or (now := self._content(one.write)) == self._written[at]:
                continue
            wanted = value_of(one.write, now) * one.tag.scale + one.tag.offset
            self.field.command(at, wanted)

    def _show(self, at: int, one: Placed) -> None:
        dead = at in self.field.dead
        is_float = one.tag.data_type.startswith("float")
        if dead and not is_float:
            return
        raw = math.nan if dead else (self.field.value[at] - one.tag.offset) / one.tag.scale
        if not is_float and one.tag.data_type != "bool":
            low, high = whole_range(one.tag.data_type)
            raw = min(max(round(raw), low), high)
        self._put(one.place, raw)

    def _put(self, place: S7Address, raw: float) -> None:
        memory = self.memory[place.area, place.block]
        lock = self._server.area_locks[S7Area(place.area.value), place.block]
        with lock:
            if place.bit is None:
                memory[place.start : place.end] = bytes_of(place, raw)
            elif raw:
                memory[place.start] |= 1 << place.bit
            else:
                memory[place.start] &= ~(1 << place.bit) & 0xFF

    def _content(self, place: S7Address | None) -> bytes:
        if place is None:
            return b""
        content = bytes(self.memory[place.area, place.block][place.start : place.end])
        return content if place.bit is None else bytes([content[0] & 1 << place.bit])
