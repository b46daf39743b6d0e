"""What a device refuses: found with few requests, remembered, and tried again."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.plan import Block, Span
from pumpjack_worker.adapters.modbus_tcp.refusals import (
    REQUESTS_PER_SEARCH,
    RETRIES_AT_ONCE,
    Found,
    Refusals,
    isolate,
)


def span(start: int, unit: int = 1) -> Span:
    return Span(unit, Area.HOLDING, start, start + 1)


SPANS = [span(at) for at in range(64)]


class Device:
    """Refuses each request that holds a bad register."""

    def __init__(self, bad: Collection[int]) -> None:
        self.bad = bad
        self.requests = 0

    async def ask(self, block: Block) -> bytes | int:
        self.requests += 1
        asked = range(block.start, block.start + block.count)
        return 2 if any(offset in asked for offset in self.bad) else bytes(2 * block.count)


@given(bad=st.sets(st.integers(0, 63), min_size=1))
async def test_every_span_is_read_refused_or_left_for_the_next_time(bad: set[int]) -> None:
    device = Device(bad)
    found = await isolate(device.ask, Block(tuple(SPANS)), 2)
    read = [one for block, _ in found.answers for one in block.spans]
    refused = [one for one, _ in found.refused]
    assert sorted(one.start for one in [*read, *refused, *found.unknown]) == list(range(64))
    assert {one.start for one in refused} <= bad
    assert not {one.start for one in read} & bad
    assert device.requests <= REQUESTS_PER_SEARCH
    assert not found.cuts


async def test_one_bad_register_of_64_takes_a_dozen_requests() -> None:
    device = Device({17})
    found = await isolate(device.ask, Block(tuple(SPANS)), 2)
    assert [one.start for one, _ in found.refused] == [17]
    assert not found.unknown
    assert device.requests <= 12


async def test_a_bad_register_between_two_spans_is_cut_out() -> None:
    spans = [span(at) for at in range(64) if at != 20]
    found = await isolate(Device({20}).ask, Block(tuple(spans)), 2)
    assert found.cuts == [(1, Area.HOLDING, 21)]
    assert not found.refused


def test_a_cut_is_believed_at_the_second_time() -> None:
    refusals = Refusals()
    found = Found([], [], [], [(1, Area.HOLDING, 5)])
    refusals.learn(found, 0.0)
    assert not refusals.cuts
    refusals.learn(found, 1.0)
    assert refusals.cuts == {(1, Area.HOLDING, 5)}


def test_a_few_of_many_refused_spans_are_tried_at_once() -> None:
    refusals = Refusals()
    refusals.learn(Found([], [(one, 2) for one in SPANS], [], []), 0.0)
    assert refusals.due(SPANS, 1.0) == []
    assert len(refusals.due(SPANS, 100.0)) == RETRIES_AT_ONCE


def test_when_one_heals_the_others_of_its_unit_are_tried_soon() -> None:
    refusals = Refusals()
    other_unit = span(1, unit=2)
    for one in (span(1), span(2), other_unit):
        refusals.refuse(one, 2, 0.0)
    refusals.cuts = {(1, Area.HOLDING, 9), (2, Area.HOLDING, 9)}
    refusals.accept(span(1), 1.0)
    assert span(1) not in refusals
    assert refusals.due([span(2), other_unit], 1.0) == [span(2)]
    assert refusals.cuts == {(2, Area.HOLDING, 9)}


def test_refused_spans_are_tried_ever_more_rarely_but_every_minute() -> None:
    refusals, now, tries = Refusals(), 0.0, 0
    refusals.refuse(span(1), 2, now)
    while now < 3600:
        now += 1.0
        if refusals.due([span(1)], now):
            tries += 1
            refusals.refuse(span(1), 2, now)
    assert 58 <= tries <= 125
