"""Brokers that break the rules: told, survived, and never believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.link import INBOX_MESSAGES
from pumpjack_worker.adapters.mqtt.packets import (
    Connack,
    Packet,
    Pingreq,
    Pingresp,
    Publish,
    Suback,
    Subscribe,
)
from tests.workers.adapters.mqtt.broker import tag
from tests.workers.adapters.mqtt.reading import PATIENCE_S, lost, make, take, values
from tests.workers.adapters.mqtt.scripted import ScriptedBroker

TAG = tag("pads/7/casing")


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


def message(number: int, payload: bytes = b"1", **more: bool) -> Publish:
    return Publish(b"pads/7/casing", payload, 1, number, **more)


class Backwards(ScriptedBroker):
    """Sends what it has before it answers the login."""

    def __init__(self, *before: Packet) -> None:
        super().__init__()
        self.before = before
        self.connack = None

    def _answer(self, packet: Packet) -> None:
        super()._answer(packet)
        self.send(*self.before)


@pytest.mark.parametrize(
    "before",
    [(message(1),), (Suback(1, (1,)),), (Pingresp(),)],
    ids=["publish", "suback", "pingresp"],
)
async def test_nothing_comes_before_connack(before: tuple[Packet, ...]) -> None:
    async with Backwards(*before) as broker:
        adapter = make(broker.port, TAG)
        with pytest.raises(NotConnected, match="before CONNACK") as error:
            await adapter.connect()
        assert error.value.reason == "Garbled"
        await adapter.close()


async def test_a_flood_before_connack_does_not_hold_up_the_login_for_ever() -> None:
    flood = [message(number) for number in range(1, INBOX_MESSAGES + 2)]
    async with Backwards(*flood) as broker:
        adapter = make(broker.port, TAG, timeout="300ms")
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(NotConnected):
                await adapter.connect()
        await adapter.close()


async def test_a_second_connack_is_garbled(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(Connack(False, 0))
    assert (await lost(adapter)).reason == "Garbled"
    await adapter.close()


class FewerCodes(ScriptedBroker):
    """Answers a SUBSCRIBE with one code less than it has filters."""

    def _answer(self, packet: Packet) -> None:
        if isinstance(packet, Subscribe):
            self.send(Suback(packet.packet_id, (1,) * (len(packet.subscriptions) - 1)))
        else:
            super()._answer(packet)


async def test_a_suback_with_too_few_codes_grants_nothing() -> None:
    async with FewerCodes() as broker:
        adapter = make(broker.port, TAG, tag("pads/7/tubing"))
        with pytest.raises(NotConnected, match="2 subscriptions with 1 codes") as error:
            await adapter.connect()
        assert error.value.reason == "Garbled"
        await adapter.close()


async def test_a_suback_for_what_nobody_asked_is_garbled(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(Suback(4_711, (1,)))
    assert (await lost(adapter)).reason == "Garbled"
    await adapter.close()


async def test_a_packet_id_that_is_used_twice_before_its_puback_costs_no_message(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(7, b"1"), message(7, b"2"))
    assert await values(adapter, 2) == [1.0, 2.0]
    scripted.send(message(7, b"3"))
    assert await values(adapter, 1) == [3.0]
    await scripted.until(lambda: scripted.acknowledged == [7, 7, 7])
    await adapter.close()


async def test_a_session_that_is_said_to_go_on_and_was_never_there_is_a_new_one(
    scripted: ScriptedBroker,
) -> None:
    scripted.connack = Connack(True, 0)
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(message(1, b"5", dup=True))
    (delivery,) = await take(adapter, 1)
    assert not delivery.quarantined
    assert delivery.batch.value.tolist() == [5.0]
    await adapter.close()


async def test_a_topic_alias_that_was_not_allowed_is_garbled(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(Publish(b"", b"1", 1, 1, properties={v5.TOPIC_ALIAS: 1}))
    assert (await lost(adapter)).reason == "Garbled"
    await adapter.close()


async def test_a_broker_that_wants_to_hear_from_us_sooner_does(scripted: ScriptedBroker) -> None:
    scripted.connack = Connack(False, 0, {v5.SERVER_KEEP_ALIVE: 1})
    adapter = make(scripted.port, keep_alive="60s")
    await adapter.connect()
    reading = asyncio.create_task(adapter.read_batch())
    await scripted.until(lambda: sum(isinstance(one, Pingreq) for one in scripted.got) >= 3)
    await adapter.close()
    with pytest.raises(NotConnected):
        await reading


async def test_properties_that_reach_into_the_next_packet_are_garbled(
    scripted: ScriptedBroker,
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    one = bytes((0x32, 19)) + b"\0\x0dpads/7/casing\0\1" + b"\x7f1"
    scripted.send_raw(one + b"\0" * 200)
    assert (await lost(adapter)).reason == "Garbled"
    await adapter.close()
