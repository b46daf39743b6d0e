"""What becomes of a value: its status, its time, its type."""

from __future__ import annotations

import datetime
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import ConnectionClock as ClockSpec
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.quality import GOOD, Level, Reason, level_of, quality, reason_of
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.opcua.reading import Seen, read_for, read_until
from tests.workers.adapters.opcua.rig import INTERVAL_S, SimulatedRig

P, Q = "ns=2;s=well-1.pressure", "ns=2;s=well-1.count"
PRESSURE = Tag("w1", "pressure", P, "float64", INTERVAL_S)
COUNT = Tag("w1", "count", Q, "int64", INTERVAL_S, scale=0.5, offset=10.0)
S_US = 1_000_000
QUIET_S = 0.3
NO_TIME = -1
SIXTIES = datetime.datetime(1969, 7, 20, tzinfo=datetime.UTC)


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    async with SimulatedServer({P: ("float64", 1.0), Q: ("int64", 4)}) as server:
        yield server


@pytest.fixture
async def rig(server: SimulatedServer) -> AsyncIterator[SimulatedRig]:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        yield SimulatedRig(server, proxy)


def first(name: str) -> Any:
    return lambda seen: bool(seen.of(name))


def count(name: str, number: int) -> Any:
    return lambda seen: len(seen.of(name)) >= number


def with_clock(rig: SimulatedRig, source: Any) -> Connection:
    connection = rig.connection()
    spec = ScadaConnectionSpec(
        protocol="opcua", opcua=connection.spec.opcua, clock=ClockSpec(source=source)
    )
    return Connection("permian", "permian-ops/plc", spec, connection.allowed_networks, "")


async def reading(rig: SimulatedRig, tag: Tag = PRESSURE) -> tuple[Any, Seen]:
    adapter = rig.make(tag)
    await adapter.connect()
    return adapter, await read_until(adapter, first(tag.name))


@pytest.mark.parametrize(
    ("status", "level", "reason"),
    [
        (0x808C0000, Level.BAD, Reason.SENSOR_FAILURE),
        (0x808D0000, Level.BAD, Reason.OUT_OF_SERVICE),
        (0x808B0000, Level.BAD, Reason.DEVICE_BAD),
        (0x80310000, Level.BAD, Reason.COMM_FAILURE),
        (0x80320000, Level.BAD, Reason.COMM_FAILURE),
        (0x80890000, Level.BAD, Reason.CONFIG_ERROR),
        (0x803C0000, Level.BAD, Reason.OUT_OF_RANGE),
        (0x80000000, Level.BAD, Reason.DEVICE_BAD),
    ],
)
async def test_a_bad_status_has_its_reason_and_no_value(
    rig: SimulatedRig, status: int, level: Level, reason: Reason
) -> None:
    adapter, seen = await reading(rig)
    await rig.server.write(P, 2.0)
    await rig.server.write(P, 2.0, status=status)
    await read_until(adapter, count("pressure", 3), seen)
    await adapter.close()
    last = seen.of("pressure")[-1]
    assert math.isnan(last.value), "never the last good one"
    assert (level_of(last.quality), reason_of(last.quality)) == (level, reason)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x40900000, quality(Level.UNCERTAIN, Reason.LAST_KNOWN)),
        (0x408F0000, quality(Level.UNCERTAIN, Reason.LAST_KNOWN)),
        (0x40930000, quality(Level.UNCERTAIN, Reason.DEVICE_UNCERTAIN)),
        (0x40940000, quality(Level.UNCERTAIN, Reason.OUT_OF_RANGE)),
        (0x00960000, quality(Level.GOOD, Reason.LOCAL_OVERRIDE)),
        (0x00000000, GOOD),
    ],
)
async def test_another_status_keeps_the_value_and_says_its_reason(
    rig: SimulatedRig, status: int, expected: int
) -> None:
    adapter, seen = await reading(rig)
    await rig.server.write(P, 2.5, status=status)
    await read_until(adapter, count("pressure", 2), seen)
    await adapter.close()
    assert seen.of("pressure")[-1][1:3] == (2.5, expected)


async def test_values_are_scaled_and_keep_the_devices_time(rig: SimulatedRig) -> None:
    adapter, seen = await reading(rig, COUNT)
    at_us = SystemClock().now_us() - 7 * S_US
    await rig.server.write(Q, 100, source_us=at_us)
    await read_until(adapter, count("count", 2), seen)
    await adapter.close()
    assert seen.values("count") == [12.0, 60.0]
    assert seen.of("count")[-1].us == at_us


async def test_an_integer_that_a_float_cannot_hold_is_uncertain(rig: SimulatedRig) -> None:
    adapter, seen = await reading(rig, COUNT)
    await rig.server.write(Q, 2**53 + 1)
    await read_until(adapter, count("count", 2), seen)
    await adapter.close()
    assert seen.of("count")[-1].quality == quality(Level.UNCERTAIN, Reason.PRECISION)


async def test_a_time_that_is_missing_is_the_other_one_or_that_of_receipt(
    rig: SimulatedRig,
) -> None:
    adapter, seen = await reading(rig)
    server_us = SystemClock().now_us() + 2 * S_US
    await rig.server.write(P, 2.0, source_us=NO_TIME, server_us=server_us)
    before_us = SystemClock().now_us()
    await rig.server.write(P, 3.0, source_us=NO_TIME, server_us=NO_TIME)
    await read_until(adapter, count("pressure", 3), seen)
    await adapter.close()
    by_value = {row.value: row.us for row in seen.rows}
    assert by_value[2.0] == server_us
    assert by_value[3.0] >= before_us


@pytest.mark.parametrize("source", ["device", "server", "receipt"])
async def test_the_manifest_says_whose_clock_is_believed(rig: SimulatedRig, source: str) -> None:
    adapter = rig.make(PRESSURE, connection=with_clock(rig, source))
    await adapter.connect()
    seen = await read_until(adapter, first("pressure"))
    now_us = SystemClock().now_us()
    await rig.server.write(P, 2.0, source_us=now_us - 9 * S_US, server_us=now_us - 5 * S_US)
    await read_until(adapter, count("pressure", 2), seen)
    await adapter.close()
    us = seen.of("pressure")[-1].us
    expected = {"device": now_us - 9 * S_US, "server": now_us - 5 * S_US}
    if source == "receipt":
        assert us >= now_us
    else:
        assert us == expected[source]


async def test_a_source_time_that_stands_still_is_replaced_marked_and_counted(
    rig: SimulatedRig,
) -> None:
    adapter, seen = await reading(rig)
    still_us = SystemClock().now_us()
    moving_us = [still_us + at * S_US for at in range(3)]
    for at, server_us in enumerate(moving_us):
        await rig.server.write(P, 10.0 + at, source_us=still_us, server_us=server_us)
    await read_until(adapter, count("pressure", 4), seen)
    await adapter.close()
    clock = quality(Level.UNCERTAIN, Reason.CLOCK)
    assert [row[1:] for row in seen.of("pressure")[1:]] == [
        (10.0, GOOD, still_us),
        (11.0, clock, moving_us[1]),
        (12.0, clock, moving_us[2]),
    ]
    assert seen.errors["static_timestamp"] == 2
    assert any("w1 pressure: the source time stands still" in one for one in adapter.problems)


async def test_where_all_times_stand_still_the_time_of_receipt_is_taken(
    rig: SimulatedRig,
) -> None:
    adapter, seen = await reading(rig)
    still_us = SystemClock().now_us() - 60 * S_US
    for value in (10.0, 11.0):
        await rig.server.write(P, value, source_us=still_us, server_us=still_us)
    await read_until(adapter, count("pressure", 3), seen)
    await adapter.close()
    assert seen.of("pressure")[-1].us > still_us + 59 * S_US


async def test_a_queue_that_overflowed_is_counted_and_told(rig: SimulatedRig) -> None:
    adapter = rig.make(
        PRESSURE, connection=rig.connection(queue_size=2, publishing_interval="300ms")
    )
    await adapter.connect()
    seen = await read_until(adapter, first("pressure"))
    for value in range(2, 12):
        await rig.server.write(P, float(value))
    await read_until(adapter, lambda seen: seen.has("pressure", 11.0), seen)
    await adapter.close()
    assert seen.errors["queue_overflow"] >= 1
    assert {row.quality for row in seen.rows} == {GOOD}
    assert any("queueSize" in one for one in adapter.problems)


@pytest.mark.parametrize(
    ("data_type", "value", "reason", "raw"),
    [
        ("text", "12.5", "text_value", "12.5"),
        ("float64", [1.0, 2.0], "unexpected_type", "Double: [1.0, 2.0]"),
        ("datetime", SIXTIES, "unexpected_type", f"DateTime: {SIXTIES!r}"),
    ],
)
async def test_a_node_whose_type_changes_is_bad_told_and_heals(
    rig: SimulatedRig, data_type: str, value: Any, reason: str, raw: str
) -> None:
    adapter, seen = await reading(rig)
    await rig.server.write(P, value, data_type=data_type)
    await read_until(adapter, count("pressure", 2), seen)
    last = seen.of("pressure")[-1]
    assert math.isnan(last.value)
    assert last.quality == quality(Level.BAD, Reason.CONFIG_ERROR)
    assert [(one.tag_index, one.reason, one.raw) for one in seen.quarantined] == [(0, reason, raw)]
    assert P in adapter.rejected[0]
    await rig.server.write(P, 3.0)
    await read_until(adapter, count("pressure", 3), seen)
    await adapter.close()
    assert seen.of("pressure")[-1][1:3] == (3.0, GOOD)
    assert adapter.rejected == {}


async def test_not_a_number_is_passed_on_to_be_judged(rig: SimulatedRig) -> None:
    adapter, seen = await reading(rig)
    await rig.server.write(P, math.nan)
    await read_until(adapter, count("pressure", 2), seen)
    await adapter.close()
    assert math.isnan(seen.of("pressure")[-1].value)


async def test_a_value_that_was_never_set_is_bad(rig: SimulatedRig) -> None:
    await rig.server.write(P, None, status=0x80320000, source_us=NO_TIME)
    _adapter, seen = await reading(rig)
    await _adapter.close()
    assert reason_of(seen.of("pressure")[0].quality) == Reason.COMM_FAILURE


async def test_a_setpoint_that_nobody_touched_for_a_year_is_read_as_of_now(
    rig: SimulatedRig,
) -> None:
    year_us = 365 * 86_400 * S_US
    now_us = SystemClock().now_us()
    await rig.server.write(P, 55.0, source_us=now_us - year_us)
    adapter, seen = await reading(rig)
    await read_for(adapter, QUIET_S, seen)
    await adapter.close()
    (row,) = seen.of("pressure")
    assert row.value == 55.0
    assert row.us >= now_us
