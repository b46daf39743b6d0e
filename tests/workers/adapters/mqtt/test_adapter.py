"""What the adapter does with a broker and its messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import NotConnected
from pumpjack_core.quality import BAD_DEVICE, GOOD
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Delivery, no_ack
from pumpjack_worker.adapters.mqtt import link as link_module
from pumpjack_worker.adapters.mqtt import subscriptions
from pumpjack_worker.adapters.mqtt.adapter import MOST_BYTES
from pumpjack_worker.adapters.mqtt.link import INBOX_MESSAGES
from pumpjack_worker.adapters.mqtt.packets import (
    SEND_RETAINED_IF_NEW,
    Connack,
    Pingreq,
    Pingresp,
    Publish,
    Subscribe,
    Unsubscribe,
)
from pumpjack_worker.adapters.mqtt.payload import OF_UNKNOWN_AGE
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import Publisher, tag
from tests.workers.adapters.mqtt.reading import PATIENCE_S, deliver, lost, make, take, values
from tests.workers.adapters.mqtt.scripted import ScriptedBroker

CASING, TUBING = tag("pads/7/casing"), tag("pads/7/tubing", name="tubing")


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


def reasons(found: list[Delivery]) -> list[str]:
    return [item.reason for one in found for item in one.quarantined]


# Bad input, through a real broker


@pytest.mark.peers
@pytest.mark.parametrize(
    ("payload", "reason", "raw"),
    [
        (b'"12.5"', "text_value", '"12.5"'),
        (b"ERROR", "text_value", "ERROR"),
        (b"", "empty_payload", ""),
        (b"[1, 2", "text_value", "[1, 2"),
    ],
)
async def test_a_text_where_a_number_belongs_is_kept_out_and_acknowledged(
    broker: Mosquitto, publisher: Publisher, payload: bytes, reason: str, raw: str
) -> None:
    adapter = make(broker.port, CASING)
    await adapter.connect()
    await publisher.publish("pads/7/casing", payload, b"1")
    found = await take(adapter, 1)
    assert [(item.reason, item.raw) for one in found for item in one.quarantined] == [(reason, raw)]
    await adapter.close()


@pytest.mark.peers
async def test_truncated_json_is_kept_out_with_its_raw_form(
    broker: Mosquitto, publisher: Publisher
) -> None:
    adapter = make(broker.port, tag("pads/7/casing;path=$.p"))
    await adapter.connect()
    await publisher.publish("pads/7/casing", b'{"p": 12.', b'{"p": 1}')
    found = await take(adapter, 1)
    assert [item.raw for one in found for item in one.quarantined] == ['{"p": 12.']
    assert reasons(found) == ["unparsable"]
    await adapter.close()


@pytest.mark.peers
async def test_a_payload_of_ten_megabytes_is_told_by_its_size_and_holds_up_nobody(
    broker: Mosquitto, publisher: Publisher, version: str
) -> None:
    adapter = make(broker.port, CASING, version=version, max_payload="64Ki")
    await adapter.connect()
    await publisher.publish("pads/7/casing", bytes(10_000_000), b"812.5")
    found = await take(adapter, 1)
    (kept_out,) = (item for one in found for item in one.quarantined)
    assert kept_out.reason == "payload_too_large"
    assert kept_out.raw == "pads/7/casing: 10000000 bytes, maxPayload is 65536"
    assert [v for one in found for v in one.batch.value.tolist()] == [812.5]
    await adapter.close()
    again = make(broker.port, CASING, version=version)
    await again.connect()
    await publisher.publish("pads/7/casing", b"2")
    assert await values(again, 1) == [2.0]  # it was acknowledged: it does not come again
    await again.close()


async def test_a_topic_of_no_tag_is_acknowledged_counted_and_told_once(
    scripted: ScriptedBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = make(scripted.port, CASING)
    await adapter.connect()
    scripted.send(*(Publish(b"pads/9/other", b"1", 1, number) for number in (1, 2, 3)))
    errors = 0
    while errors < 3:
        delivery = await deliver(adapter)
        assert len(delivery.batch) == 0
        errors += delivery.errors["unknown_topic"]
        await delivery.ack()
    await scripted.until(lambda: scripted.acknowledged == [1, 2, 3])
    assert capsys.readouterr().out.count("pads/9/other") == 1
    await adapter.close()


# Topics and subscriptions


async def test_every_topic_is_subscribed_once(scripted: ScriptedBroker) -> None:
    tags = [tag("t;path=$.a", name="a"), tag("t;path=$.b", name="b"), CASING, tag("t", name="c")]
    adapter = make(scripted.port, *tags)
    await adapter.connect()
    assert scripted.subscribed == ["t", "pads/7/casing"]
    (subscribe,) = (packet for packet in scripted.got if isinstance(packet, Subscribe))
    assert {one.retained for one in subscribe.subscriptions} == {SEND_RETAINED_IF_NEW}
    await adapter.close()


async def test_a_thousand_topics_are_subscribed_in_several_packets(
    scripted: ScriptedBroker,
) -> None:
    tags = [tag(f"pads/{number}", name=f"t{number}") for number in range(1_000)]
    adapter = make(scripted.port, *tags)
    await adapter.connect()
    assert scripted.subscribed == [f"pads/{number}" for number in range(1_000)]
    assert sum(isinstance(packet, Subscribe) for packet in scripted.got) == 10
    await adapter.close()


async def test_thirty_thousand_topics_hold_up_nobody(scripted: ScriptedBroker) -> None:
    topics = [f"pads/{at}/casing" for at in range(30_000)]
    adapter = make(scripted.port, *(tag(topic, name=topic) for topic in topics))
    async with asyncio.timeout(PATIENCE_S):  # a hundred times as long as it takes
        await adapter.connect()
    assert scripted.subscribed == topics
    await adapter.close()


async def test_a_refused_subscription_costs_only_its_own_tags(scripted: ScriptedBroker) -> None:
    scripted.refused = {"pads/7/tubing": 0x87}
    adapter = make(scripted.port, CASING, TUBING)
    await adapter.connect()
    scripted.send(Publish(b"pads/7/casing", b"1", 1, 1))
    found = await take(adapter, 2)
    rows = [
        (one.batch.tags.tags[index].name, quality)
        for one in found
        for index, quality in zip(one.batch.tag_index, one.batch.quality.tolist(), strict=True)
    ]
    assert sorted(rows) == [("pressure", GOOD), ("tubing", BAD_DEVICE)]
    assert list(adapter.rejected) == [1]
    assert "pads/7/tubing" in adapter.rejected[1]
    assert "not authorized" in adapter.rejected[1]
    await adapter.close()


async def test_a_refused_subscription_is_tried_again_and_heals(
    scripted: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "RETRY_REFUSED_S", 0.05)
    scripted.refused = {"pads/7/tubing": 0x80}
    adapter = make(scripted.port, CASING, TUBING, version="3.1.1")
    await adapter.connect()
    assert list(adapter.rejected) == [1]
    scripted.refused = {}
    reader = asyncio.create_task(values(adapter, 3))
    await scripted.until(lambda: scripted.subscribed.count("pads/7/tubing") >= 2)
    scripted.send(Publish(b"pads/7/tubing", b"5", 1, 1), Publish(b"pads/7/casing", b"6", 1, 2))
    await reader
    assert adapter.rejected == {}
    await adapter.close()


async def test_a_broker_that_grants_less_is_told(scripted: ScriptedBroker) -> None:
    scripted.refused = {"pads/7/casing": 0}
    adapter = make(scripted.port, CASING)
    await adapter.connect()
    assert "only QoS 0 for 1 topics" in adapter.problems[0]
    await adapter.close()


async def test_tags_change_by_the_difference_of_their_topics(scripted: ScriptedBroker) -> None:
    third = tag("pads/7/flow", name="flow")
    adapter = make(scripted.port, CASING, TUBING)
    await adapter.connect()
    adapter.apply_tags(TagTable((TUBING, third)))
    reader = asyncio.create_task(values(adapter, 2))
    await scripted.until(lambda: any(isinstance(one, Unsubscribe) for one in scripted.got))
    assert scripted.subscribed == ["pads/7/casing", "pads/7/tubing", "pads/7/flow"]
    left = [name for one in scripted.got if isinstance(one, Unsubscribe) for name in one.filters]
    assert left == ["pads/7/casing"]
    scripted.send(Publish(b"pads/7/tubing", b"1", 1, 1), Publish(b"pads/7/flow", b"2", 1, 2))
    assert await reader == [1.0, 2.0]
    await adapter.close()


@pytest.mark.peers
async def test_a_tag_that_stays_loses_nothing_while_tags_change(
    broker: Mosquitto, publisher: Publisher, version: str
) -> None:
    adapter = make(broker.port, CASING, version=version)
    await adapter.connect()
    seen: list[float] = []
    for turn in range(20):
        sending = asyncio.create_task(
            publisher.publish(
                "pads/7/casing", *(b"%d" % n for n in range(turn * 10, turn * 10 + 10))
            )
        )
        adapter.apply_tags(TagTable((TUBING, CASING) if turn % 2 else (CASING,)))
        await sending
        for one in await take(adapter, 10):
            assert {one.batch.tags.tags[index].name for index in one.batch.tag_index} <= {
                "pressure"
            }
            seen += one.batch.value.tolist()
    assert seen == [float(number) for number in range(200)]
    await adapter.close()


@pytest.mark.peers
async def test_topics_that_no_tag_wants_after_a_restart_are_taken_back(
    broker: Mosquitto, publisher: Publisher, version: str, tmp_path: Path
) -> None:
    before = make(broker.port, CASING, TUBING, version=version, state=tmp_path)
    await before.connect()
    await before.close()
    adapter = make(broker.port, CASING, version=version, state=tmp_path)
    await adapter.connect()
    await publisher.publish("pads/7/tubing", b"1")
    await publisher.publish("pads/7/casing", b"2")
    found = await take(adapter, 1)
    assert not any("unknown_topic" in one.errors for one in found)
    await adapter.close()


@pytest.mark.peers
async def test_readers_of_one_group_divide_the_messages(
    broker: Mosquitto, publisher: Publisher, version: str
) -> None:
    both = [
        make(broker.port, CASING, name=name, shared_group="readers", version=version)
        for name in ("one", "two")
    ]
    seen: list[float] = []

    async def read(number: int) -> None:
        with contextlib.suppress(NotConnected):
            while True:
                delivery = await both[number].read_batch()
                await delivery.ack()
                seen.extend(delivery.batch.value.tolist())

    for one in both:
        await one.connect()
    tasks = [asyncio.create_task(read(number)) for number in range(2)]
    await publisher.publish("pads/7/casing", *(b"%d" % number for number in range(200)))
    async with asyncio.timeout(60):
        while len(seen) < 200:
            await asyncio.sleep(0.01)
    assert sorted(seen) == [float(number) for number in range(200)]
    for one in both:
        await one.close()
    await asyncio.gather(*tasks)


# Retained messages


@pytest.mark.peers
async def test_a_retained_message_is_of_unknown_age_and_stored_once(
    broker: Mosquitto, publisher: Publisher, version: str, tmp_path: Path
) -> None:
    await publisher.publish("pads/7/casing", b"812.5", retain=True)
    adapter = make(broker.port, CASING, TUBING, version=version, state=tmp_path)
    await adapter.connect()
    (one,) = await take(adapter, 1)
    assert (one.batch.value.tolist(), one.batch.quality.tolist()) == ([812.5], [OF_UNKNOWN_AGE])
    await adapter.connect()
    await publisher.publish("pads/7/tubing", b"1")
    assert await values(adapter, 1) == [1.0]
    await adapter.close()


@pytest.mark.peers
async def test_a_retained_message_that_was_read_live_is_not_stored_again(
    broker: Mosquitto, publisher: Publisher, version: str
) -> None:
    adapter = make(broker.port, CASING, TUBING, version=version)
    await adapter.connect()
    await publisher.publish("pads/7/casing", b"812.5", retain=True)
    (one,) = await take(adapter, 1)
    assert one.batch.quality.tolist() == [GOOD]
    await adapter.connect()
    await publisher.publish("pads/7/tubing", b"1")
    assert await values(adapter, 1) == [1.0]
    await adapter.close()


@pytest.mark.peers
async def test_a_retained_message_with_a_time_is_what_it_says(
    broker: Mosquitto, publisher: Publisher
) -> None:
    await publisher.publish("t", b'{"p": 1, "t": 1767225600}', retain=True)
    adapter = make(broker.port, tag("t;path=$.p;time=$.t"))
    await adapter.connect()
    (one,) = await take(adapter, 1)
    assert one.batch.quality.tolist() == [GOOD]
    assert one.batch.source_us.tolist() == [1_767_225_600_000_000]
    await adapter.close()


async def test_with_the_time_of_receipt_payloads_have_no_say_in_it(
    scripted: ScriptedBroker,
) -> None:
    tags = (
        tag("t;path=$.p;time=$.t", name="p"),
        tag("t;path=$.q", name="q"),
        tag("t;path=$.rows[*].p;time=$.rows[*].t", name="rows"),
    )
    adapter = make(scripted.port, *tags, source="receipt", time_path="$.t")
    before_us = SystemClock().now_us()
    await adapter.connect()
    rows = b'[{"p": 3, "t": 1}, {"p": 4, "t": 2}]'
    scripted.send(Publish(b"t", b'{"p": 1, "q": 2, "t": 9, "rows": ' + rows + b"}", 1, 1))
    (one,) = await take(adapter, 2)
    assert one.batch.value.tolist() == [1.0, 2.0]
    assert one.batch.quality.tolist() == [GOOD, GOOD]
    assert all(before_us < us <= SystemClock().now_us() for us in one.batch.source_us.tolist())
    assert [item.reason for item in one.quarantined] == ["several_values"]
    await adapter.close()


async def test_with_the_time_of_receipt_what_comes_again_keeps_its_first(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, tag("t;path=$.p;time=$.t"), source="receipt")
    await adapter.connect()
    message = Publish(b"t", b'{"p": 1, "t": 9}', 1, 1)
    scripted.send(message)
    first = await deliver(adapter)
    scripted.hang_up()
    assert (await lost(adapter)).reason == "Closed"
    scripted.connack = Connack(True, 0)
    await adapter.connect()
    scripted.send(replace(message, dup=True))
    again = await deliver(adapter)
    assert again.batch.source_us.tolist() == first.batch.source_us.tolist()
    assert again.batch.received_us > first.batch.received_us
    await adapter.close()


# Pressure, silence, QoS 0


async def test_what_nobody_takes_is_bounded(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, CASING, keep_alive="1s", timeout="200ms", qos=0)
    await adapter.connect()
    link = adapter._session.link
    assert link is not None
    number = 50_000
    scripted.send(*(Publish(b"pads/7/casing", b"%d" % n) for n in range(number)), Pingresp())
    scripted.got.clear()
    # it says that it lives, and takes the broker's silence for its own doing
    await scripted.until(lambda: any(isinstance(one, Pingreq) for one in scripted.got))
    assert INBOX_MESSAGES <= len(link.inbox) < INBOX_MESSAGES + 40_000
    assert await values(adapter, number) == [float(n) for n in range(number)]
    await adapter.close()


@pytest.mark.peers
async def test_a_backlog_larger_than_may_be_held_does_not_stand_before_the_login(
    broker: Mosquitto, publisher: Publisher, version: str, tmp_path: Path
) -> None:
    wanted = tag("pads/7/casing;path=$.p")
    first = make(broker.port, wanted, version=version, state=tmp_path)
    await first.connect()
    await first.close()
    number = 2 * link_module.INBOX_BYTES // 500_000
    padding = b'", "padding": "' + b"x" * 500_000 + b'"}'
    for at in range(number):
        await publisher.publish("pads/7/casing", b'{"p": %d, "more": "%s' % (at, padding))
    adapter = make(broker.port, wanted, TUBING, version=version, state=tmp_path)
    await adapter.connect()
    assert await values(adapter, number) == [float(at) for at in range(number)]
    await publisher.publish("pads/7/tubing", b"1")
    assert await values(adapter, 1) == [1.0]
    await adapter.close()


async def test_qos_0_is_not_said_to_come_again(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, CASING)
    await adapter.connect()
    scripted.send(
        Publish(b"pads/7/casing", b"1"),
        Publish(b"pads/7/casing", b"2", 1, 7),
        Publish(b"pads/7/casing", b"3"),
    )
    await scripted.until(lambda: True)
    found: list[Delivery] = []
    while sum(len(one.batch) for one in found) < 3:
        found.append(await deliver(adapter))
    again = {value: one.ack is not no_ack for one in found for value in one.batch.value.tolist()}
    assert again == {1.0: False, 2.0: True, 3.0: False}
    await adapter.close()


async def test_a_silent_broker_is_asked_and_given_up_when_it_does_not_answer(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, CASING, keep_alive="100ms", timeout="100ms")
    await adapter.connect()
    pings = sum(isinstance(packet, Pingreq) for packet in scripted.got)
    reader = asyncio.create_task(adapter.read_batch())
    await scripted.until(lambda: sum(isinstance(one, Pingreq) for one in scripted.got) >= pings + 3)
    assert not reader.done()
    scripted.pings = False
    with pytest.raises(NotConnected) as error:
        await reader
    assert error.value.reason == "Timeout"
    await adapter.close()


async def test_a_broker_that_sends_what_only_clients_send_is_garbled(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, CASING)
    await adapter.connect()
    scripted.send(Pingreq())
    assert (await lost(adapter)).reason == "Garbled"
    await adapter.close()


async def test_messages_of_one_tag_never_share_an_instant(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, CASING)
    await adapter.connect()
    scripted.send(*(Publish(b"pads/7/casing", b"1", 1, number) for number in range(1, 1_001)))
    found = await take(adapter, 1_000)
    times = np.concatenate([one.batch.source_us for one in found])
    assert (np.diff(times) > 0).all()
    await adapter.close()


async def test_redelivery_needs_no_help_of_who_reads(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, CASING)
    await adapter.connect()
    scripted.send(Publish(b"pads/7/casing", b"1", 1, 7))
    refused = await deliver(adapter)
    scripted.connack = replace(scripted.connack, session_present=True)  # type: ignore[type-var]
    scripted.greeting = [Publish(b"pads/7/casing", b"1", 1, 7, False, True)]
    adapter.redeliver()
    again = await deliver(adapter)
    assert again.batch.value.tolist() == refused.batch.value.tolist()
    assert again.batch.source_us.tolist() == refused.batch.source_us.tolist()
    scripted.got.clear()
    await again.ack()
    await scripted.until(lambda: scripted.acknowledged == [7])
    await adapter.close()


def test_a_link_bounds_what_it_holds_in_bytes_as_well() -> None:
    assert link_module.INBOX_BYTES <= 16 << 20


async def test_large_messages_are_delivered_a_few_at_a_time(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, tag("t;path=$.p"))
    await adapter.connect()
    large = b'{"p": %d, "more": "' + b"x" * (MOST_BYTES // 4) + b'"}'
    scripted.send(*(Publish(b"t", large % at, 1, at + 1) for at in range(12)))
    link = adapter._session.link
    assert link is not None
    async with asyncio.timeout(PATIENCE_S):
        while len(link.inbox) < 12:
            await asyncio.sleep(0.001)
    found = await take(adapter, 12)
    assert [one.batch.value.tolist() for one in found] == [
        [float(at) for at in range(first, first + 3)] for first in range(0, 12, 3)
    ]
    await adapter.close()
