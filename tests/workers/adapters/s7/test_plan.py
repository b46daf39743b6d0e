"""Which bytes are asked for together: every place once, and nothing longer than was agreed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pumpjack_worker.adapters.s7.address import SIZE_OF, Area, S7Address
from pumpjack_worker.adapters.s7.plan import MOST_BLOCKS, blocks_of, requests_of

places = st.builds(
    S7Address,
    st.sampled_from(Area),
    st.integers(1, 3),
    st.integers(0, 400),
    st.none(),
    st.sampled_from([name for name in SIZE_OF if name != "bool"]),
)


def word(start: int, block: int = 1) -> S7Address:
    return S7Address(Area.BLOCK, block, start, None, "int16")


def test_neighbours_are_one_piece_and_what_is_far_is_another() -> None:
    found = blocks_of([word(40), word(0), word(2), word(0, block=2)], 240)
    assert [(one.number, one.start, one.end) for one in found] == [
        (1, 0, 4),
        (1, 40, 42),
        (2, 0, 2),
    ]


def test_what_is_to_be_apart_is_asked_for_alone() -> None:
    found = blocks_of([word(0), word(2), word(4)], 240, apart={word(2)})
    assert [one.places for one in found] == [(word(2),), (word(0), word(4))]


@given(
    st.lists(places, max_size=120, unique=True),
    st.integers(64, 960),
    st.sets(st.integers(0, 119), max_size=10),
)
def test_every_place_is_in_one_piece_and_each_request_and_answer_fits(
    wanted: list[S7Address], pdu: int, alone: set[int]
) -> None:
    apart = {wanted[at] for at in alone if at < len(wanted)}
    requests = list(requests_of(blocks_of(wanted, pdu, apart), pdu))
    found = [place for request in requests for block in request for place in block.places]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)
    for request in requests:
        assert 0 < len(request) <= MOST_BLOCKS
        assert 12 + 12 * len(request) <= pdu or len(request) == 1
        assert 14 + sum(4 + one.size + one.size % 2 for one in request) <= pdu + 1
        for block in request:
            assert all(
                block.start <= place.start < place.end <= block.end for place in block.places
            )
