"""The messages of the live feed, held against the formats of pumpjack_core.wire."""

from __future__ import annotations

import math
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pumpjack_core import wire
from pumpjack_core.quality import Level, Reason, level_text, quality, reason_text
from pumpjack_core.tags import TagTable
from pumpjack_worker.pipeline.feed import Feed
from tests.workers.pipeline.examples import T0_US, batch, tag

EPOCH = UUID(int=7)
TAGS = TagTable(
    (tag("pressure", well="a1"), tag('odd "näme"', well="a1"), tag("pressure", well="b/2"))
)


def feed(follows: int = 0) -> Feed:
    return Feed(
        epoch=EPOCH,
        follows=follows,
        tenant_id="permian",
        connection_id="ops/plc",
        protocol="modbus-tcp",
    )


def read(message) -> wire.Readings:
    found = wire.decode_message(message.payload)
    assert isinstance(found, wire.Readings)
    return found


CODES = [quality(level, reason) for level in Level for reason in Reason]
rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 2**52),
        st.floats(allow_infinity=False),
        st.sampled_from(CODES),
    ),
    min_size=1,
)


@given(rows, st.booleans())
@settings(deadline=None)
def test_every_message_reads_back_as_the_readings_that_went_in(rows, stored):
    index, us, values, codes = zip(*rows, strict=True)
    sent = batch(TAGS, values, index=index, us=us, quality=codes)
    found = [read(message) for message in feed().encode(3, sent, stored=stored)]
    assert sorted({TAGS.tags[at].well_id for at in index}) == sorted(m.well_id for m in found)
    for message in found:
        own = [row for row in rows if TAGS.tags[row[0]].well_id == message.well_id]
        assert [r.tag_name for r in message.readings] == [TAGS.tags[row[0]].name for row in own]
        assert [r.value for r in message.readings] == [
            None if math.isnan(row[2]) else row[2] for row in own
        ]
        assert [(r.quality, r.reason) for r in message.readings] == [
            (level_text(row[3]), reason_text(row[3])) for row in own
        ]
        assert (message.stored, message.seq, message.epoch) == (stored, 3, str(EPOCH))


def test_a_message_carries_times_in_utc_to_the_microsecond():
    (message,) = feed().encode(1, batch(TAGS, [1.0], us=T0_US + 1))
    found = read(message)
    assert found.readings[0].timestamp == "2026-02-02T02:40:00.000001Z"
    assert found.received_at == "2026-02-02T02:40:00.000000Z"


def test_prev_links_the_messages_of_each_well():
    chain = feed()
    for seq, index in ((4, [0, 2]), (5, [0]), (9, [2]), (10, [0, 2])):
        messages = chain.encode(seq, batch(TAGS, [1.0] * len(index), index=index))
    a1, b2 = (read(message) for message in messages)
    assert (a1.well_id, a1.prev, a1.seq) == ("a1", 5, 10)
    assert (b2.well_id, b2.prev, b2.seq) == ("b/2", 9, 10)


def test_the_first_message_after_a_new_start_follows_all_that_may_have_been_sent_before_it():
    (message,) = feed(follows=1_000).encode(1_004, batch(TAGS, [1.0]))
    assert read(message).prev == 1_000


def test_after_the_clock_was_set_back_new_readings_are_the_latest():
    chain = feed()
    hour = 3_600_000_000
    chain.encode(1, batch(TAGS, [1.0], us=T0_US + hour, received_us=T0_US + hour))
    (message,) = chain.encode(2, batch(TAGS, [9.0], us=T0_US, received_us=T0_US))
    assert "pressure" in message.latest


def test_after_a_device_clock_that_was_ahead_is_set_right_new_readings_are_the_latest():
    chain = feed()
    minute = 60_000_000
    chain.encode(1, batch(TAGS, [1.0], us=T0_US + 4 * minute, received_us=T0_US))
    later = T0_US + minute
    (message,) = chain.encode(2, batch(TAGS, [9.0], us=later, received_us=later))
    assert "pressure" in message.latest


def test_the_latest_hash_gets_the_newest_reading_of_each_tag():
    (message,) = feed().encode(
        1, batch(TAGS, [1.0, 2.0, 3.0], index=[0, 0, 0], us=[T0_US, T0_US + 2, T0_US + 1])
    )
    latest = msgspec.json.decode(message.latest["pressure"], type=wire.Reading)
    assert latest.value == 2.0


def test_backfill_does_not_move_the_latest_value_back():
    chain = feed()
    chain.encode(1, batch(TAGS, [1.0], us=T0_US))
    (message,) = chain.encode(2, batch(TAGS, [9.0], us=T0_US - 1_000_000))
    assert message.latest == {}
    assert read(message).readings[0].value == 9.0


def test_tags_that_stay_keep_their_newest_time_when_tags_change():
    chain = feed()
    chain.encode(1, batch(TAGS, [1.0], us=T0_US))
    edited = TagTable((tag("added"), *TAGS.tags))
    (message,) = chain.encode(2, batch(edited, [9.0], index=[1], us=T0_US - 1))
    assert message.latest == {}


def test_a_batch_without_readings_is_no_message():
    assert feed().encode(1, batch(TAGS, [])) == []
