"""What a controller sends, right, wrong and hostile."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_worker.adapters.polled.line import Refused
from pumpjack_worker.adapters.s7.address import Area, S7Address
from pumpjack_worker.adapters.s7.frames import (
    Codec,
    Garbled,
    Packets,
    Refusal,
    agreed_pdu,
    connect_request,
    parts_of,
    pdu_of,
    verdict_of,
)
from pumpjack_worker.adapters.s7.plan import Block, blocks_of
from pumpjack_worker.adapters.s7.values import bytes_of, value_of

REAL = S7Address(Area.BLOCK, 12, 0, None, "float32")
FAR = S7Address(Area.BLOCK, 12, 100, None, "int16")


def answer(number: int, *items: bytes, error: int = 0) -> bytes:
    """The PDU of an answer to a read."""
    data = b"".join(item + b"\0" * (len(item) % 2) for item in items[:-1]) + items[-1]
    parameters = bytes([4, len(items)])
    head = struct.pack(">BBHHHHH", 0x32, 3, 0, number, len(parameters), len(data), error)
    return head + parameters + data


def blocks() -> list[Block]:
    return blocks_of([REAL, FAR], 240)


def item(content: bytes, code: int = 0xFF) -> bytes:
    return struct.pack(">BBH", code, 4, len(content) * 8) + content


def test_a_request_names_its_number_area_and_bytes() -> None:
    number, packet = Codec().read(blocks())
    assert packet[:4] == struct.pack(">BBH", 3, 0, len(packet))
    assert packet[4:7] == bytes([2, 0xF0, 0x80])
    assert struct.unpack(">H", packet[11:13]) == (number,)
    assert packet[17:19] == bytes([4, 2])
    assert packet[19:31] == bytes.fromhex("120a1002 0004 000c 84 000000".replace(" ", ""))


def test_each_item_is_read_by_itself() -> None:
    response = Codec().parsed(answer(7, item(struct.pack(">f", 285.5)), item(b"", code=0x0A)))
    value, gone = parts_of(response, blocks())
    assert value == struct.pack(">f", 285.5)
    assert isinstance(gone, Refused)
    assert "optimised" in gone.why


@pytest.mark.parametrize(
    "data",
    [
        [item(b"\0\0"), item(b"\0\0")],
        [item(b"\0\0\0\0")],
        [item(b"\0\0\0\0"), b"\xff\x04"],
        [item(b"\0\0\0\0"), item(b"\0\0")[:-1]],
    ],
)
def test_an_answer_with_other_bytes_than_were_asked_for_is_not_believed(
    data: list[bytes],
) -> None:
    with pytest.raises(Garbled):
        parts_of(Codec().parsed(answer(7, *data)), blocks())


def test_a_no_to_the_whole_request_is_told_with_its_number() -> None:
    with pytest.raises(Refusal) as refusal:
        Codec().parsed(answer(9, item(b"\0\0"), error=0x8104))
    assert (refusal.value.number, refusal.value.code) == (9, 0x8104)


def test_the_first_message_names_rack_slot_and_kind() -> None:
    packet = connect_request(1, 2, 3)
    assert len(packet) == struct.unpack(">H", packet[2:4])[0] == 22
    assert packet[4] == 17
    assert packet[15:19] == bytes([0xC2, 2, 3, 1 << 5 | 2])


def test_packets_come_in_any_pieces() -> None:
    packet = connect_request(0, 1, 3)
    packets = Packets()
    found = [one for byte in packet + packet for one in packets.feed(bytes([byte]))]
    assert found == [packet[4:], packet[4:]]
    with pytest.raises(Garbled, match="check that this port speaks S7"):
        packets.feed(b"HTTP/1.1 400")


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_answer_or_garbled(content: bytes) -> None:
    """Nothing else is raised: neither the session nor the worker ends by it."""
    try:
        for payload in Packets().feed(content):
            pdu_of(payload)
    except Garbled:
        pass
    for pdu in (content, b"\x32\x03" + content):
        _read_all(pdu)


def _read_all(pdu: bytes) -> None:
    try:
        response = Codec().parsed(pdu)
    except (Garbled, Refusal):
        return
    for read in (
        lambda: parts_of(response, blocks()),
        lambda: verdict_of(response),
        lambda: agreed_pdu(response),
    ):
        with contextlib.suppress(Garbled):
            read()


@pytest.mark.parametrize(
    ("data_type", "value"),
    [("int16", -5), ("uint32", 4e9), ("int64", -(2**50)), ("float32", 0.5), ("float64", 0.1)],
)
def test_a_value_is_the_same_after_its_bytes(data_type: str, value: float) -> None:
    place = S7Address(Area.BLOCK, 1, 0, None, data_type)
    assert value_of(place, bytes_of(place, value)) == value
