"""A slow client is conflated, told so, and closed if it stays slow."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pumpjack_core import wire
from pumpjack_core.clock import iso_us
from pumpjack_gateway.live.frames import text_frame
from pumpjack_gateway.live.message import Message
from pumpjack_gateway.live.messages import Close
from pumpjack_gateway.live.outlet import Limits, Outlet
from pumpjack_gateway.metrics import Metrics


class FakeWire:
    """Keeps what is written; pauses when it is told to."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.buffered_bytes = 0
        self.ended: tuple[int, str] | None = None

    def write_frame(self, frame: bytes) -> None:
        self.frames.append(frame)

    def end(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    def messages(self) -> list[dict[str, Any]]:
        found = [json.loads(frame[frame.index(b"{") :]) for frame in self.frames]
        self.frames.clear()
        return found


def message(seq: int, values: dict[str, float], *, well: str = "w", at_us: int = 0) -> Message:
    body = wire.Readings(
        epoch="e",
        seq=seq,
        prev=seq - 1,
        tenant_id="t",
        well_id=well,
        connection_id="c",
        source_protocol="modbus-tcp",
        received_at=iso_us(0),
        readings=tuple(
            wire.Reading(name, value, "GOOD", None, iso_us(at_us or seq))
            for name, value in values.items()
        ),
    )
    text = wire.encode(body)
    return Message(wire.decode_envelope(text), text)


def outlet(**limits: Any) -> tuple[Outlet, FakeWire]:
    end = FakeWire()
    return Outlet(end, Limits(**({"most_bytes": 1000, "slow_s": 30.0} | limits)), Metrics()), end


def test_a_fast_client_gets_each_message_as_it_is() -> None:
    out, end = outlet()
    one = message(1, {"flow": 1.0})
    out.feed(one)
    assert end.frames == [one.frame]


async def test_a_slow_client_gets_the_latest_of_each_tag_and_is_told_what_is_missing() -> None:
    out, end = outlet()
    out.paused()
    for seq in range(1, 6):
        out.feed(message(seq, {"flow": float(seq), "level": 2.0 * seq}))
    out.feed(message(6, {"temperature": 9.0}))
    assert end.frames == []
    out.resumed()
    (told,) = end.messages()
    assert told.pop("readings") == [
        {"tagName": tag, "value": value, "quality": "GOOD", "reason": None, "timestamp": iso_us(us)}
        for tag, value, us in (("flow", 5.0, 5), ("level", 10.0, 5), ("temperature", 9.0, 6))
    ]
    assert told == {
        "type": "conflated",
        "epoch": "e",
        "seq": 6,
        "tenantId": "t",
        "wellId": "w",
        "connectionId": "c",
        "sourceProtocol": "modbus-tcp",
        "messages": 6,
        "dropped": 8,
    }
    assert (out.conflated, out.dropped) == (6, 8)


async def test_backfill_does_not_take_the_place_of_what_is_newer() -> None:
    out, end = outlet()
    out.paused()
    out.feed(message(1, {"flow": 1.0}, at_us=1000))
    out.feed(message(2, {"flow": 2.0}, at_us=500))
    out.resumed()
    assert [one["value"] for one in end.messages()[0]["readings"]] == [1.0]


async def test_a_client_that_was_slow_with_nothing_to_say_is_told_nothing() -> None:
    out, end = outlet()
    out.paused()
    out.resumed()
    assert end.frames == []
    out.feed(message(1, {"flow": 1.0}))
    assert end.messages()[0]["type"] == "readings"


async def test_a_client_that_pauses_again_gets_the_rest_later() -> None:
    out, end = outlet()
    out.paused()
    for well in ("a", "b", "c"):
        out.feed(message(1, {"flow": 1.0}, well=well))
    written = end.write_frame

    def write_and_pause(frame: bytes) -> None:
        written(frame)
        out.paused()

    end.write_frame = write_and_pause  # type: ignore[method-assign]
    for well in ("a", "b", "c"):
        out.resumed()
        assert [one["wellId"] for one in end.messages()] == [well]
    assert end.ended is None


async def test_a_client_that_stays_slow_is_closed() -> None:
    out, end = outlet(slow_s=0.01)
    out.paused()
    while end.ended is None:
        await asyncio.sleep(0.001)
    assert end.ended[0] == Close.SLOW_CONSUMER


async def test_a_client_that_caught_up_is_not_closed() -> None:
    out, end = outlet(slow_s=0.01)
    out.paused()
    out.resumed()
    await asyncio.sleep(0.05)
    assert end.ended is None


async def test_too_many_tags_to_keep_close_a_slow_client() -> None:
    out, end = outlet(most_readings=3)
    out.paused()
    out.feed(message(1, {"a": 1.0, "b": 1.0, "c": 1.0}))
    assert end.ended is None
    out.feed(message(2, {"a": 1.0, "d": 1.0}))
    assert end.ended is not None
    out.stop()


async def test_too_much_of_the_gateways_own_closes_a_slow_client() -> None:
    out, end = outlet(most_bytes=100)
    out.paused()
    end.buffered_bytes = 90
    out.tell(text_frame(b"{}"))
    assert end.ended is None
    out.tell(text_frame(b'{"type":"a rather long message"}'))
    assert end.ended is not None
    out.stop()


async def test_a_snapshot_makes_what_waits_worthless() -> None:
    out, end = outlet()
    out.paused()
    out.feed(message(1, {"flow": 1.0}, well="a"))
    out.feed(message(1, {"flow": 1.0}, well="b"))
    out.refresh("a", text_frame(b'{"type":"subscribed"}'))
    out.resumed()
    assert [(one["type"], one.get("wellId")) for one in end.messages()] == [
        ("subscribed", None),
        ("conflated", "b"),
    ]


async def test_readings_that_are_malformed_are_not_kept() -> None:
    out, end = outlet()
    out.paused()
    broken = wire.encode({"type": "readings", "readings": 7})
    out.feed(Message(message(1, {}).head, broken))
    out.resumed()
    assert end.frames == []
