"""From a value in a tag's unit to what the device is given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.errors import WriteRefused
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.setting import is_held, setting_of, whole_range

ANY = Write(low=-1e308, high=1e308)


def tag(data_type: str = "float64", write: Write | None = ANY, **more: Any) -> Tag:
    return Tag("w1", "speed", "holding:@0", data_type, 1.0, unit="Hz", write=write, **more)


GIVEN = {
    "a float as it is": (tag(), 12.5, 12.5, 12.5),
    "scaled": (tag("int16", scale=0.1), 45.0, 450, 45.0),
    "with an offset": (tag("uint16", scale=0.5, offset=-40.0), 60.0, 200, 60.0),
    "turned round": (tag("int16", scale=-1.0), 7.0, -7, 7.0),
    "rounded to what the device can say": (tag("int16", scale=0.1), 45.04, 450, 45.0),
    "a switch": (tag("bool", Write(states=(0, 1))), 1.0, True, 1.0),
    "a switch turned round": (tag("bool", Write(states=(0, 1)), scale=-1.0, offset=1.0), 1.0, 0, 1),
    "a float32": (tag("float32"), 0.1, 0.10000000149011612, 0.10000000149011612),
}


@pytest.mark.parametrize(("tag", "value", "raw", "shown"), GIVEN.values(), ids=GIVEN)
def test_scale_and_offset_are_undone(tag: Tag, value: float, raw: Any, shown: float) -> None:
    setting = setting_of(tag, value)
    assert setting.raw == raw
    assert setting.value == pytest.approx(shown)


REFUSED = {
    "more than the data type holds": (tag("uint16"), 65_536.0, "no uint16 .0 to 65535."),
    "less than the data type holds": (tag("uint16"), -1.0, "no uint16"),
    "more than a float32 holds": (tag("float32"), 1e39, "no float32"),
    "no number": (tag(), float("nan"), "no value"),
    "no end": (tag(), float("inf"), "no value"),
    "half a switch": (tag("bool"), 0.5, "0 or 1"),
    "below the limit": (tag(write=Write(low=5.0, high=60.0)), 4.9, "outside the limits .*5 to 60"),
    "above the limit": (tag(write=Write(low=5.0, high=60.0)), 60.1, "outside the limits"),
    "above it once rounded": (
        tag("int16", Write(low=0.0, high=5.6)),
        5.55,
        "6 is outside the limits",
    ),
    "none of the states": (tag("int16", Write(states=(0, 2))), 1.0, "none of the values .*0, 2"),
    "read only": (tag(write=None), 1.0, "read only"),
}


@pytest.mark.parametrize(("tag", "value", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_or_must_not_be_is_refused_with_a_sentence(
    tag: Tag, value: float, why: str
) -> None:
    with pytest.raises(WriteRefused, match=why):
        setting_of(tag, value)


@given(
    st.sampled_from(["int16", "uint16", "int32", "uint32", "float32", "float64"]),
    st.floats(0.001, 1000.0),
    st.floats(-1000.0, 1000.0),
    st.floats(0.0, 1.0),
)
def test_what_a_setting_says_is_what_a_reader_makes_of_it(
    data_type: str, scale: float, offset: float, share: float
) -> None:
    low, high = (-1e6, 1e6) if data_type.startswith("float") else whole_range(data_type)
    one = tag(data_type, scale=scale, offset=offset)
    wanted = (low + share * (high - low)) * scale + offset
    setting = setting_of(one, wanted)
    assert setting.value == float(setting.raw) * scale + offset
    step = 0.0 if data_type.startswith("float") else scale / 2
    assert abs(setting.value - wanted) <= step + 1e-6 * max(1.0, abs(wanted))
    assert is_held(one, setting.value, setting.value)


def test_a_value_is_held_within_the_tolerance_that_was_declared() -> None:
    loose = tag(write=Write(low=0.0, high=60.0, tolerance=0.5))
    assert is_held(loose, 45.0, 45.5)
    assert not is_held(loose, 45.0, 45.6)
    assert is_held(tag(), 45.0, 45.00004)
    assert not is_held(tag(), 45.0, 45.0001)
    assert not is_held(tag("int16"), 45.0, 46.0)
