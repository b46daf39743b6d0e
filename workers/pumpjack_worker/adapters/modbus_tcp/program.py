"""What one tag table means for a Modbus device: where each tag is and how it is read. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

from pumpjack_core.errors import AddressError
from pumpjack_core.readings import Int32s
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.modbus_tcp.address import parse_address
from pumpjack_worker.adapters.modbus_tcp.decode import DecodePlan, Located, decode_plan
from pumpjack_worker.adapters.modbus_tcp.frames import Request, read_request
from pumpjack_worker.adapters.modbus_tcp.plan import Block, Limits, Span, plan, span_of
from pumpjack_worker.adapters.modbus_tcp.refusals import Refusals

_MOST_PLANS = 256


class Step(Struct, frozen=True):
    """A block with the bytes to ask for it and the way to decode its answer."""

    block: Block
    request: Request
    decode: DecodePlan


class Reading(Struct, frozen=True):
    """What reading some tags of one unit takes: requests, and spans that are refused."""

    steps: tuple[Step, ...]
    refused: tuple[Span, ...]


class Program:
    """A tag table, located.

    tags      the table
    wrong     position in it to the reason, of the tags that cannot be read at all
    work      unit to the intervals [s] of its tags
    """

    def __init__(self, tags: TagTable, default_unit: int, limits: Limits) -> None:
        self.tags = tags
        self.wrong: dict[int, str] = {}
        self._limits = limits
        self._members: dict[Span, list[Located]] = {}
        self._due: dict[int, dict[float, set[Span]]] = {}
        self._interval = [tag.interval_s for tag in tags.tags]
        self._plans: dict[tuple[int, frozenset[float]], Reading] = {}
        self._plans_of = -1
        for index in range(len(tags)):
            self._locate(index, default_unit)
        self.work = {unit: frozenset(spans) for unit, spans in self._due.items()}

    @property
    def spans(self) -> Iterable[Span]:
        """Everything that is read."""
        return self._members

    def reading(self, unit: int, intervals: frozenset[float], refusals: Refusals) -> Reading:
        """The requests for the tags of a unit that have these intervals, round what is refused."""
        if self._plans_of != refusals.version or len(self._plans) > _MOST_PLANS:
            self._plans.clear()
            self._plans_of = refusals.version
        known = self._plans.get((unit, intervals))
        if known is None:
            due = self._due.get(unit, {})
            spans = set().union(*(due.get(interval, set()) for interval in intervals))
            known = self.plan(spans, intervals, refusals)
            self._plans[unit, intervals] = known
        return known

    def plan(
        self, spans: Iterable[Span], intervals: frozenset[float], refusals: Refusals
    ) -> Reading:
        """Requests for these spans; of tags that share a register only those that are due."""
        wanted = set(spans)
        refused = tuple(sorted((s for s in wanted if s in refusals), key=lambda s: s.sort_key))
        blocks = plan(wanted.difference(refused), self._limits, refusals.places, refusals.cuts)
        return Reading(tuple(self.step(block, intervals) for block in blocks), refused)

    def step(self, block: Block, intervals: frozenset[float] | None = None) -> Step:
        """How a block is asked for and decoded; intervals None: all the tags in it."""
        located = self._located(block.spans, intervals)
        request = read_request(block.unit, block.area, block.start, block.count)
        return Step(block, request, decode_plan(block.start, located))

    def probe(self, unit: int) -> Request:
        """A short request to a unit: any answer to it says that the unit is there."""
        spans = set().union(*self._due[unit].values())
        first = min(spans, key=lambda span: (span.end - span.start, span.sort_key))
        return read_request(unit, first.area, first.start, first.end - first.start)

    def indices(self, spans: Iterable[Span], intervals: frozenset[float] | None = None) -> Int32s:
        """Positions of the tags that lie in these spans; intervals None: all of them."""
        return np.array([one.tag_index for one in self._located(spans, intervals)], np.int32)

    def of_unit(self, unit: int) -> Int32s:
        """Positions of all tags of a unit."""
        return self.indices(set().union(*self._due[unit].values()) if unit in self._due else ())

    def spans_of(self, keys: Sequence[tuple[str, ...]]) -> list[Span]:
        """The spans of the tags with these keys, as far as they are in this table."""
        wanted = set(keys)
        return [
            span
            for span, members in self._members.items()
            if any(self.tags.tags[one.tag_index].key in wanted for one in members)
        ]

    def _located(self, spans: Iterable[Span], intervals: frozenset[float] | None) -> list[Located]:
        return [
            one
            for span in spans
            for one in self._members.get(span, ())
            if intervals is None or self._interval[one.tag_index] in intervals
        ]

    def _locate(self, index: int, default_unit: int) -> None:
        tag = self.tags.tags[index]
        try:
            address = parse_address(tag.address, tag.data_type, default_unit)
        except AddressError as error:
            self.wrong[index] = str(error)
            return
        most = self._limits.block(address.area)
        if address.count > most:
            self.wrong[index] = (
                f"{tag.address!r}: {tag.data_type} takes {address.count} registers, but maxBlock "
                f"of the connection is {most}; raise it to {address.count}"
            )
            return
        span = span_of(address)
        located = Located(index, address, tag.scale, tag.offset)
        self._members.setdefault(span, []).append(located)
        self._due.setdefault(span.unit, {}).setdefault(tag.interval_s, set()).add(span)
