"""What a Modbus device answers in a range of registers. A device tells no names and no types.

Each register that can be read is found as one uint16, each coil or input as a bool. Where a
register and the next one look like a float32, its description says which number they would be in
which order: a guess, for a person who knows the device's register list.

    holding:40001-40100          registers 40001 to 40100, what is looked at unless told otherwise
    input:@0-@0x3f;unit=7        by their addresses on the wire, of unit 7
    coil:17                      one alone
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
from msgspec import Struct

from pumpjack_core.config import Connection
from pumpjack_core.errors import AddressError, ManifestError, NotConnected
from pumpjack_core.networks import parse_networks
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.browsing import Browser, Found
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.modbus_tcp.address import ORDERS, Area, parse_address
from pumpjack_worker.adapters.modbus_tcp.frames import read_request
from pumpjack_worker.adapters.modbus_tcp.plan import Block, Limits, Span, plan
from pumpjack_worker.adapters.modbus_tcp.refusals import isolate
from pumpjack_worker.adapters.modbus_tcp.session import Session, Settings
from pumpjack_worker.adapters.polled.line import UnitTrouble

DEFAULT_RANGE = "holding:40001-40100"
SMALLEST, LARGEST = 1e-3, 1e7
"""Sizes that a measurement has; what is outside is rather no float32."""
_ILLEGAL_FUNCTION = 1
_SHAPE = re.compile(r"(?P<area>[^:;]*):(?P<first>[^-;]*)(?:-(?P<last>[^;]*))?(?P<options>(?:;.*)?)")


class Range(Struct, frozen=True):
    """Registers or bits [start, end) of one area of one unit."""

    unit: int
    area: Area
    start: int
    end: int


class ModbusBrowser(Browser):
    """One look at one range of one Modbus device."""

    def __init__(
        self, connection: Connection, surroundings: Surroundings, *, within: str | None = None
    ) -> None:
        spec = connection.spec.modbus_tcp
        if spec is None:
            raise ManifestError(f"{connection.connection_id}: spec.modbusTcp is missing")
        self._range = parse_range(within or DEFAULT_RANGE, spec.unit_id)
        self._default_unit = spec.unit_id
        self._limits = Limits(spec.max_block, max_gap=0)
        self._settings = Settings(
            spec.host,
            spec.port,
            parse_networks(connection.allowed_networks),
            seconds(spec.timeout),
            spec.retries,
            surroundings.on_step,
        )

    async def browse(self, on_seen: Callable[[int], None]) -> AsyncIterator[Found]:
        """Every register of the range that can be read. Raises NotConnected for a silent unit."""
        wanted = self._range
        spans = [
            Span(wanted.unit, wanted.area, offset, offset + 1)
            for offset in range(wanted.start, wanted.end)
        ]
        session = Session(self._settings, on_late=lambda _: None, on_lost=lambda: None)
        try:
            await session.open()
            last: tuple[int, int] | None = None  # waits for its neighbour
            for block in plan(spans, self._limits):
                for offset, raw in sorted((await self._read(session, block)).items()):
                    if last is not None:
                        yield self._found(*last, raw if offset == last[0] + 1 else None)
                    last = offset, raw
                on_seen(block.start + block.count - wanted.start)
            if last is not None:
                yield self._found(*last, None)
        finally:
            session.close()

    async def _read(self, session: Session, block: Block) -> dict[int, int]:
        """Offset to raw value, of what can be read in a block."""
        read: dict[int, int] = {}

        async def ask(part: Block) -> bytes | int:
            request = read_request(part.unit, part.area, part.start, part.count)
            try:
                answer = await session.ask(request, attempts=1 + self._settings.retries)
            except UnitTrouble as trouble:
                raise NotConnected(
                    f"{self._settings.peer} is connected, but unit {part.unit} does not answer "
                    f"for {part.area.label}:@{part.start} ({trouble}); check the unit",
                    reason="Timeout",
                ) from None
            if isinstance(answer, bytes):
                read.update(enumerate(_raw(part.area, answer, part.count), part.start))
            return answer

        parts = [block]
        while parts:
            part = parts.pop()
            code = await ask(part)
            if isinstance(code, int) and code != _ILLEGAL_FUNCTION:
                unknown = (await isolate(ask, part, code)).unknown
                parts += plan(unknown, self._limits)
        return read

    def _found(self, offset: int, raw: int, following: int | None) -> Found:
        area, unit = self._range.area, self._range.unit
        number = _number(area, offset)
        hint = "" if area.holds_bits or following is None else float_hint(raw, following)
        return Found(
            path=(f"unit {unit}", area.label, number),
            address=f"{area.label}:{number}"
            + (f";unit={unit}" if unit != self._default_unit else ""),
            data_type="bool" if area.holds_bits else "uint16",
            description=hint,
            value=float(raw),
        )


def parse_range(text: str, default_unit: int) -> Range:
    """Read a range. Raises AddressError, whose sentence says what would be right."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise AddressError(
            f"{text!r} is no range of registers; write for example {DEFAULT_RANGE} or "
            "input:@0-@63;unit=7"
        )
    if ";order=" in text:
        raise AddressError(f"{text!r}: a range has no byte order; leave out ;order=")
    data_type = "bool" if shape["area"] in ("coil", "discrete") else "uint16"
    ends = [
        parse_address(f"{shape['area']}:{number}{shape['options']}", data_type, default_unit)
        for number in (shape["first"], shape["last"] or shape["first"])
    ]
    first, last = ends
    if last.offset < first.offset:
        raise AddressError(f"{text!r} ends before it begins; write the lower number first")
    return Range(first.unit, first.area, first.offset, last.end)


def float_hint(first: int, second: int) -> str:
    """What two registers would be as one float32, where that looks like a measurement."""
    words = struct.pack(">HH", first, second)
    places = dict(
        zip(ORDERS, ((0, 1, 2, 3), (2, 3, 0, 1), (1, 0, 3, 2), (3, 2, 1, 0)), strict=True)
    )
    for order, at in places.items():
        (value,) = struct.unpack(">f", bytes(words[place] for place in at))
        if math.isfinite(value) and SMALLEST <= abs(value) <= LARGEST:
            return f"with the next as float32 {order}: {value:.7g}"
    return ""


def _raw(area: Area, payload: bytes, count: int) -> Sequence[int]:
    if area.holds_bits:
        bits = np.unpackbits(np.frombuffer(payload, np.uint8), bitorder="little")
        return [int(bit) for bit in bits[:count]]
    return struct.unpack(f">{count}H", payload)


def _number(area: Area, offset: int) -> str:
    """The reference number of an offset, as register lists write it."""
    if offset < 9_999:
        return str(area.digit * 10_000 + offset + 1)
    return f"{area.digit}{offset + 1:05}"
