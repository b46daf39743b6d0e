"""From bytes to values: golden frames fix every type, order and bit."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.quality import GOOD
from pumpjack_worker.adapters.modbus_tcp.address import ORDERS, REGISTERS_OF, parse_address
from pumpjack_worker.adapters.modbus_tcp.decode import (
    DTYPES,
    NOT_A_NUMBER,
    NOT_EXACT,
    Located,
    decode,
    decode_plan,
)
from pumpjack_worker.adapters.modbus_tcp.writing import arrange

GOLDEN = {
    "int16": ("int16", "ABCD", "ff fe", -2),
    "int16, bytes swapped": ("int16", "BADC", "fe ff", -2),
    "uint16": ("uint16", "ABCD", "ff fe", 65534),
    "uint16, bytes swapped": ("uint16", "BADC", "12 34", 0x3412),
    "int32": ("int32", "ABCD", "f8 a4 32 eb", -123456789),
    "int32, words swapped": ("int32", "CDAB", "32 eb f8 a4", -123456789),
    "int32, bytes swapped": ("int32", "BADC", "a4 f8 eb 32", -123456789),
    "int32, both": ("int32", "DCBA", "eb 32 a4 f8", -123456789),
    "uint32": ("uint32", "ABCD", "ee 6b 28 00", 4000000000),
    "float32": ("float32", "ABCD", "42 f6 e9 79", 123.45600128173828),
    "float32, words swapped": ("float32", "CDAB", "e9 79 42 f6", 123.45600128173828),
    "float32, bytes swapped": ("float32", "BADC", "f6 42 79 e9", 123.45600128173828),
    "float32, both": ("float32", "DCBA", "79 e9 f6 42", 123.45600128173828),
    "int64": ("int64", "ABCD", "ff ff ff fe 00 00 00 01", -8589934591),
    "int64, words swapped": ("int64", "CDAB", "00 01 00 00 ff fe ff ff", -8589934591),
    "int64, bytes swapped": ("int64", "BADC", "ff ff fe ff 00 00 01 00", -8589934591),
    "int64, both": ("int64", "DCBA", "01 00 00 00 fe ff ff ff", -8589934591),
    "uint64": ("uint64", "ABCD", "00 00 00 01 00 00 00 02", 4294967298),
    "float64": ("float64", "ABCD", "40 5e dd 2f 1a 9f be 77", 123.456),
    "float64, words swapped": ("float64", "CDAB", "be 77 1a 9f dd 2f 40 5e", 123.456),
    "float64, bytes swapped": ("float64", "BADC", "5e 40 2f dd 9f 1a 77 be", 123.456),
    "float64, both": ("float64", "DCBA", "77 be 9f 1a 2f dd 5e 40", 123.456),
}


def one(
    data_type: str, payload: bytes, text: str = "holding:@0", **scaling: float
) -> tuple[float, int]:
    address = parse_address(text, data_type, 1)
    value, code = decode(decode_plan(0, [Located(0, address, **scaling)]), payload)
    return float(value[0]), int(code[0])


@pytest.mark.parametrize(("data_type", "order", "frame", "value"), GOLDEN.values(), ids=GOLDEN)
def test_golden_frame(data_type: str, order: str, frame: str, value: float) -> None:
    read, code = one(data_type, bytes.fromhex(frame), f"holding:@0;order={order}")
    assert read == pytest.approx(value, rel=1e-9)
    assert code == GOOD


BITS = {
    "bit 0 is the least significant": ("holding:@0.0", "00 01"),
    "bit 7": ("holding:@0.7", "00 80"),
    "bit 8": ("holding:@0.8", "01 00"),
    "bit 15 is the most significant": ("holding:@0.15", "80 00"),
    "bit 0 of a register whose bytes are swapped": ("holding:@0.0;order=BADC", "01 00"),
    "bit 15 of a register whose bytes are swapped": ("holding:@0.15;order=BADC", "00 80"),
    "bit 4 of the second register": ("holding:@1.4", "00 00 00 10"),
    "the first coil is the lowest bit of the first byte": ("coil:@0", "01 00"),
    "the ninth coil is the lowest bit of the second byte": ("coil:@8", "00 01"),
    "the eighth input is the highest bit of the first byte": ("discrete:@7", "80 00"),
}


@pytest.mark.parametrize(("text", "frame"), BITS.values(), ids=BITS)
def test_golden_bit(text: str, frame: str) -> None:
    payload = bytes.fromhex(frame)
    assert one("bool", payload, text) == (1.0, GOOD)
    assert one("bool", bytes(0xFF ^ byte for byte in payload), text) == (0.0, GOOD)


def test_scale_and_offset_make_engineering_values() -> None:
    assert one("int16", b"\x00\x64", scale=0.5, offset=-10.0) == (40.0, GOOD)
    assert one("uint16", b"\xff\xff", scale=20 / 65535) == (pytest.approx(20.0), GOOD)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_bad_and_empty(value: float) -> None:
    for data_type, form in (("float32", ">f"), ("float64", ">d")):
        read, code = one(data_type, struct.pack(form, value))
        assert math.isnan(read)
        assert code == NOT_A_NUMBER


def test_what_scaling_makes_infinite_is_no_number() -> None:
    read, code = one("float64", struct.pack(">d", 1e300), scale=1e300)
    assert math.isnan(read)
    assert code == NOT_A_NUMBER


@pytest.mark.parametrize(
    ("form", "data_type", "raw", "code"),
    [
        (">q", "int64", 2**53, GOOD),
        (">q", "int64", 2**53 + 1, NOT_EXACT),
        (">q", "int64", -(2**53), GOOD),
        (">q", "int64", -(2**53) - 1, NOT_EXACT),
        (">q", "int64", -(2**63), NOT_EXACT),
        (">Q", "uint64", 2**53, GOOD),
        (">Q", "uint64", 2**64 - 1, NOT_EXACT),
    ],
)
def test_integers_that_a_float_cannot_hold_are_uncertain(
    form: str, data_type: str, raw: int, code: int
) -> None:
    assert one(data_type, struct.pack(form, raw)) == (float(raw), code)


@given(
    values=st.lists(
        st.tuples(
            st.sampled_from(list(REGISTERS_OF)),
            st.sampled_from(ORDERS),
            st.binary(min_size=8, max_size=8),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_a_block_of_anything_decodes_like_each_value_alone(
    values: list[tuple[str, str, bytes]],
) -> None:
    payload, located, expected = b"", [], []
    for index, (data_type, order, content) in enumerate(values):
        count = REGISTERS_OF[data_type]
        usable = order if count > 1 else {"CDAB": "ABCD", "DCBA": "BADC"}.get(order, order)
        text = f"input:@{100 + len(payload) // 2};order={usable}"
        located.append(Located(index, parse_address(text, data_type, 1)))
        big_endian = content[: 2 * count]
        expected.append(float(np.frombuffer(big_endian, DTYPES[data_type])[0]))
        payload += arrange(big_endian, usable)
    plan = decode_plan(100, located)
    value, code = decode(plan, payload)
    assert sorted(plan.tag_index.tolist()) == list(range(len(values)))
    for index, read, quality in zip(plan.tag_index, value, code, strict=True):
        if math.isfinite(expected[index]):
            assert read == expected[index]
        else:
            assert math.isnan(read)
            assert quality == NOT_A_NUMBER
