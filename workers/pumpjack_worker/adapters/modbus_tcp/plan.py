"""Which registers are asked for together. Pure: spans in, blocks out.

A span is what one tag needs and is never split; several tags may share it. A block is one
request. Reading a few registers that nobody wants is far cheaper than another request, so spans
are joined across small gaps, but never across what the device is known to refuse.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from itertools import groupby

from msgspec import Struct

from pumpjack_worker.adapters.modbus_tcp.address import Area, ModbusAddress

Place = tuple[int, Area, int]
"""Unit, area and offset of one register or bit."""


class Span(Struct, frozen=True):
    """Registers (or bits) of one unit that are read in one piece: [start, end)."""

    unit: int
    area: Area
    start: int
    end: int

    @property
    def places(self) -> list[Place]:
        """Each of its registers."""
        return [(self.unit, self.area, offset) for offset in range(self.start, self.end)]

    @property
    def sort_key(self) -> tuple[int, int, int, int]:
        """Order on the wire: by unit, function code, start and end."""
        return (self.unit, self.area.function, self.start, self.end)


class Block(Struct, frozen=True):
    """One request: its spans in order, and the registers that cover them all."""

    spans: tuple[Span, ...]

    @property
    def unit(self) -> int:
        """The unit that is asked."""
        return self.spans[0].unit

    @property
    def area(self) -> Area:
        """The area that is asked for."""
        return self.spans[0].area

    @property
    def start(self) -> int:
        """First register of the request."""
        return self.spans[0].start

    @property
    def count(self) -> int:
        """Number of registers in the request."""
        return max(span.end for span in self.spans) - self.start


class Limits(Struct, frozen=True):
    """How long a request may be, in registers; a coil or input counts as a 16th of one."""

    max_block: int
    max_gap: int

    def block(self, area: Area) -> int:
        """Most addresses in one request."""
        wanted = self.max_block * 16 if area.holds_bits else self.max_block
        return min(wanted, area.most_per_request)

    def gap(self, area: Area) -> int:
        """Most unused addresses read along between two spans."""
        return self.max_gap * 16 if area.holds_bits else self.max_gap


def span_of(address: ModbusAddress) -> Span:
    """The registers of an address."""
    return Span(address.unit, address.area, address.offset, address.end)


def plan(
    spans: Iterable[Span],
    limits: Limits,
    refused: Collection[Place] = frozenset(),
    cuts: Collection[Place] = frozenset(),
) -> list[Block]:
    """Join spans into as few requests as the limits allow; each span is in exactly one.

    refused  registers that the device answers with an exception: never inside a gap, and a span
             that holds one is asked for alone
    cuts     places that no block may reach across: what lies before one and what begins at or
             behind it are asked for apart
    """
    blocks: list[Block] = []
    ordered = sorted(set(spans), key=lambda span: span.sort_key)
    for (unit, area), group in groupby(ordered, key=lambda span: (span.unit, span.area)):
        here = sorted(place[2] for place in cuts if place[:2] == (unit, area))
        bad = {place[2] for place in refused if place[:2] == (unit, area)}
        blocks += _plan_area(list(group), limits.block(area), limits.gap(area), bad, here)
    return blocks


def _plan_area(
    spans: list[Span], most: int, gap: int, bad: set[int], cuts: list[int]
) -> Iterable[Block]:
    members: list[Span] = []
    end = 0
    alone = False  # the block so far is one refused span
    for span in spans:
        refused = any(offset in bad for offset in range(span.start, span.end))
        if members and (
            alone
            or refused
            or span.start - end > gap
            or max(end, span.end) - members[0].start > most
            or any(offset in bad for offset in range(end, span.start))
            or bisect_right(cuts, members[0].start) != bisect_right(cuts, span.start)
        ):
            yield Block(tuple(members))
            members = []
        end = max(end, span.end) if members else span.end
        members.append(span)
        alone = refused
    if members:
        yield Block(tuple(members))
