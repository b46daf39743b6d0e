"""What a screen sees of a well."""

from __future__ import annotations

import pytest

from pumpjack_core import wire
from pumpjack_gateway.main import Gateway
from tests.gateway.fake_worker import FakeWorker
from tests.gateway.screens import screen

pytestmark = pytest.mark.servers


async def test_a_screen_gets_a_snapshot_and_then_what_is_published(
    gateway: Gateway, worker: FakeWorker
) -> None:
    first = await worker.publish("pad7-3", {"casing_pressure": 812.5, "flow": None})
    async with screen(gateway, worker.tenant) as client:
        snapshot = await client.subscribe("pad7-3")
        assert snapshot["source"] == "feed"
        assert {one["tagName"]: one["value"] for one in snapshot["latest"]} == {
            "casing_pressure": 812.5,
            "flow": None,
        }
        assert snapshot["positions"] == {
            worker.connection: {"epoch": worker.epoch, "seq": first.seq}
        }
        sent = await worker.publish("pad7-3", {"casing_pressure": 813.0})
        assert await client.until("readings") == __import__("json").loads(wire.encode(sent))
