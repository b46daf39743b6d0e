"""Our decoder says what asyncua's says, for whatever asyncua can encode."""

# mypy: disable-error-code="attr-defined, arg-type, assignment"
from __future__ import annotations

import contextlib
import datetime
import struct
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_worker.adapters.opcua.decode import NO_TIME, Malformed
from pumpjack_worker.adapters.opcua.messages import (
    read_changes,
    read_history,
    read_publish,
    read_values,
)
from tests.workers.adapters.opcua.published import item, published

INTEGERS = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
FIRST = datetime.datetime(1971, 1, 1)
LAST = datetime.datetime(2200, 1, 1)


def numbers() -> st.SearchStrategy[ua.Variant]:
    kinds: list[st.SearchStrategy[ua.Variant]] = [
        st.integers(low, high).map(lambda value, kind=kind: ua.Variant(value, kind))
        for kind, (low, high) in INTEGERS.items()
    ]
    kinds.append(st.booleans().map(lambda value: ua.Variant(value, ua.VariantType.Boolean)))
    kinds.append(st.floats(width=32).map(lambda value: ua.Variant(value, ua.VariantType.Float)))
    kinds.append(st.floats().map(lambda value: ua.Variant(value, ua.VariantType.Double)))
    return st.one_of(kinds)


def odd() -> st.SearchStrategy[ua.Variant]:
    return st.one_of(
        st.text(max_size=20).map(lambda value: ua.Variant(value, ua.VariantType.String)),
        st.lists(st.integers(0, 9), max_size=4).map(
            lambda value: ua.Variant(value, ua.VariantType.Int32, is_array=True)
        ),
        st.binary(max_size=8).map(lambda value: ua.Variant(value, ua.VariantType.ByteString)),
        st.just(ua.Variant(ua.Range(1.0, 2.0), ua.VariantType.ExtensionObject)),
        st.just(ua.Variant(ua.LocalizedText("off"), ua.VariantType.LocalizedText)),
    )


def times() -> st.SearchStrategy[datetime.datetime | None]:
    return st.none() | st.datetimes(FIRST, LAST, timezones=st.just(datetime.UTC))


@st.composite
def values(draw: st.DrawFn, variants: st.SearchStrategy[ua.Variant]) -> ua.DataValue:
    status = draw(st.sampled_from([0, 0, 0, 0x80310000, 0x40900000, 0x480]))
    return ua.DataValue(
        draw(variants | st.just(ua.Variant())),
        StatusCode=ua.StatusCode(status),
        SourceTimestamp=draw(times()),
        ServerTimestamp=draw(times()),
    )


def microseconds(at: datetime.datetime | None) -> int:
    if at is None:
        return NO_TIME
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (at - epoch) // datetime.timedelta(microseconds=1)


def as_asyncua_reads(body: bytes) -> list[tuple[Any, ...]]:
    response = struct_from_binary(ua.PublishResponse, Buffer(body))
    rows = []
    for notification in response.Parameters.NotificationMessage.NotificationData:
        for one in notification.MonitoredItems:
            variant = one.Value.Value or ua.Variant()
            is_number = not variant.is_array and isinstance(variant.Value, int | float)
            rows.append(
                (
                    one.ClientHandle,
                    float(variant.Value) if is_number else None,
                    one.Value.StatusCode.value if one.Value.StatusCode else 0,
                    microseconds(one.Value.SourceTimestamp),
                    microseconds(one.Value.ServerTimestamp),
                )
            )
    return rows


def as_we_read(body: bytes) -> list[tuple[Any, ...]]:
    changes = read_changes(read_publish(body))
    columns = (changes.handle, changes.value, changes.status, changes.source_us, changes.server_us)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def assert_same(body: bytes) -> None:
    ours, theirs = as_we_read(body), as_asyncua_reads(body)
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert our[0] == their[0]
        assert our[2:] == their[2:]
        if their[1] is None or np.isnan(their[1]):
            assert np.isnan(our[1])
        else:
            assert our[1] == their[1]


@settings(max_examples=200, deadline=None)
@given(st.lists(values(numbers()), max_size=40))
def test_numbers_of_all_types_are_read_as_asyncua_reads_them(found: list[ua.DataValue]) -> None:
    assert_same(published([item(at, value) for at, value in enumerate(found)]))


@settings(max_examples=100, deadline=None)
@given(st.lists(values(numbers() | odd()), max_size=20))
def test_what_is_no_number_does_not_disturb_what_follows(found: list[ua.DataValue]) -> None:
    assert_same(published([item(at, value) for at, value in enumerate(found)]))


@settings(max_examples=100, deadline=None)
@given(values(numbers()), st.integers(7, 60), values(numbers()))
def test_a_run_of_one_type_ends_where_another_begins(
    one: ua.DataValue, count: int, other: ua.DataValue
) -> None:
    assert_same(published([item(1, one)] * count + [item(2, other)] * 9 + [item(3, one)] * count))


@settings(max_examples=200, deadline=None)
@given(st.lists(values(numbers() | odd()), min_size=1, max_size=9), st.data())
def test_bytes_that_are_cut_or_changed_are_malformed_or_read_and_never_anything_else(
    found: list[ua.DataValue], data: st.DataObject
) -> None:
    body = bytearray(published([item(at, value) for at, value in enumerate(found)]))
    at = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        del body[at:]
    else:
        body[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        read_changes(read_publish(bytes(body)))


def test_picoseconds_stand_behind_their_own_time() -> None:
    """OPC 10000-6, 5.2.2.17; asyncua 2.1 reads them behind both times."""
    mask = 1 | 4 | 8 | 16 | 32
    value = struct.pack("<BBd", mask, 11, 2.5)
    ticks = 116_444_736_000_000_000 + 10_000_000
    later = ticks + 50_000_000
    value += struct.pack("<qHqH", ticks, 7, later, 8)
    plain = struct_to_binary(ua.ReadResponse())[:-8] + struct.pack("<i", 1) + value + bytes(4)
    changes = read_values(plain, [9])
    assert changes.handle.tolist() == [9]
    assert changes.value.tolist() == [2.5]
    assert changes.source_us.tolist() == [1_000_000]
    assert changes.server_us.tolist() == [6_000_000]


def test_integers_that_a_float_cannot_hold_are_marked() -> None:
    wide = [2**53, 2**53 + 1, -(2**53) - 1, 3]
    one_by_one = [
        item(at, ua.DataValue(ua.Variant(v, ua.VariantType.Int64))) for at, v in enumerate(wide)
    ]
    changes = read_changes(read_publish(published(one_by_one)))
    assert changes.imprecise is not None
    assert changes.imprecise.tolist() == [False, True, True, False]
    changes = read_changes(read_publish(published(one_by_one * 5)))
    assert changes.imprecise is not None
    assert changes.imprecise.tolist() == [False, True, True, False] * 5


def test_text_is_kept_as_it_came() -> None:
    (odd_one,) = read_changes(
        read_publish(published([item(4, ua.DataValue(ua.Variant("open")))]))
    ).odd
    assert (odd_one.row, odd_one.is_text, odd_one.raw) == (0, True, "open")


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x01\x00\x3d\x03", b"HTTP/1.1 400 Bad Request"])
def test_what_is_no_publish_response_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_publish(body)


def test_a_keep_alive_has_no_values_and_bears_the_next_number() -> None:
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = 5
    response.Parameters.NotificationMessage.SequenceNumber = 42
    found = read_publish(struct_to_binary(response))
    assert (found.subscription, found.sequence, found.is_keep_alive) == (5, 42, True)


@settings(max_examples=50, deadline=None)
@given(st.lists(values(numbers() | odd()), max_size=12))
def test_answers_to_reads_are_read_as_asyncua_reads_them(found: list[ua.DataValue]) -> None:
    response = ua.ReadResponse()
    response.Results = found
    changes = read_values(struct_to_binary(response), list(range(len(found))))
    as_changes = read_changes(read_publish(published([item(n, v) for n, v in enumerate(found)])))
    for name in ("handle", "value", "status", "source_us", "server_us"):
        np.testing.assert_array_equal(getattr(changes, name), getattr(as_changes, name))
    assert changes.odd == as_changes.odd


def test_a_history_is_read_with_what_it_leaves_for_later() -> None:
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    result = ua.HistoryReadResult()
    result.ContinuationPoint = b"later"
    result.HistoryData = ua.HistoryData([ua.DataValue(ua.Variant(2.5), SourceTimestamp=at)] * 3)
    nothing = ua.HistoryReadResult(StatusCode=ua.StatusCode(0x80720000))
    response = ua.HistoryReadResponse()
    response.Results = [nothing, result]
    refused, found = read_history(struct_to_binary(response), [3, 4])
    assert refused.status == 0x80720000
    assert found.more == b"later"
    assert found.values.value.tolist() == [2.5] * 3
    assert found.values.handle.tolist() == [4] * 3
    assert found.values.source_us.tolist() == [microseconds(at)] * 3


def test_the_end_of_time_is_no_time() -> None:
    """OPC 10000-6, 5.2.2.5: so servers write that they know none."""
    times = [2_650_467_743_990_000_000, 2**63 - 1, 0, -1, 116_444_736_000_000_010]
    values = b"".join(struct.pack("<BBdq", 1 | 4, 11, 2.5, ticks) for ticks in times)
    head = struct_to_binary(ua.ReadResponse())[:-8] + struct.pack("<i", len(times))
    changes = read_values(head + values + bytes(4), list(range(len(times))))
    assert changes.source_us.tolist() == [NO_TIME, NO_TIME, NO_TIME, NO_TIME, 1]


def test_more_values_than_a_message_can_hold_are_not_made_room_for() -> None:
    body = bytearray(published([item(1, ua.DataValue(ua.Variant(1.0, ua.VariantType.Double)))]))
    ((start, end),) = read_publish(bytes(body)).changes
    struct.pack_into("<i", body, start, end - start)
    with pytest.raises(Malformed, match="says that it has"):
        read_changes(read_publish(bytes(body)))
