"""Which registers are asked for together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.plan import Block, Limits, Place, Span, plan

LIMITS = Limits(max_block=125, max_gap=8)


def span(start: int, count: int = 1, unit: int = 1, area: Area = Area.HOLDING) -> Span:
    return Span(unit, area, start, start + count)


def shapes(blocks: list[Block]) -> list[tuple[int, int]]:
    return [(block.start, block.count) for block in blocks]


def test_neighbours_are_read_together() -> None:
    assert shapes(plan([span(2, 2), span(0, 2), span(4)], LIMITS)) == [(0, 5)]


def test_a_small_gap_is_read_along_and_a_large_one_is_not() -> None:
    assert shapes(plan([span(0), span(9)], LIMITS)) == [(0, 10)]
    assert shapes(plan([span(0), span(10)], LIMITS)) == [(0, 1), (10, 1)]


def test_a_block_ends_at_its_longest() -> None:
    assert shapes(plan([span(at, 2) for at in range(0, 130, 2)], LIMITS)) == [(0, 124), (124, 6)]


def test_coils_are_counted_in_sixteenths_and_never_more_than_2000() -> None:
    coils = [span(at, area=Area.COIL) for at in range(2001)]
    assert shapes(plan(coils, LIMITS)) == [(0, 2000), (2000, 1)]
    assert shapes(plan(coils, Limits(max_block=10, max_gap=0)))[0] == (0, 160)


def test_units_and_areas_are_asked_apart() -> None:
    spans = [span(0), span(1, area=Area.INPUT), span(1, unit=2)]
    assert len(plan(spans, LIMITS)) == 3


def test_a_refused_register_in_a_gap_parts_two_blocks() -> None:
    refused = {(1, Area.HOLDING, 2)}
    assert shapes(plan([span(0), span(4)], LIMITS, refused)) == [(0, 1), (4, 1)]


def test_what_overlaps_a_refused_register_is_asked_alone() -> None:
    refused = {(1, Area.HOLDING, 1)}
    spans = [span(0), span(1), span(0, 2), span(2)]
    assert shapes(plan(spans, LIMITS, refused)) == [(0, 1), (0, 2), (1, 1), (2, 1)]


def test_a_span_within_another_does_not_shorten_the_block() -> None:
    assert shapes(plan([span(0, 4), span(1), span(4)], Limits(125, 0))) == [(0, 5)]


def test_no_block_reaches_across_a_cut() -> None:
    cuts = {(1, Area.HOLDING, 4)}
    spans = [span(at) for at in range(8)]
    assert shapes(plan(spans, LIMITS, cuts=cuts)) == [(0, 4), (4, 4)]


def places(limit: int) -> st.SearchStrategy[set[Place]]:
    return st.sets(
        st.tuples(st.integers(1, 2), st.sampled_from(list(Area)), st.integers(0, limit)),
        max_size=20,
    )


@st.composite
def spans_of_some_device(draw: st.DrawFn) -> Span:
    area = draw(st.sampled_from(list(Area)))
    count = 1 if area.holds_bits else draw(st.sampled_from([1, 2, 4]))
    return span(draw(st.integers(0, 300)), count, draw(st.integers(1, 2)), area)


@given(
    spans=st.lists(spans_of_some_device(), max_size=80),
    limits=st.builds(Limits, max_block=st.integers(4, 125), max_gap=st.integers(0, 20)),
    refused=places(310),
    cuts=places(310),
)
def test_every_plan_keeps_its_promises(
    spans: list[Span], limits: Limits, refused: set[Place], cuts: set[Place]
) -> None:
    blocks = plan(spans, limits, refused, cuts)
    planned = [one for block in blocks for one in block.spans]
    assert sorted(planned, key=lambda s: s.sort_key) == sorted(
        set(spans), key=lambda s: s.sort_key
    ), "every span is in exactly one block"
    for block in blocks:
        end = block.start + block.count
        assert all(one.unit == block.unit and one.area == block.area for one in block.spans)
        assert all(block.start <= one.start and one.end <= end for one in block.spans)
        assert block.count <= limits.block(block.area) <= block.area.most_per_request
        covered = {place for one in block.spans for place in one.places}
        asked = {(block.unit, block.area, offset) for offset in range(block.start, end)}
        assert not (asked - covered) & refused, "no refused register in a gap"
        if covered & refused:
            assert len(block.spans) == 1
        starts = [one.start for one in block.spans]
        assert not any(
            cut[:2] == (block.unit, block.area) and starts[0] < cut[2] <= starts[-1] for cut in cuts
        )
        run = 0
        for offset in range(block.start, end):
            run = 0 if (block.unit, block.area, offset) in covered else run + 1
            assert run <= limits.gap(block.area)
