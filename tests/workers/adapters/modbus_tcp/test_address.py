"""How an address in a manifest is read, and what a wrong one is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.errors import AddressError
from pumpjack_worker.adapters.modbus_tcp.address import ORDERS, REGISTERS_OF, Area, parse_address

READ = {
    "the first holding register is 40001": ("holding:40001", "int16", Area.HOLDING, 0, 1),
    "six digits reach the last one": ("holding:465536", "uint16", Area.HOLDING, 65_535, 1),
    "six digits name the first one too": ("holding:400001", "int16", Area.HOLDING, 0, 1),
    "the last of five digits": ("holding:49999", "int16", Area.HOLDING, 9_998, 1),
    "a float takes two registers": ("holding:40011", "float32", Area.HOLDING, 10, 2),
    "a double takes four": ("input:30001", "float64", Area.INPUT, 0, 4),
    "an input register of six digits": ("input:300101", "int32", Area.INPUT, 100, 2),
    "a discrete input": ("discrete:10017", "bool", Area.DISCRETE, 16, 1),
    "a coil by its number": ("coil:7", "bool", Area.COIL, 6, 1),
    "a coil with leading zeros": ("coil:00007", "bool", Area.COIL, 6, 1),
    "a coil of six digits": ("coil:065536", "bool", Area.COIL, 65_535, 1),
    "an address on the wire counts from 0": ("holding:@0", "int16", Area.HOLDING, 0, 1),
    "an address on the wire in hexadecimal": ("input:@0x1F", "int16", Area.INPUT, 31, 1),
    "the last address on the wire": ("holding:@0xffff", "int16", Area.HOLDING, 65_535, 1),
    "a double that just fits": ("holding:@65532", "int64", Area.HOLDING, 65_532, 4),
}


@pytest.mark.parametrize(("text", "data_type", "area", "offset", "count"), READ.values(), ids=READ)
def test_an_address_is_read(text: str, data_type: str, area: Area, offset: int, count: int) -> None:
    address = parse_address(text, data_type, 1)
    assert (address.area, address.offset, address.count) == (area, offset, count)
    assert (address.unit, address.bit, address.order) == (1, None, "ABCD")


def test_a_bit_a_unit_and_an_order_are_read() -> None:
    assert parse_address("holding:40001.15", "bool", 3).bit == 15
    assert parse_address("holding:40001;unit=7;order=CDAB", "float32", 3).unit == 7
    assert parse_address("holding:40001;order=DCBA;unit=0", "float64", 3).order == "DCBA"
    assert parse_address("holding:40001;order=BADC", "int16", 3).order == "BADC"
    assert parse_address("holding:40001.3;unit=255", "bool", 3).unit == 255


WRONG = {
    "nothing": ("", "int16", "is no Modbus address"),
    "no area": ("40001", "int16", "is no Modbus address; write for example holding:40001"),
    "an area that is none": ("holdings:40001", "int16", "one of coil, discrete, holding, input"),
    "a number of another area": ("holding:30001", "int16", "write input:30001"),
    "a number counted from 1": ("holding:7", "int16", "number 7 of it is written 40007"),
    "number 0 of an area": ("holding:40000", "int16", "numbered 40001 to 49999"),
    "a coil past its four digits": ("coil:10000", "bool", "six digits 000001 to 065536"),
    "six digits past the end": ("holding:465537", "int16", "400001 to 465536"),
    "a wire address past the end": ("holding:@65536", "int16", "past the last address, @65535"),
    "a wire address that is none": ("holding:@x1", "int16", "holding:@0x10"),
    "a number that is none": ("holding:4x", "int16", "is no number"),
    "digits of another script": ("holding:٤٠٠٠١", "int16", "is no number"),
    "a float past the end": ("holding:465536", "float32", "begin at most at @65534"),
    "a bool in a register without its bit": ("holding:40001", "bool", "holding:40001.0"),
    "a bit of a number": ("holding:40001.3", "int16", "set dataType: bool"),
    "bit 16": ("holding:40001.16", "bool", "it is 0 to 15"),
    "an empty bit": ("holding:40001.", "bool", "it is 0 to 15"),
    "a bit of a coil": ("coil:1.0", "bool", "leave out .0"),
    "a number in a coil": ("coil:1", "float32", "holds single bits, not float32"),
    "text": ("holding:40001", "text", "text cannot be stored yet"),
    "a data type that is none": ("holding:40001", "real", "it is no data type"),
    "a unit past 255": ("holding:40001;unit=256", "int16", "it is 0 to 255"),
    "a unit that is no number": ("holding:40001;unit=a", "int16", "it is 0 to 255"),
    "an order that is none": ("holding:40001;order=abcd", "int32", "one of ABCD, CDAB, BADC, DCBA"),
    "a word order for one word": ("holding:40001;order=CDAB", "int16", "order=BADC"),
    "an order for a coil": ("coil:1;order=BADC", "bool", "leave out ;order=BADC"),
    "an option that is none": ("holding:40001;slave=1", "int16", "the options are ;unit=7"),
    "an option twice": ("holding:40001;unit=1;unit=2", "int16", "is there twice"),
    "an option without its value": ("holding:40001;", "int16", "is no option"),
}


@pytest.mark.parametrize(("text", "data_type", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_address_is_told_what_would_be_right(
    text: str, data_type: str, sentence: str
) -> None:
    with pytest.raises(AddressError) as error:
        parse_address(text, data_type, 1)
    assert sentence in str(error.value)
    assert repr(text) in str(error.value)


@given(text=st.text(max_size=40), data_type=st.sampled_from(["bool", "int16", "float64", "text"]))
def test_no_text_does_anything_but_parse_or_explain(text: str, data_type: str) -> None:
    try:
        parse_address(text, data_type, 1)
    except AddressError as error:
        assert str(error)


@given(
    area=st.sampled_from(list(Area)),
    offset=st.integers(0, 65_535),
    data_type=st.sampled_from(["bool", *REGISTERS_OF]),
    order=st.sampled_from(ORDERS),
    unit=st.integers(0, 255),
)
def test_every_way_to_write_an_address_means_the_same(
    area: Area, offset: int, data_type: str, order: str, unit: int
) -> None:
    if area.holds_bits != (data_type == "bool") or offset + REGISTERS_OF.get(data_type, 1) > 65_536:
        return
    tail = f";unit={unit}"
    if REGISTERS_OF.get(data_type, 1) > 1:
        tail += f";order={order}"
    six = f"{area.digit * 100_000 + offset + 1:06}"
    ways = [f"{area.label}:{number}{tail}" for number in (f"@{offset}", f"@{offset:#x}", six)]
    assert len({parse_address(way, data_type, 1) for way in ways}) == 1
    assert parse_address(ways[0], data_type, 1).offset == offset
