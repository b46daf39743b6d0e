"""Which bytes are asked for together. Pure: places in, requests out.

A request may name up to 20 blocks of bytes, and it and its answer must fit into the PDU that was
agreed with the controller. Reading a few bytes that nobody wants is cheaper than another block, so
places are joined across small gaps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from pumpjack_worker.adapters.s7.address import Area, S7Address

MOST_BLOCKS = 20
GAP_BYTES = 16
_REQUEST_HEAD, _REQUEST_BLOCK = 12, 12
_ANSWER_HEAD, _ANSWER_BLOCK = 14, 4


class Block(Struct, frozen=True):
    """Bytes of one area that are read in one piece, and the places in them."""

    area: Area
    number: int
    start: int
    end: int
    places: tuple[S7Address, ...]

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start


def blocks_of(
    places: Iterable[S7Address], pdu: int, apart: Collection[S7Address] = frozenset()
) -> list[Block]:
    """Join places into as few blocks as fit into a PDU of so many bytes; apart: each alone."""
    most = pdu - _ANSWER_HEAD - _ANSWER_BLOCK
    found = [_block([place]) for place in places if place in apart]
    together = sorted(
        (place for place in places if place not in apart),
        key=lambda place: (place.area.value, place.block, place.start, place.end),
    )
    for _, group in groupby(together, key=lambda place: (place.area, place.block)):
        found += _joined(group, most)
    return found


def _joined(places: Iterable[S7Address], most: int) -> Iterator[Block]:
    members: list[S7Address] = []
    end = 0
    for place in places:
        too_far = place.start - end > GAP_BYTES
        if members and (too_far or max(end, place.end) - members[0].start > most):
            yield _block(members)
            members, end = [], 0
        members.append(place)
        end = max(end, place.end)
    if members:
        yield _block(members)


def _block(places: Sequence[S7Address]) -> Block:
    first = places[0]
    end = max(place.end for place in places)
    return Block(first.area, first.block, first.start, end, tuple(places))


def requests_of(blocks: Iterable[Block], pdu: int) -> Iterator[list[Block]]:
    """Blocks in as few requests as fit."""
    request: list[Block] = []
    asked, answered = _REQUEST_HEAD, _ANSWER_HEAD
    for block in blocks:
        answer = _ANSWER_BLOCK + block.size + block.size % 2
        full = len(request) == MOST_BLOCKS or asked + _REQUEST_BLOCK > pdu
        if request and (full or answered + answer > pdu):
            yield request
            request, asked, answered = [], _REQUEST_HEAD, _ANSWER_HEAD
        request.append(block)
        asked += _REQUEST_BLOCK
        answered += answer
    if request:
        yield request
