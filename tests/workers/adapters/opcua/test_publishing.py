"""Messages of a subscription as a server that keeps to nothing sends them.

The channel is scripted: no server at hand sends them out of order or counts anew.
"""

# mypy: disable-error-code="attr-defined, arg-type, assignment"
from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from pumpjack_core.clock import SystemClock
from pumpjack_worker.adapters.opcua.channel import Channel
from pumpjack_worker.adapters.opcua.failures import BAD_MESSAGE_NOT_AVAILABLE, ServiceFault
from pumpjack_worker.adapters.opcua.publishing import (
    MOST_BEHIND,
    MOST_MISSING,
    Lost,
    Publishing,
    is_gone,
)
from tests.workers.adapters.opcua.published import item, published

SUBSCRIPTION = 5
LAST_NUMBER = 2**32 - 1


class Script:
    """A channel whose answers are given by the test. kept: what Republish finds, by number."""

    lost = None

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[bytes]] = deque()
        self.kept: dict[int, bytes] = {}
        self.asked: list[int] = []
        self.publishing = Publishing(SUBSCRIPTION, SystemClock(), lambda: None)
        self.channel = cast(Channel, self)
        self.publishing.start(self.channel)

    def send(self, request: Any) -> asyncio.Future[bytes]:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if isinstance(request, ua.PublishRequest):
            self.waiting.append(answer)
            return answer
        number = request.Parameters.RetransmitSequenceNumber
        self.asked.append(number)
        if number in self.kept:
            answer.set_result(self.kept[number])
        else:
            answer.set_exception(ServiceFault(BAD_MESSAGE_NOT_AVAILABLE, "Republish"))
        return answer

    async def answer(self, answer: asyncio.Future[Any], _what: str) -> Any:
        return await answer

    async def publish(self, *numbers: int, keep_alive: bool = False) -> None:
        for number in numbers:
            self.waiting.popleft().set_result(message(number, keep_alive=keep_alive))
            await asyncio.sleep(0)

    def taken(self) -> list[Any]:
        found = []
        while (one := self.publishing.take()) is not None:
            found.append(one if isinstance(one, Lost) else one.sequence)
        return found


def message(number: int, *, keep_alive: bool = False) -> bytes:
    if keep_alive:
        response = ua.PublishResponse()
        response.Parameters.SubscriptionId = SUBSCRIPTION
        response.Parameters.NotificationMessage.SequenceNumber = number
        body: bytes = struct_to_binary(response)
        return body
    value = ua.DataValue(ua.Variant(1.0, ua.VariantType.Double))
    return published([item(1, value)], subscription=SUBSCRIPTION, sequence=number)


def republished(number: int) -> bytes:
    response = ua.RepublishResponse()
    response.NotificationMessage.SequenceNumber = number
    change = ua.DataChangeNotification()
    change.MonitoredItems = [item(1, ua.DataValue(ua.Variant(1.0, ua.VariantType.Double)))]
    response.NotificationMessage.NotificationData = [change]
    body: bytes = struct_to_binary(response)
    return body


@pytest.fixture
async def script() -> Script:
    return Script()


async def test_messages_out_of_order_come_in_their_order(script: Script) -> None:
    await script.publish(1, 4, 3, 2)
    assert script.taken() == [1, 2, 3, 4]


async def test_after_the_last_number_comes_1(script: Script) -> None:
    script.publishing._next = LAST_NUMBER - 1
    await script.publish(LAST_NUMBER - 1, 1, LAST_NUMBER, 2)
    assert script.taken() == [LAST_NUMBER - 1, LAST_NUMBER, 1, 2]


async def test_a_keep_alive_does_not_replace_the_message_of_its_number(script: Script) -> None:
    await script.publish(2)
    await script.publish(2, keep_alive=True)
    await script.publish(1)
    assert script.taken() == [1, 2]


async def test_another_message_than_was_asked_for_again_is_none(script: Script) -> None:
    await script.publish(1, 3)
    script.kept[2] = republished(7)
    await script.publishing.repair(script.channel)
    assert script.taken() == [1, Lost(2, 1), 3]
    assert script.asked == [2]


async def test_what_is_missing_is_asked_for_by_its_number(script: Script) -> None:
    await script.publish(1, 4)
    script.kept |= {2: republished(2), 3: republished(3)}
    await script.publishing.repair(script.channel)
    assert script.taken() == [1, 2, 3, 4]


async def test_a_server_that_always_has_another_message_is_not_asked_for_ever(
    script: Script,
) -> None:
    class Endless(dict[int, bytes]):
        def __contains__(self, _number: object) -> bool:
            return True

        def __missing__(self, number: int) -> bytes:
            return republished(number)

    script.kept = Endless()
    async with asyncio.timeout(20):
        await script.publishing.catch_up(script.channel)
    assert len(script.asked) == MOST_MISSING


async def test_a_subscription_that_counts_anew_is_given_up_and_not_ignored_for_ever(
    script: Script,
) -> None:
    script.publishing._next = 1_000
    await script.publish(*range(1, MOST_BEHIND + 2))
    assert script.taken() == []
    trouble = script.publishing.trouble
    assert trouble is not None
    assert is_gone(trouble)


async def test_a_few_messages_that_come_twice_are_taken_once(script: Script) -> None:
    await script.publish(1, 2, 1, 2, 3)
    assert script.taken() == [1, 2, 3]
    assert script.publishing.trouble is None
