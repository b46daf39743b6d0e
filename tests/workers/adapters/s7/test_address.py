"""Addresses as STEP 7 writes them."""

from __future__ import annotations

import pytest

from pumpjack_core.errors import AddressError, WriteRefused
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.s7.address import Area, S7Address, parse_address
from pumpjack_worker.adapters.s7.writing import place_of

RIGHT = {
    ("DB12.DBD4", "float32"): S7Address(Area.BLOCK, 12, 4, None, "float32"),
    ("db1.dbw0", "uint16"): S7Address(Area.BLOCK, 1, 0, None, "uint16"),
    ("DB65535.DBL8", "float64"): S7Address(Area.BLOCK, 65535, 8, None, "float64"),
    ("DB1.DBX4.7", "bool"): S7Address(Area.BLOCK, 1, 4, 7, "bool"),
    ("MW10", "int16"): S7Address(Area.MEMORY, 0, 10, None, "int16"),
    ("M10.3", "bool"): S7Address(Area.MEMORY, 0, 10, 3, "bool"),
    ("ED4", "int32"): S7Address(Area.INPUT, 0, 4, None, "int32"),
    ("IW64", "uint16"): S7Address(Area.INPUT, 0, 64, None, "uint16"),
    ("A1.7", "bool"): S7Address(Area.OUTPUT, 0, 1, 7, "bool"),
    (" QL0 ", "uint64"): S7Address(Area.OUTPUT, 0, 0, None, "uint64"),
}
WRONG = {
    ("DB12.DBW4", "float32"): "DB12.DBW4 is 2 bytes, and float32 takes 4 (letter D)",
    ("DB12.DBD4", "bool"): "DB12.DBD4 is 4 bytes, and a bool is a bit: DB12.DBX4.3",
    ("DB12.DBX4.3", "int16"): "is one bit, and int16 takes 2 bytes (letter W)",
    ("DB12.DBX4.8", "bool"): "a bit is byte and bit 0 to 7",
    ("DB12.DBX4", "bool"): "a bit is byte and bit 0 to 7",
    ("M10", "bool"): "a bit is byte and bit 0 to 7",
    ("DB12.DBD4.1", "float32"): "only X has a bit",
    ("DB12.DBB4", "uint16"): "a single byte holds no data type",
    ("MB4", "uint16"): "a single byte holds no data type",
    ("DB0.DBD4", "float32"): "data blocks are numbered 1 to 65535",
    ("DB70000.DBD4", "float32"): "data blocks are numbered 1 to 65535",
    ("MD65534", "float32"): "reaches beyond byte 65535",
    ("holding:40001", "uint16"): "is no S7 address; write DB12.DBD4, DB12.DBX4.3, MW10 or QD8",
    ("", "uint16"): "is no S7 address",
    ("T5", "uint16"): "is no S7 address",
    ("DB12.DBD4", "text"): "dataType text cannot be read",
}


@pytest.mark.parametrize(("written", "means"), RIGHT.items(), ids=str)
def test_an_address_is_read(written: tuple[str, str], means: S7Address) -> None:
    assert parse_address(*written) == means


@pytest.mark.parametrize(("written", "says"), WRONG.items(), ids=str)
def test_what_is_wrong_is_told_with_what_would_be_right(
    written: tuple[str, str], says: str
) -> None:
    with pytest.raises(AddressError) as error:
        parse_address(*written)
    assert says in str(error.value)


def test_a_command_goes_where_the_manifest_says_and_to_no_input() -> None:
    tag = Tag("w", "speed", "DB1.DBW0", "int16", 1.0, write=Write(low=0, high=9))
    assert place_of(tag).start == 0
    elsewhere = Tag("w", "s", "DB1.DBW0", "int16", 1.0, write=Write(0, 9, address="DB1.DBW8"))
    assert place_of(elsewhere).start == 8
    with pytest.raises(WriteRefused, match="is an input"):
        place_of(Tag("w", "speed", "IW0", "int16", 1.0, write=Write(low=0, high=9)))
