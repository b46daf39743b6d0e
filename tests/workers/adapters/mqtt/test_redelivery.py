"""Messages that come again: none is lost, and none is stored twice."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpjack_core.errors import NotConnected
from pumpjack_core.quality import GOOD
from pumpjack_worker.adapters.contract import Delivery
from pumpjack_worker.adapters.mqtt.packets import Connack, Publish
from pumpjack_worker.adapters.mqtt.payload import OF_UNKNOWN_AGE
from pumpjack_worker.adapters.mqtt.redelivered import Redelivered
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import Publisher, tag
from tests.workers.adapters.mqtt.reading import deliver, lost, make, take, values
from tests.workers.adapters.mqtt.scripted import ScriptedBroker

TAG = tag("pads/7/casing")


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


def message(payload: bytes, packet_id: int, *, dup: bool = False) -> Publish:
    return Publish(b"pads/7/casing", payload, 1, packet_id, False, dup)


async def test_a_message_is_acknowledged_after_the_journal_and_not_before(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(b"1", 11), message(b"2", 12), message(b"3", 13))
    delivery = await deliver(adapter)
    await adapter._session.subscribe(["pads/7/casing"])  # a round trip
    assert scripted.acknowledged == []
    await delivery.ack()
    await scripted.until(lambda: len(scripted.acknowledged) == len(delivery.batch))
    assert scripted.acknowledged == [11, 12, 13][: len(delivery.batch)]
    await adapter.close()


async def test_what_is_journaled_is_not_delivered_again_when_its_puback_was_lost(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.pings = False  # the broker is not known to have any PUBACK
    scripted.send(message(b"812.5", 5))
    await take(adapter, 1)
    scripted.connack = Connack(True, 0)
    scripted.hang_up()
    await lost(adapter)
    scripted.got.clear()
    await adapter.connect()
    scripted.send(message(b"812.5", 5, dup=True), message(b"900", 6))
    found = await take(adapter, 1)
    assert [v for one in found for v in one.batch.value] == [900.0]
    assert sum(one.errors.get("duplicate", 0) for one in found) == 1
    await scripted.until(lambda: scripted.acknowledged == [5, 6])
    await adapter.close()


async def test_after_a_kill_the_memos_tell_what_is_journaled(
    scripted: ScriptedBroker, tmp_path: Path
) -> None:
    killed = make(scripted.port, TAG, state=tmp_path)
    await killed.connect()
    scripted.send(message(b"1", 1), message(b"2", 2))
    journaled: list[Delivery] = []
    while sum(len(one.batch) for one in journaled) < 2:
        journaled.append(await deliver(killed))  # on disk, and then the worker is killed
    scripted.send(message(b"3", 3))
    assert (await deliver(killed)).batch.value.tolist() == [3.0]  # not on disk
    scripted.connack = Connack(True, 0)
    scripted.hang_up()

    memos = [one.memo for one in journaled]
    adapter = make(scripted.port, TAG, state=tmp_path, memos=memos)
    await adapter.connect()
    scripted.send(*(message(str(number).encode(), number, dup=True) for number in (1, 2, 3)))
    found = await take(adapter, 1)
    assert [v for one in found for v in one.batch.value] == [3.0]
    assert sum(one.errors.get("duplicate", 0) for one in found) == 2
    await scripted.until(lambda: scripted.acknowledged == [1, 2, 3])
    await adapter.close()


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_what_another_protocol_noted_is_no_memo(memos: list[bytes]) -> None:
    assert not Redelivered(memos).recent


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 65_535), st.integers(0, 2**32 - 1)), min_size=1),
        max_size=6,
    ),
    st.booleans(),
)
def test_memos_tell_after_a_restart_what_was_journaled(
    deliveries: list[list[tuple[int, int]]], told: bool
) -> None:
    before, link, memos = Redelivered(), object(), []
    before.begin(None, link)
    latest: dict[int, int] = {}
    for messages in deliveries:
        packet_ids, checks = ([one[at] for one in messages] for at in (0, 1))
        record = before.deliver(link, packet_ids, checks, [7] * len(messages))
        memos.append(before.memo(record))
        before.journaled(record)
        if told:
            before.confirmed(record.number)
            latest = dict(messages)  # what the next memo does not name as confirmed
        else:
            latest |= dict(messages)
    after = Redelivered(memos)
    after.begin(before.session, object())
    for packet_id, check in latest.items():
        assert after.is_journaled(packet_id, check, dup=True)
        assert not after.is_journaled(packet_id, check ^ 1, dup=True)
        assert not after.is_journaled(packet_id, check, dup=True)  # the id was another's since


async def test_an_equal_message_under_a_packet_id_that_is_used_again_is_new(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(b"812.5", 5))
    await take(adapter, 1)
    scripted.send(message(b"812.5", 5))
    assert await values(adapter, 1) == [812.5]
    await adapter.close()


async def test_an_equal_message_that_was_lost_on_its_way_is_new_once_the_puback_is_known(
    scripted: ScriptedBroker, tmp_path: Path
) -> None:
    adapter = make(scripted.port, TAG, state=tmp_path)
    await adapter.connect()
    scripted.send(message(b"812.5", 5))
    await take(adapter, 1)
    # the broker has answered the PINGREQ behind the PUBACK, and what came after it was read
    await scripted.until(lambda: scripted.acknowledged == [5])
    scripted.send(message(b"1", 6))
    (last,) = await take(adapter, 1)
    scripted.connack = Connack(True, 0)
    scripted.hang_up()
    await lost(adapter)
    await adapter.connect()
    scripted.send(message(b"812.5", 5, dup=True))
    assert await values(adapter, 1) == [812.5]
    await adapter.close()

    again = make(scripted.port, TAG, state=tmp_path, memos=[last.memo])
    await again.connect()
    scripted.send(message(b"812.5", 5, dup=True))
    assert await values(again, 1) == [812.5]
    await again.close()


async def test_what_may_be_journaled_comes_again_with_the_time_that_it_had(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(b"812.5", 5))
    first = await deliver(adapter)
    scripted.connack = Connack(True, 0)
    scripted.hang_up()
    await lost(adapter)
    await adapter.connect()
    scripted.send(message(b"812.5", 5, dup=True))
    second = await deliver(adapter)
    assert second.batch.source_us.tolist() == first.batch.source_us.tolist()
    assert second.batch.quality.tolist() == [GOOD]
    scripted.got.clear()
    await first.ack()  # the journal was only slow
    await second.ack()
    await scripted.until(lambda: len(scripted.acknowledged) > 0)
    assert scripted.acknowledged == [5]
    await adapter.close()


async def test_an_acknowledgement_of_an_earlier_connection_is_not_sent_on_a_later(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(b"1", 5))
    first = await deliver(adapter)
    scripted.hang_up()
    await lost(adapter)
    await adapter.connect()  # the session is new: packet id 5 is another message's
    scripted.send(message(b"2", 5))
    while (await deliver(adapter)).batch.value.tolist() != [2.0]:
        pass
    scripted.got.clear()
    await first.ack()
    await adapter._session.subscribe(["pads/7/casing"])  # a round trip
    assert scripted.acknowledged == []
    await adapter.close()


async def test_a_lost_session_is_told_once_and_its_packet_ids_are_forgotten(
    scripted: ScriptedBroker, tmp_path: Path
) -> None:
    adapter = make(scripted.port, TAG, state=tmp_path)
    await adapter.connect()
    scripted.pings = False
    scripted.send(message(b"812.5", 5))
    await take(adapter, 1)
    scripted.hang_up()
    await lost(adapter)
    await adapter.connect()
    (gap,) = (await deliver(adapter)).quarantined
    assert gap.reason == "gap"
    assert "has forgotten the session" in gap.raw
    scripted.send(message(b"812.5", 5, dup=True))  # of the new session: another message
    assert await values(adapter, 1) == [812.5]
    await adapter.close()

    # it was not on disk: it is told again
    again = make(scripted.port, TAG, state=tmp_path)
    scripted.connack = Connack(True, 0)
    await again.connect()
    delivery = await deliver(again)
    assert [one.reason for one in delivery.quarantined] == ["gap"]
    await delivery.ack()
    scripted.send(message(b"812.5", 5, dup=True))
    assert await values(again, 1) == [812.5]
    await again.close()

    once = make(scripted.port, TAG, state=tmp_path)
    await once.connect()
    scripted.send(message(b"1", 1))
    assert (await deliver(once)).quarantined == ()
    await once.close()


async def test_a_gap_that_nobody_took_yet_is_not_told_again_at_the_next_login(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    for _ in range(3):
        await adapter.connect()
    assert [one.reason for one in (await deliver(adapter)).quarantined] == ["gap"]
    scripted.send(message(b"5", 1))
    (one,) = await take(adapter, 1)
    assert not one.quarantined
    await adapter.close()


async def test_the_first_connection_ever_has_no_gap(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(b"1", 1))
    assert (await deliver(adapter)).quarantined == ()
    await adapter.close()


@pytest.mark.peers
async def test_what_came_while_the_worker_was_away_is_read_and_its_age_is_not_made_up(
    broker: Mosquitto, publisher: Publisher, version: str, tmp_path: Path
) -> None:
    timed = tag("pads/7/json;path=$.p;time=$.t", name="timed")
    first = make(broker.port, TAG, timed, state=tmp_path, version=version)
    await first.connect()
    await publisher.publish("pads/7/casing", b"1")
    await values(first, 1)
    await first.close()
    away = [str(number).encode() for number in range(100)]
    await publisher.publish("pads/7/casing", *away)
    await publisher.publish("pads/7/json", b'{"p": 7, "t": "2026-01-01T00:00:00Z"}')

    adapter = make(broker.port, TAG, timed, state=tmp_path, version=version)
    await adapter.connect()
    found = await take(adapter, 101)
    quality = {
        (one.batch.tags.tags[index].name, code)
        for one in found
        for index, code in zip(
            one.batch.tag_index.tolist(), one.batch.quality.tolist(), strict=True
        )
    }
    assert quality == {("pressure", OF_UNKNOWN_AGE), ("timed", GOOD)}
    plain = [v for one in found for v in one.batch.value[one.batch.tag_index == 0].tolist()]
    assert plain == [float(number) for number in range(100)]
    while True:  # soon the backlog is known to be over
        await publisher.publish("pads/7/casing", b"5")
        (one,) = await take(adapter, 1)
        if one.batch.quality.tolist() == [GOOD]:
            break
    await adapter.close()


@pytest.mark.peers
async def test_a_broker_that_restarts_loses_nothing_and_repeats_nothing(
    broker: Mosquitto, version: str, tmp_path: Path
) -> None:
    adapter = make(broker.port, TAG, state=tmp_path, version=version)
    await adapter.connect()
    seen: list[float] = []
    numbers = itertools.count()
    for _ in range(3):
        async with Publisher(broker.port) as publisher:
            sent = [str(next(numbers)).encode() for _ in range(50)]
            await publisher.publish("pads/7/casing", *sent)
        await broker.stop()
        with pytest.raises(NotConnected):
            while True:
                delivery = await deliver(adapter)
                seen += delivery.batch.value.tolist()
                await delivery.ack()
        await broker.start()
        await adapter.connect()
    async with Publisher(broker.port) as publisher:
        await publisher.publish("pads/7/casing", b"-1")
    while not seen or seen[-1] != -1.0:
        delivery = await deliver(adapter)
        assert not any(one.reason == "gap" for one in delivery.quarantined)
        seen += delivery.batch.value.tolist()
        await delivery.ack()
    assert seen[:-1] == [float(number) for number in range(150)]
    await adapter.close()


@pytest.mark.peers
async def test_a_broker_that_forgot_everything_is_told_as_a_gap(
    version: str, tmp_path: Path
) -> None:
    async with Mosquitto() as broker:
        adapter = make(broker.port, TAG, state=tmp_path, version=version)
        await adapter.connect()
        await broker.publish("pads/7/casing", "1")
        await values(adapter, 1)
        await broker.kill()
        await lost(adapter)
        await broker.start()
        await adapter.connect()
        await broker.publish("pads/7/casing", "2")
        delivery = await deliver(adapter)
        assert [one.reason for one in delivery.quarantined] == ["gap"]
        assert await values(adapter, 1) == [2.0]
        await adapter.close()


@pytest.mark.peers
async def test_a_worker_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    broker: Mosquitto, version: str, tmp_path: Path
) -> None:
    first = make(broker.port, TAG, state=tmp_path, version=version)
    await first.connect()
    await first.close()
    expected = [float(number) for number in range(300)]
    async with Publisher(broker.port) as publisher:
        await publisher.publish("pads/7/casing", *(b"%d" % number for number in range(300)))
    journal: list[float] = []
    memos: list[bytes] = []
    for kill_after in itertools.count(1):
        adapter = make(broker.port, TAG, state=tmp_path, memos=memos, version=version)
        await adapter.connect()
        for _ in range(kill_after):
            if len(journal) >= len(expected):
                break
            delivery = await deliver(adapter)
            journal += delivery.batch.value.tolist()
            memos.append(delivery.memo)
            if _ < kill_after - 1:
                await delivery.ack()  # the last is on disk, and its PUBACK never goes out
        assert adapter._session.link is not None
        adapter._session.link._transport.abort()  # type: ignore[union-attr]
        await adapter.close()
        if len(journal) >= len(expected):
            break
    assert journal == expected
