"""What is special about Modbus: units behind a gateway, refused registers, late answers."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import numpy as np
import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import ManifestError, NotConnected
from pumpjack_core.quality import BAD_COMM_FAILURE, BAD_DEVICE, GOOD
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.modbus_tcp import refusals
from pumpjack_worker.adapters.modbus_tcp.adapter import ModbusTcpAdapter
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from tests.faults import FaultProxy
from tests.workers.adapters.contract import PATIENCE_S, read, read_all, read_until_lost
from tests.workers.adapters.modbus_tcp.conftest import fill
from tests.workers.adapters.modbus_tcp.registers import WORDS, ModbusRig

HOLDING = Area.HOLDING


def registers(count: int, unit: int = 1, interval_s: float = 0.1) -> list[Tag]:
    """One int16 tag for each of the first registers."""
    return [
        Tag("w1", f"r{unit}_{at}", f"holding:@{at};unit={unit}", "uint16", interval_s)
        for at in range(count)
    ]


async def read_for(adapter: Adapter, polls: int) -> list[dict[str, tuple[float, int]]]:
    """So many batches, each as name to value and quality."""
    found = []
    for _ in range(polls):
        batch = await read(adapter)
        rows = zip(batch.tag_index, batch.value, batch.quality, strict=True)
        found.append(
            {batch.tags.tags[at].name: (float(value), int(code)) for at, value, code in rows}
        )
    return found


async def test_neighbouring_tags_are_one_request(rig: ModbusRig, device: SimulatedDevice) -> None:
    adapter = rig.make(*registers(20))
    await adapter.connect()
    await read(adapter)
    await adapter.close()
    assert device.requests == {(1, HOLDING, 0, 20): 1}


@pytest.mark.parametrize("code", [1, 2, 3, 4, 8])
async def test_a_refused_register_costs_only_its_tag(
    rig: ModbusRig, device: SimulatedDevice, code: int
) -> None:
    device.refused[1, HOLDING, 7] = code
    adapter = rig.make(*registers(20))
    await adapter.connect()
    [first, second] = await read_for(adapter, 2)
    for batch in (first, second):
        assert {name for name, (_, quality) in batch.items() if quality != GOOD} == {"r1_7"}
        assert batch["r1_7"][1] == BAD_DEVICE
        assert batch["r1_8"] == (float(WORDS[8]), GOOD)
    assert list(adapter.rejected) == [7]
    assert f"exception {code}" in adapter.rejected[7]
    await adapter.close()


async def test_what_is_refused_is_remembered_and_not_searched_again(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.refused[1, HOLDING, 7] = 2
    adapter = rig.make(*registers(20))
    await adapter.connect()
    await read(adapter)
    device.requests.clear()
    await read_for(adapter, 3)
    await adapter.close()
    assert set(device.requests) == {(1, HOLDING, 0, 7), (1, HOLDING, 8, 12)}


async def test_a_refused_register_that_heals_is_read_again(
    rig: ModbusRig, device: SimulatedDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "FIRST_RETRY_S", 0.2)
    device.refused.update({(1, HOLDING, at): 2 for at in (3, 7, 11)})
    adapter = rig.make(*registers(20))
    await adapter.connect()
    await read(adapter)
    assert list(adapter.rejected) == [3, 7, 11]
    device.refused.clear()
    async with asyncio.timeout(PATIENCE_S):
        while adapter.rejected:
            await read(adapter)
    device.requests.clear()
    [batch] = await read_for(adapter, 1)
    assert {quality for _, quality in batch.values()} == {GOOD}
    assert device.requests == {(1, HOLDING, 0, 20): 1}
    await adapter.close()


async def test_a_refused_register_that_no_tag_wants_is_gone_round(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.refused[1, HOLDING, 5] = 2
    tags = registers(10)
    adapter = rig.make(*tags[:4], *tags[7:])
    await adapter.connect()
    for batch in await read_for(adapter, 3):
        assert {quality for _, quality in batch.values()} == {GOOD}
    device.requests.clear()
    await read(adapter)
    assert set(device.requests) == {(1, HOLDING, 0, 4), (1, HOLDING, 7, 3)}
    assert adapter.rejected == {}
    await adapter.close()


async def test_a_device_that_takes_only_short_requests_is_read_in_short_ones(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    plain = device.answer
    device.answer = lambda unit, pdu: (  # type: ignore[method-assign]
        bytes([pdu[0] | 0x80, 3]) if pdu[4] > 8 else plain(unit, pdu)
    )
    adapter = rig.make(*registers(32))
    await adapter.connect()
    for batch in await read_for(adapter, 6):
        assert {quality for _, quality in batch.values()} == {GOOD}
    device.requests.clear()
    await read(adapter)
    assert sum(device.requests.values()) == 4
    await adapter.close()


async def test_where_everything_is_refused_every_tag_is_bad_and_told(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.refused.update({(1, HOLDING, at): 2 for at in range(60)})
    adapter = rig.make(*registers(60))
    await adapter.connect()
    for batch in await read_for(adapter, 6):
        assert len(batch) == 60
        assert {quality for _, quality in batch.values()} == {BAD_DEVICE}
    assert len(adapter.rejected) == 60
    await adapter.close()


async def test_an_answer_of_the_wrong_length_is_no_reading(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    plain = device.answer

    def short(unit: int, pdu: bytes) -> bytes | None:
        answer = plain(unit, pdu)
        holds_five = int.from_bytes(pdu[1:3], "big") <= 5 < pdu[2] + pdu[4]
        return answer[:-2] if holds_five and answer else answer

    device.answer = short  # type: ignore[method-assign]
    adapter = rig.make(*registers(10))
    await adapter.connect()
    [batch] = await read_for(adapter, 1)
    assert {name for name, (_, quality) in batch.items() if quality != GOOD} == {"r1_5"}
    assert "does not hold what was asked for" in adapter.rejected[5]
    await adapter.close()


@pytest.fixture
async def gateway(device: SimulatedDevice) -> AsyncIterator[ModbusRig]:
    """Units 1, 2 and 3 behind one address."""
    fill(device, 2)
    fill(device, 3)
    async with DeviceServer({0: device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            yield ModbusRig(proxy)


def units(*numbers: int) -> list[Tag]:
    return [tag for unit in numbers for tag in registers(5, unit)]


async def test_a_dead_unit_is_bad_and_its_neighbours_stay_good(
    gateway: ModbusRig, device: SimulatedDevice
) -> None:
    device.silent.add(2)
    connection = gateway.connection(timeout="100ms", retries=0)
    adapter = gateway.make(*units(1, 2, 3), connection=connection)
    await adapter.connect()
    seen: dict[str, list[int]] = {}
    for batch in await read_for(adapter, 20):
        for name, (_, quality) in batch.items():
            seen.setdefault(name, []).append(quality)
    assert set(seen["r2_0"]) == {BAD_COMM_FAILURE}
    assert 2 <= len(seen["r2_0"]) < len(seen["r1_0"]), "told again at each probe, not each poll"
    assert set(seen["r1_0"]) == set(seen["r3_0"]) == {GOOD}
    assert adapter.rejected == {}, "its addresses are not what is wrong"
    device.silent.clear()
    async with asyncio.timeout(PATIENCE_S):
        while (await read_for(adapter, 1))[0].get("r2_4", (0, BAD_DEVICE))[1] != GOOD:
            pass
    assert gateway.proxy.connections == 1, "the session was never given up for one unit"
    await adapter.close()


async def test_a_unit_that_was_away_has_marks_at_both_ends_of_its_gap(
    gateway: ModbusRig, device: SimulatedDevice
) -> None:
    """Its other tags, read once an hour, are marked with it."""
    hourly = Tag("w1", "hourly", "holding:@9;unit=2", "uint16", 3_600.0)
    connection = gateway.connection(timeout="100ms", retries=0)
    adapter = gateway.make(*registers(2, 1), *registers(2, 2), hourly, connection=connection)
    clock = SystemClock()
    seen: dict[str, list[tuple[int, int]]] = {}

    async def read_until(name: str, quality: int, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while [code for _, code in seen.get(name, ())].count(quality) < count:
                batch = await read(adapter)
                for at, us, code in zip(
                    batch.tag_index, batch.source_us.tolist(), batch.quality.tolist(), strict=True
                ):
                    seen.setdefault(batch.tags.tags[at].name, []).append((us, code))

    await adapter.connect()
    await read_until("r2_0", GOOD, 2)
    silent_us = clock.now_us()
    device.silent.add(2)
    await read_until("r2_0", BAD_COMM_FAILURE, 3)
    device.silent.clear()
    heard_us = clock.now_us()
    await read_until("r2_0", GOOD, 3)
    await adapter.close()
    for name in ("r2_0", "r2_1", "hourly"):
        marks = [us for us, code in seen[name] if code == BAD_COMM_FAILURE]
        goods = [us for us, code in seen[name] if code == GOOD]
        assert len(marks) >= 3
        assert max(us for us in goods if us < marks[0]) <= silent_us + 500_000
        assert silent_us < marks[0] < marks[-1] < min(us for us in goods if us > marks[0])
        assert heard_us - marks[-1] < heard_us - marks[0], "one at each failed probe, to the last"
    assert {code for _, code in seen["r1_0"]} == {GOOD}


@pytest.mark.parametrize(("code", "quality"), [(6, BAD_DEVICE), (5, BAD_DEVICE)])
async def test_a_busy_unit_is_not_taken_for_a_wrong_address(
    gateway: ModbusRig, device: SimulatedDevice, code: int, quality: int
) -> None:
    device.trouble[2] = code
    adapter = gateway.make(*units(1, 2))
    await adapter.connect()
    seen = await read_all(adapter, 10)
    assert seen["r2_0"][1] == quality
    assert seen["r1_0"][1] == GOOD
    assert adapter.rejected == {}
    await adapter.close()


@pytest.mark.parametrize("code", [10, 11])
async def test_a_gateway_that_cannot_reach_a_unit_is_a_dead_unit(
    gateway: ModbusRig, device: SimulatedDevice, code: int
) -> None:
    device.trouble[2] = code
    adapter = gateway.make(*units(1, 2))
    await adapter.connect()
    seen = await read_all(adapter, 10)
    assert seen["r2_0"][1] == BAD_COMM_FAILURE
    assert seen["r1_0"][1] == GOOD
    assert adapter.rejected == {}
    await adapter.close()


async def test_when_no_unit_answers_it_is_disconnected_until_one_does(
    gateway: ModbusRig, device: SimulatedDevice
) -> None:
    device.silent.update({1, 2})
    connection = gateway.connection(timeout="100ms", retries=0)
    adapter = gateway.make(*units(1, 2), connection=connection)
    await adapter.connect()
    batches, error = await read_until_lost(adapter)
    assert error.reason == "Timeout"
    assert "no unit answers" in str(error)
    assert {code for batch in batches for code in batch.quality.tolist()} == {BAD_COMM_FAILURE}
    for _ in range(2):
        with pytest.raises(NotConnected, match="no unit answers"):
            await adapter.connect()
    device.silent.remove(2)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await adapter.connect()
                break
            except NotConnected:
                continue
    seen = await read_all(adapter, 5)
    assert seen["r2_0"][1] == GOOD
    await adapter.close()


async def test_an_answer_that_comes_too_late_is_never_taken_for_the_next(
    gateway: ModbusRig, device: SimulatedDevice
) -> None:
    """The register counts the requests: a stale answer would show as an old number."""
    clock = SystemClock()
    asked_us: list[int] = []
    plain = device.answer

    def counting(unit: int, pdu: bytes) -> bytes | None:
        if unit == 1:
            asked_us.append(clock.now_us())
            device.memory(1, HOLDING).write(0, struct.pack(">H", len(asked_us)))
            late = len(asked_us) % 3 == 0  # comes while the next answer is awaited
            device.delay_s[1] = 0.15 if late else 0.08
        return plain(unit, pdu)

    device.answer = counting  # type: ignore[method-assign]
    connection = gateway.connection(timeout="100ms", retries=1)
    adapter = gateway.make(*registers(1), *registers(1, unit=2), connection=connection)
    await adapter.connect()
    read_at: list[tuple[int, float]] = []
    while len(read_at) < 10:
        batch = await read(adapter)
        rows = (batch.tag_index == 0) & (batch.quality == GOOD)
        read_at += zip(batch.source_us[rows].tolist(), batch.value[rows].tolist(), strict=True)
    await adapter.close()
    for us, value in read_at:
        assert value == sum(asked <= us for asked in asked_us), "the newest that was asked for"


async def test_a_device_that_hangs_up_between_polls_is_called_again(rig: ModbusRig) -> None:
    adapter = rig.make(*registers(3))
    await adapter.connect()
    for _ in range(3):
        [batch] = await read_for(adapter, 1)
        assert {quality for _, quality in batch.values()} == {GOOD}
        rig.proxy.hang_up()
        await asyncio.sleep(0.01)
    await adapter.close()
    assert rig.proxy.connections == 3


async def test_polls_that_were_missed_are_counted(rig: ModbusRig, device: SimulatedDevice) -> None:
    device.delay_s[1] = 0.25
    adapter = ModbusTcpAdapter(rig.connection(), TagTable(tuple(registers(2))), SystemClock())
    await adapter.connect()
    await read_for(adapter, 4)
    assert adapter.skipped_polls >= 3
    await adapter.close()


async def test_a_value_that_is_longer_than_the_longest_request_is_rejected(
    rig: ModbusRig,
) -> None:
    tag = Tag("w1", "total", "holding:@0", "float64", 1.0)
    adapter = rig.make(tag, connection=rig.connection(max_block=2))
    assert "raise it to 4" in adapter.rejected[0]


async def test_a_connection_without_its_member_is_an_error(rig: ModbusRig) -> None:
    connection = rig.connection()
    from msgspec.structs import replace

    bare = replace(connection, spec=replace(connection.spec, modbus_tcp=None))
    with pytest.raises(ManifestError, match=r"spec\.modbusTcp"):
        rig.make(connection=bare)


async def test_scaled_values_come_in_the_tags_unit(rig: ModbusRig) -> None:
    adapter = rig.make(Tag("w1", "level", "holding:@0", "int16", 0.1, scale=0.5, offset=100.0))
    await adapter.connect()
    [batch] = await read_for(adapter, 1)
    await adapter.close()
    raw = np.array([WORDS[0]], np.uint16).view(np.int16)[0]
    assert batch["level"] == (raw * 0.5 + 100.0, GOOD)
