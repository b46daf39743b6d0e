"""What a screen sees of alarms on the WebSocket."""

from __future__ import annotations

from typing import Any

import pytest

from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.field import WELL, Field, now_us
from tests.gateway.screens import Screen, screen

pytestmark = pytest.mark.servers


async def watch(client: Screen) -> dict[str, Any]:
    """Subscribe; the first picture."""
    await client.say(type="subscribe-alarms")
    return await client.until("alarms")


async def test_a_screen_sees_all_alarms_and_then_each_event_once_in_order(
    alarm_gateway: Gateway, field: Field
) -> None:
    await field.set(True, "hi")
    async with screen(alarm_gateway, field.tenant) as client:
        first = await watch(client)
        assert [(one["condition"], one["state"]) for one in first["alarms"]] == [
            ("hi", "unacknowledged")
        ]
        assert (first["current"], first["resumed"]) == (True, False)
        assert first["asOf"] is not None
        await field.set(True, "hihi", value=2450.0)
        await field.set(False, "hi", value=1990.0)
        raised = await client.until("alarm")
        returned = await client.until("alarm")
        numbers = [first["eventNo"] + 1, first["eventNo"] + 2]
        assert [one["event"]["eventNo"] for one in (raised, returned)] == numbers
        assert (raised["alarmId"], raised["state"]) == (field.id("hihi"), "unacknowledged")
        assert raised["event"]["kind"] == "raised"
        assert (raised["value"], raised["limit"], raised["unit"]) == (2450.0, 2400.0, "psi")
        assert (raised["message"], raised["response"]) == ("Tubing pressure very high", "Open it")
        assert (returned["state"], returned["confirmed"]) == ("returned_unacknowledged", True)


async def test_a_condition_is_shown_before_the_database_has_it_and_then_confirmed(
    alarm_gateway: Gateway, field: Field
) -> None:
    async with screen(alarm_gateway, field.tenant) as client:
        await watch(client)
        at = now_us()
        await field.tell(True, "hi", us=at)
        told = await client.until("alarm")
        assert (told["state"], told["confirmed"], told["event"]) == ("unacknowledged", False, None)
        assert (told["wellId"], told["priority"], told["value"]) == (WELL, 2, 2100.0)
        await field.set(True, "hi", us=at)
        stored = await client.until("alarm")
        assert (stored["state"], stored["confirmed"]) == ("unacknowledged", True)
        assert stored["event"]["kind"] == "raised"
        await client.nothing_but("alarm-counts")
