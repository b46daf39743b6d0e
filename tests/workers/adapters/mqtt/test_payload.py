"""What payloads become."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.quality import BAD_DEVICE, GOOD
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.mqtt.flood import BURST, PER_S, Flood
from pumpjack_worker.adapters.mqtt.payload import (
    NOT_A_NUMBER,
    NOT_EXACT,
    OF_UNKNOWN_AGE,
    OUT_OF_RANGE,
    Columns,
)
from pumpjack_worker.adapters.mqtt.routes import Routes
from pumpjack_worker.adapters.mqtt.times import time_reader
from tests.workers.adapters.mqtt.broker import tag

NOW = 1_767_225_600_000_000
PLAIN = tag("t")
AT = tag("t;path=$.p")


class Reading:
    """Columns for tags of the topic t."""

    def __init__(self, *tags: Tag, time_path: str | None = None) -> None:
        self.flood = Flood("broker:1883")
        self.routes = Routes(TagTable(tags), time_path)
        self.columns = Columns(self.routes, time_reader("auto", "UTC"), self.flood)

    def read(self, payload: bytes, *, aged: bool = False) -> Batch:
        self.columns.read(self.routes.routes[b"t"], payload, NOW, aged=aged)
        return self.columns.take(NOW)

    def kept_out(self) -> tuple[Quarantined, ...]:
        return self.flood.take()[0]


def one(batch: Batch) -> tuple[float, int]:
    assert len(batch) == 1
    return float(batch.value[0]), int(batch.quality[0])


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"12.5", 12.5),
        (b"  12 \r\n", 12.0),
        (b"-1e3", -1000.0),
        (b"+5", 5.0),
        (b".5", 0.5),
        (b"12.", 12.0),
        (b"007", 7.0),
        (b"true", 1.0),
        (b"false", 0.0),
        (b"\xef\xbb\xbf12.5", 12.5),
    ],
)
def test_a_bare_number_is_a_reading(payload: bytes, value: float) -> None:
    assert one(Reading(PLAIN).read(payload)) == (value, GOOD)


@pytest.mark.parametrize("written", ["12.5", "12", "true", "-0.0", "1e3"])
def test_a_number_in_json_is_a_reading(written: str) -> None:
    batch = Reading(AT).read(f'{{"p": {written}}}'.encode())
    assert one(batch) == (float(json.loads(written)), GOOD)


@pytest.mark.parametrize("depth", [*range(850, 1_000, 5), 5_000, 100_000])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"p":', b"}")])
def test_no_depth_of_nesting_stops_the_reading(depth: int, opens: bytes, closes: bytes) -> None:
    reading = Reading(PLAIN, AT)
    nested = opens * depth + b"1" + closes * depth
    assert len(reading.read(nested)) == 0
    assert len(reading.kept_out()) == 2
    assert one(Reading(AT).read(b'{"p": 1}')) == (1.0, GOOD)


@pytest.mark.parametrize("text", ["nan", "NaN", "-inf", "Infinity", "1e999"])
def test_a_bare_nan_is_a_bad_reading(text: str) -> None:
    value, quality = one(Reading(PLAIN).read(text.encode()))
    assert math.isnan(value)
    assert quality == NOT_A_NUMBER


def test_nan_in_json_costs_only_its_own_tag() -> None:
    batch = Reading(AT, tag("t;path=$.q", name="q")).read(b'{"p": NaN, "q": 1}')
    assert batch.quality.tolist() == [NOT_A_NUMBER, GOOD]
    assert np.isnan(batch.value[0])
    assert batch.value[1] == 1.0


@pytest.mark.parametrize(("wanted", "payload"), [(PLAIN, b"null"), (AT, b'{"p": null}')])
def test_null_is_a_bad_reading(wanted: Tag, payload: bytes) -> None:
    value, quality = one(Reading(wanted).read(payload))
    assert math.isnan(value)
    assert quality == BAD_DEVICE


@pytest.mark.parametrize(
    ("wanted", "payload", "reason", "raw"),
    [
        (PLAIN, b'"12.5"', "text_value", '"12.5"'),
        (PLAIN, b"on", "text_value", "on"),
        (PLAIN, b"12,5", "text_value", "12,5"),
        (PLAIN, b"1_000", "text_value", "1_000"),
        (PLAIN, b"12.5 psi", "text_value", "12.5 psi"),
        (PLAIN, b"\xff\xfe1", "text_value", "\\xff\\xfe1"),
        (PLAIN, b"5\x00", "text_value", "5\x00"),
        (PLAIN, b"", "empty_payload", ""),
        (PLAIN, b'{"p": 1}', "no_number", '{"p": 1}'),
        (AT, b'{"p": "12.5"}', "text_value", '"12.5"'),
        (AT, b'{"p": {"v": 1}}', "no_number", '{"v": 1}'),
        (AT, b'{"p": [1]}', "no_number", "[1]"),
        (AT, b'{"p": 12.', "unparsable", '{"p": 12.'),
        (AT, b"", "unparsable", ""),
        (AT, b"\x00\x01", "unparsable", "\x00\x01"),
        (AT, b"[" * 100_000, "unparsable", "[" * 4_096),
        (AT, b'{"q": 1}', "missing_value", '{"q": 1}'),
        (AT, b"12.5", "missing_value", "12.5"),
        (tag("t;path=$.a[*]"), b'{"a": [1, 2]}', "several_values", '{"a": [1, 2]}'),
        (tag("t;path=$.p;time=$.t"), b'{"p": 1}', "bad_time", '{"p": 1}'),
        (tag("t;path=$.p;time=$.t"), b'{"p": 1, "t": "x"}', "bad_time", '{"p": 1, "t": "x"}'),
    ],
)
def test_what_is_no_number_is_quarantined_with_its_raw_form(
    wanted: Tag, payload: bytes, reason: str, raw: str
) -> None:
    reading = Reading(wanted)
    assert len(reading.read(payload)) == 0
    assert reading.kept_out() == (Quarantined(0, NOW, reason, raw),)


def test_raw_forms_are_cut() -> None:
    reading = Reading(AT)
    reading.read(b'{"p": "' + b"x" * 10_000 + b'"}')
    reading.read("ä".encode() * 100_000)
    assert [len(item.raw) for item in reading.kept_out()] == [4_096, 4_096]


def test_a_value_that_is_often_missing_is_quarantined_once_until_it_is_there_again() -> None:
    reading = Reading(AT)
    for payload in (b"{}", b"{}", b"{}", b'{"p": 1}', b"{}"):
        reading.read(payload)
    kept, errors = reading.flood.take()
    assert [item.reason for item in kept] == ["missing_value", "missing_value"]
    assert errors == {"missing_value": 2}


@pytest.mark.parametrize(
    ("data_type", "payload", "quality"),
    [
        ("int16", b"32767", GOOD),
        ("int16", b"70000", OUT_OF_RANGE),
        ("uint16", b"-1", OUT_OF_RANGE),
        ("uint32", b"4294967296", OUT_OF_RANGE),
        ("bool", b"1", GOOD),
        ("bool", b"2", OUT_OF_RANGE),
        ("int64", b"9007199254740993", NOT_EXACT),
        ("uint64", b"18446744073709551615", NOT_EXACT),
        ("float64", b"1e20", GOOD),
        ("float64", b"9007199254740993", NOT_EXACT),
    ],
)
def test_what_the_data_type_cannot_hold_is_marked_and_kept(
    data_type: str, payload: bytes, quality: int
) -> None:
    value, found = one(Reading(tag("t", data_type)).read(payload))
    assert value == float(payload)
    assert found == quality


def test_an_integer_of_hundreds_of_digits_is_not_a_number() -> None:
    reading = Reading(AT, tag("t;path=$.q", name="q"))
    batch = reading.read(b'{"p": 1' + b"0" * 400 + b', "q": 2}')
    assert batch.quality.tolist() == [NOT_A_NUMBER, GOOD]


def test_scale_and_offset_come_after_the_range_of_the_data_type() -> None:
    scaled = tag("t", "int16", scale=10.0, offset=-5.0)
    assert one(Reading(scaled).read(b"30000")) == (299_995.0, GOOD)


def test_several_readings_a_message_have_their_own_times() -> None:
    reading = Reading(tag("t;path=$.rows[*].p;time=$.rows[*].t"))
    batch = reading.read(b'{"rows": [{"p": 1, "t": 1767225600}, {"p": 2, "t": 1767225601}]}')
    assert batch.value.tolist() == [1.0, 2.0]
    assert (batch.source_us - NOW).tolist() == [0, 1_000_000]


def test_as_many_values_as_times_or_none() -> None:
    reading = Reading(tag("t;path=$.p[*];time=$.t[*]"))
    assert len(reading.read(b'{"p": [1, 2], "t": [1767225600]}')) == 0
    assert [item.reason for item in reading.kept_out()] == ["bad_time"]


def test_the_time_of_the_connection_serves_tags_that_name_none() -> None:
    own = tag("t;path=$.q;time=$.own", name="own")
    reading = Reading(AT, own, PLAIN, time_path="$.at")
    batch = reading.read(b'{"p": 1, "q": 2, "at": 1767225601, "own": 1767225602}')
    assert (batch.source_us - NOW).tolist() == [1_000_000, 2_000_000]


def test_a_bare_number_has_the_time_of_receipt_whatever_the_connection_says() -> None:
    assert Reading(PLAIN, time_path="$.at").read(b"1").source_us.tolist() == [NOW]


def test_what_waited_at_the_broker_is_of_unknown_age_unless_it_has_a_time() -> None:
    timed = tag("t;path=$.p;time=$.t", name="timed")
    batch = Reading(AT, timed).read(b'{"p": 1, "t": 1767225601}', aged=True)
    quality = dict(zip(batch.tag_index.tolist(), batch.quality.tolist(), strict=True))
    assert quality == {0: OF_UNKNOWN_AGE, 1: GOOD}


def test_a_flood_of_nonsense_is_counted_and_a_part_of_it_kept() -> None:
    flood = Flood("broker:1883")
    flood.refill(NOW)
    for _ in range(1_000):
        flood.add(0, NOW, "unparsable", "{")
    kept, errors = flood.take()
    assert len(kept) == BURST
    assert errors == {"unparsable": 1_000 - BURST}
    assert flood.dropped == 1_000 - BURST
    flood.refill(NOW + 2_000_000)
    for _ in range(1_000):
        flood.add(0, NOW, "unparsable", "{")
    assert len(flood.take()[0]) == 2 * PER_S


@given(st.binary(max_size=60), st.sampled_from([PLAIN, AT, tag("t;path=$..p;time=$..t")]))
def test_any_payload_is_a_reading_or_kept_out_and_never_an_error(
    payload: bytes, wanted: Tag
) -> None:
    reading = Reading(wanted, time_path="$.t")
    batch = reading.read(payload)
    kept, errors = reading.flood.take()
    assert len(batch) + len(kept) + sum(errors.values()) >= 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["p", "t", "q"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_a_reading_or_kept_out_and_never_an_error(document: Any) -> None:
    reading = Reading(PLAIN, AT, tag("t;path=$..p;time=$..t", name="all"), time_path="$.t")
    reading.read(json.dumps(document).encode())
