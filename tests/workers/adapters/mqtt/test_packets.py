"""MQTT packets: written and read again, however the stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_worker.adapters.mqtt import packets
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import (
    V5,
    V311,
    Connack,
    Connect,
    Disconnect,
    Oversized,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
    encode,
    encode_pubacks,
)
from pumpjack_worker.adapters.mqtt.properties import Malformed

IDS = st.integers(1, 65_535)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TOPICS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="+#\0"), min_size=1)
CODES = st.lists(st.integers(0, 255), min_size=1, max_size=9).map(tuple)
PROPERTIES: st.SearchStrategy[v5.Properties] = st.fixed_dictionaries(
    {},
    optional={
        v5.SESSION_EXPIRY: st.integers(0, 2**32 - 1),
        v5.RECEIVE_MAXIMUM: st.integers(1, 65_535),
        v5.REASON_STRING: TEXTS,
        v5.PAYLOAD_FORMAT: st.integers(0, 1),
        v5.CORRELATION_DATA: st.binary(max_size=20),
        v5.USER_PROPERTY: st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3),
        v5.SUBSCRIPTION_ID: st.lists(st.integers(1, 268_435_455), min_size=1, max_size=3),
    },
)


def packets_of(version: Version) -> st.SearchStrategy[Packet]:
    """Any packet but CONNECT, as a stream of this version carries it."""
    found = PROPERTIES if version == V5 else st.just(v5.NONE)
    retained = st.integers(0, 2) if version == V5 else st.just(0)
    subscriptions = st.builds(Subscription, TEXTS, st.integers(0, 2), retained)
    some = st.lists(subscriptions, min_size=1, max_size=5).map(tuple)
    names = st.lists(TEXTS, min_size=1, max_size=5).map(tuple)
    topics = TOPICS.map(str.encode)
    payloads = st.binary(max_size=300)
    flags = st.booleans()
    return st.one_of(
        st.builds(Connack, st.booleans(), st.integers(0, 255), found),
        st.builds(Publish, topics, payloads, st.just(0), st.just(0), flags, flags, found),
        st.builds(Publish, topics, payloads, st.integers(1, 2), IDS, flags, flags, found),
        st.builds(Puback, IDS, st.integers(0, 255) if version == V5 else st.just(0)),
        st.builds(Subscribe, IDS, some, found),
        st.builds(Suback, IDS, CODES, found),
        st.builds(Unsubscribe, IDS, names, found),
        st.builds(Unsuback, IDS, CODES if version == V5 else st.just(()), found),
        st.builds(Disconnect, st.integers(0, 255), found)
        if version == V5
        else st.just(Disconnect()),
        st.just(Pingreq()),
        st.just(Pingresp()),
    )


STREAMS = st.sampled_from([V311, V5]).flatmap(
    lambda version: st.tuples(st.just(version), st.lists(packets_of(version), max_size=12))
)


def cut(stream: bytes, data: st.DataObject) -> list[bytes]:
    """The stream in pieces, anyhow."""
    marks = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    return [stream[a:b] for a, b in zip([0, *marks], [*marks, len(stream)], strict=True) if a < b]


@given(STREAMS, st.data())
def test_any_cut_of_a_stream_gives_the_same_packets(
    sent: tuple[Version, list[Packet]], data: st.DataObject
) -> None:
    version, expected = sent
    reader = PacketReader(version)
    stream = b"".join(encode(packet, version) for packet in expected)
    assert [packet for piece in cut(stream, data) for packet in reader.feed(piece)] == expected


@given(
    st.builds(
        Connect,
        TEXTS,
        st.sampled_from([V311, V5]),
        st.booleans(),
        st.integers(0, 65_535),
        st.none() | TEXTS,
        st.none() | st.binary(max_size=30),
    )
)
def test_a_broker_learns_the_version_from_connect(packet: Connect) -> None:
    reader = PacketReader(None)
    assert reader.feed(encode(packet, packet.version)) == [packet]
    assert reader.version == packet.version


def test_a_login_shows_no_password() -> None:
    assert "hunter2" not in repr(Connect("me", V5, username="u", password=b"hunter2"))


@pytest.mark.parametrize("version", [V311, V5])
@given(data=st.data())
def test_a_message_that_is_too_large_is_skipped_and_named(
    version: Version, data: st.DataObject
) -> None:
    large = Publish(b"pad/7", b"x" * 5_000, 1, 77, True, True)
    stream = encode(large, version) + encode(Pingresp(), version)
    reader = PacketReader(version, most_payload=1_000)
    found = [packet for piece in cut(stream, data) for packet in reader.feed(piece)]
    assert found == [Oversized(b"pad/7", 5_000, 1, 77, True, True), Pingresp()]


def test_a_message_that_is_too_large_is_not_kept_in_memory() -> None:
    reader = PacketReader(V5, most_payload=1_000)
    stream = encode(Publish(b"pad/7", bytes(10_000_000), 1, 77), V5)
    assert len(reader.feed(stream[:100_000])) == 1
    for at in range(100_000, len(stream), 100_000):
        assert reader.feed(stream[at : at + 100_000]) == []
        assert not reader._rest
    assert reader.feed(encode(Pingresp(), V5)) == [Pingresp()]


def test_a_payload_of_just_the_allowed_size_is_read() -> None:
    whole = Publish(b"pad/7", b"x" * 1_000, 1, 77)
    for version in (V311, V5):
        assert PacketReader(version, most_payload=1_000).feed(encode(whole, version)) == [whole]


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x00",
        b"\xf0\x00",
        b"\x36\x05\x00\x01a\x00\x01",
        b"\x32\x05\x00\x01a\x00\x00",
        b"\x30\xff\xff\xff\xff\x7f",
        b"\x30\x03\x00\x09a",
        b"\x30\x04\x00\x01#\x00",
        b"\x30\x04\x00\x01\xff\x00",
        b"\x20\x01\x00",
        b"\x20\x02\x07\x00",
        b"\x90\x02\x00\x00",
        b"\x20\xff\xff\xff\x7f",
        b"\x16\x03\x01\x02\x00\x01",
    ],
    ids=bytes.hex,
)
def test_what_is_no_mqtt_is_malformed(garbage: bytes) -> None:
    with pytest.raises(Malformed):
        PacketReader(V5).feed(garbage)


@given(st.lists(st.binary(max_size=200), max_size=20), st.sampled_from([V311, V5, None]))
def test_garbage_is_read_to_its_end_or_malformed(
    pieces: list[bytes], version: Version | None
) -> None:
    reader = PacketReader(version, most_payload=64)
    try:
        for piece in pieces:
            reader.feed(piece)
    except Malformed as error:
        assert str(error)
    assert len(reader._rest) <= 2 * packets_limit()


def packets_limit() -> int:
    """What may wait for its end."""
    return 1 << 20


@given(st.lists(IDS, max_size=50))
def test_many_acknowledgements_are_written_in_one_go(ids: list[int]) -> None:
    for version in (V311, V5):
        assert PacketReader(version).feed(encode_pubacks(ids)) == [Puback(one) for one in ids]


def test_a_broker_of_3_1_1_answers_a_connect_of_5_in_its_own_form() -> None:
    assert PacketReader(V5).feed(b"\x20\x02\x00\x01") == [Connack(False, 1)]


def test_kinds_are_the_numbers_of_the_standard() -> None:
    assert (packets.CONNECT, packets.PUBLISH, packets.DISCONNECT) == (1, 3, 14)
