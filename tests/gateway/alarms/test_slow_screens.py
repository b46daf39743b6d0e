"""A screen that does not read its alarms, on a real socket, and its neighbour that does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.alarms import Transition
from pumpjack_core.tags import Alarm
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import Field, many_tags, now_us
from tests.gateway.conftest import running
from tests.gateway.databases import Database
from tests.gateway.screens import Screen, screen
from tests.gateway.test_slow import SMALL, Sleeper

pytestmark = pytest.mark.servers
LONG = Alarm("hi", 1.0, message="m" * 256, consequence="c" * 512, response="r" * 512)


async def asleep(gateway: Gateway, field: Field) -> Sleeper:
    """A client that has subscribed to alarms and reads no more."""
    sleeper = await asyncio.to_thread(Sleeper, gateway, field.tenant)
    await asyncio.to_thread(sleeper.read_until, b'"connected"')
    await asyncio.to_thread(sleeper.send, b'{"type":"subscribe-alarms"}')
    await asyncio.to_thread(sleeper.read_until, b'"alarm-counts"')
    return sleeper


class Turner:
    """Raises and returns all alarms of a field, in turn; its neighbour sees each event."""

    def __init__(self, field: Field, neighbour: Screen, gateway: Gateway) -> None:
        self._field = field
        self._neighbour = neighbour
        self._gateway = gateway
        self._active = False
        self.event_no = 0

    def metric(self, line: str) -> float:
        for text in self._gateway.metrics.text().decode().splitlines():
            if text.startswith(line + " "):
                return float(text.rpartition(" ")[2])
        return 0.0

    async def until(self, line: str, least: float) -> None:
        """Until a metric has at least this value."""
        for _ in range(400):
            if self.metric(line) >= least:
                return
            self._active = not self._active
            await self._field.store(
                *(
                    (tag.well_id, tag.name, Transition(0, "hi", self._active, now_us(), 2.0))
                    for tag in self._field.tags
                )
            )
            await self._field.wake()
            for _ in self._field.tags:
                told = await self._neighbour.until("alarm")
                self.event_no = told["event"]["eventNo"]
        raise AssertionError(f"{line} did not come to {least}")


async def test_a_slow_screen_gets_each_changed_alarm_once_and_its_neighbour_gets_everything(
    alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    field = Field(alarm_database, valkey.url)
    await field.open(*many_tags(["a1"], [f"t{n}" for n in range(20)], LONG))
    async with running(valkey.url, alarm_database.gateway_url, **SMALL) as gateway:
        async with screen(gateway, field.tenant) as neighbour:
            await neighbour.say(type="subscribe-alarms")
            await neighbour.until("alarms")
            sleeper = await asleep(gateway, field)
            turner = Turner(field, neighbour, gateway)
            await turner.until("scada_websocket_conflated_messages_total", 25)
            numbers = [one["event"]["eventNo"] for one in neighbour.seen if one["type"] == "alarm"]
            assert numbers == list(range(1, turner.event_no + 1))
            told = await asyncio.to_thread(sleeper.read_until, b'"alarms-conflated"')
            told += await asyncio.to_thread(sleeper.read_until, b'"alarm-counts"')
            start = told.index(b'{"type":"alarms-conflated"')
            message: dict[str, Any]
            message, _ = json.JSONDecoder().raw_decode(told[start:].decode(errors="replace"))
            held = [one["alarmId"] for one in message["alarms"]]
            assert len(held) == len(set(held)) <= 20
            assert message["eventNo"] == turner.event_no
            assert message["messages"] >= 25
            sleeper.close()
    await field.close()


async def test_a_screen_that_stays_asleep_is_closed_with_the_code_of_slow_ones(
    alarm_database: Database, valkey: EmbeddedValkey
) -> None:
    field = Field(alarm_database, valkey.url)
    await field.open(*many_tags(["a1"], [f"t{n}" for n in range(20)], LONG))
    async with running(
        valkey.url, alarm_database.gateway_url, ws_slow_limit_s=0.3, **SMALL
    ) as gateway:
        async with screen(gateway, field.tenant) as neighbour:
            await neighbour.say(type="subscribe-alarms")
            await neighbour.until("alarms")
            sleeper = await asleep(gateway, field)
            turner = Turner(field, neighbour, gateway)
            await turner.until('scada_websocket_closed_total{code="4008"}', 1)
            sleeper.close()
    await field.close()
