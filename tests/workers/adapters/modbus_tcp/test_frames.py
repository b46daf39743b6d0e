"""Bytes on the wire, cut anyhow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.frames import (
    MALFORMED,
    Answer,
    AnswerReader,
    Garbled,
    payload_of,
    read_request,
)

REQUESTS = {
    "holding registers": (Area.HOLDING, 0x006B, 3, "00 01 00 00 00 06 11 03 00 6b 00 03"),
    "input registers": (Area.INPUT, 8, 1, "00 01 00 00 00 06 11 04 00 08 00 01"),
    "coils": (Area.COIL, 19, 19, "00 01 00 00 00 06 11 01 00 13 00 13"),
    "discrete inputs": (Area.DISCRETE, 196, 22, "00 01 00 00 00 06 11 02 00 c4 00 16"),
}
"""The requests of the specification's examples (V1.1b3, 6.1 to 6.4), to unit 17."""


@pytest.mark.parametrize(("area", "start", "count", "frame"), REQUESTS.values(), ids=REQUESTS)
def test_golden_request(area: Area, start: int, count: int, frame: str) -> None:
    assert read_request(17, area, start, count).frame(1) == bytes.fromhex(frame)


def frame(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return (
        transaction.to_bytes(2, "big")
        + b"\0\0"
        + (len(pdu) + 1).to_bytes(2, "big")
        + bytes([unit])
        + pdu
    )


@given(
    pdus=st.lists(st.binary(min_size=2, max_size=253), min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=20),
)
def test_answers_are_whole_however_they_were_cut(pdus: list[bytes], sizes: list[int]) -> None:
    wire = b"".join(frame(number, pdu) for number, pdu in enumerate(pdus, 1))
    reader, answers, at = AnswerReader(), [], 0
    for size in [*sizes, len(wire)]:
        answers += reader.feed(wire[at : at + size])
        at += size
    assert answers == [Answer(number, 1, pdu) for number, pdu in enumerate(pdus, 1)]


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 200 OK\r\n", b"\0\1\0\0\0\0\1", b"\0\1\0\0\1\0\1", b"\0\1\0\1\0\6\1", b"\xff" * 7],
    ids=["HTTP", "length 0", "length 256", "another protocol id", "noise"],
)
def test_what_begins_no_frame_is_garbled(garbage: bytes) -> None:
    with pytest.raises(Garbled, match="begins no Modbus frame"):
        AnswerReader().feed(garbage)


REQUEST = read_request(1, Area.HOLDING, 0, 2)
ANSWERS = {
    "what was asked for": (b"\3\4\0\1\0\2", b"\0\1\0\2"),
    "an exception": (b"\x83\2", 2),
    "fewer registers": (b"\3\2\0\1", MALFORMED),
    "more registers": (b"\3\6\0\1\0\2\0\3", MALFORMED),
    "a byte count that is not so": (b"\3\2\0\1\0\2", MALFORMED),
    "another function": (b"\4\4\0\1\0\2", MALFORMED),
    "an exception without its code": (b"\x83", MALFORMED),
    "an exception of another function": (b"\x84\2", MALFORMED),
}


@pytest.mark.parametrize(("pdu", "payload"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_taken_only_if_it_holds_what_was_asked(
    pdu: bytes, payload: bytes | int
) -> None:
    assert payload_of(REQUEST, pdu) == payload
