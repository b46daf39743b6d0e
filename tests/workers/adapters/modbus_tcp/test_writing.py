"""Writes on the wire, and what devices make of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from pumpjack_core.errors import DeviceError, NotConnected, Unanswered, WriteRefused
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.modbus_tcp.address import Area, parse_address
from pumpjack_worker.adapters.modbus_tcp.frames import DONE, MALFORMED, verdict_of
from pumpjack_worker.adapters.modbus_tcp.simulated_device import SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.writing import requests
from tests.workers.adapters.contract import read, reading, until_read_back
from tests.workers.adapters.modbus_tcp.registers import WORDS, ModbusRig

FREE = len(WORDS) - 1
"""The last register that the device has: the status word."""
ANY = Write(low=-1e9, high=1e9)
ON_OFF = Write(states=(0, 1))

FRAMES = {
    "a register": ("holding:@1", "uint16", 3, "00 01 00 00 00 06 11 06 00 01 00 03"),
    "a register, bytes swapped": (
        "holding:@1;order=BADC",
        "uint16",
        3,
        "00 01 00 00 00 06 11 06 00 01 03 00",
    ),
    "two registers": (
        "holding:@1",
        "uint32",
        0x000A0102,
        "00 01 00 00 00 0b 11 10 00 01 00 02 04 00 0a 01 02",
    ),
    "two registers, words swapped": (
        "holding:@1;order=CDAB",
        "uint32",
        0x000A0102,
        "00 01 00 00 00 0b 11 10 00 01 00 02 04 01 02 00 0a",
    ),
    "a coil on": ("coil:@172", "bool", True, "00 01 00 00 00 06 11 05 00 ac ff 00"),
    "a coil off": ("coil:@172", "bool", False, "00 01 00 00 00 06 11 05 00 ac 00 00"),
    "a bit on": ("holding:@4.2", "bool", True, "00 01 00 00 00 08 11 16 00 04 ff fb 00 04"),
    "a bit off": ("holding:@4.9", "bool", False, "00 01 00 00 00 08 11 16 00 04 fd ff 00 00"),
}
"""Requests to unit 17, as in the specification's examples (V1.1b3, 6.5 to 6.16)."""


@pytest.mark.parametrize(("address", "kind", "raw", "frame"), FRAMES.values(), ids=FRAMES)
def test_golden_write(address: str, kind: str, raw: Any, frame: str) -> None:
    request = requests(parse_address(address, kind, 17), raw)[0]
    assert request.frame(1) == bytes.fromhex(frame)


def test_a_yes_is_only_the_echo_of_what_was_asked() -> None:
    request = requests(parse_address("holding:@1", "uint32", 1), 7)[0]
    assert verdict_of(request, bytes.fromhex("10 0001 0002")) == DONE
    assert verdict_of(request, bytes.fromhex("90 03")) == 3
    for other in ("10 0001 0001", "10 0002 0002", "06 0001 0007", "10 0001 0002 00", "90"):
        assert verdict_of(request, bytes.fromhex(other)) == MALFORMED, other


@contextlib.asynccontextmanager
async def connected(rig: ModbusRig, *tags: Tag, **settings: Any) -> AsyncIterator[Adapter]:
    adapter = rig.make(*tags, connection=rig.connection(**settings))
    await adapter.connect()
    yield adapter
    await adapter.close()


def register(name: str = "speed", *, write: Write = ANY, **more: Any) -> Tag:
    return Tag("w1", name, f"holding:@{FREE}", "uint16", 3600.0, write=write, **more)


def bit(number: int) -> Tag:
    return Tag("w1", f"bit{number}", f"holding:@{FREE}.{number}", "bool", 3600.0, write=ON_OFF)


async def test_a_device_that_says_no_is_told_in_its_words(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.refuses = 3
    async with connected(rig, register()) as adapter:
        with pytest.raises(
            WriteRefused, match=r"unit 1 .* speed .*exception 3, illegal data value"
        ):
            await adapter.write(register(), 7)
    assert len(device.written) == 1


@pytest.mark.parametrize("code", [4, 5, 7, 8, 11, 77])
async def test_an_exception_that_leaves_open_what_was_done_is_no_refusal(
    rig: ModbusRig, device: SimulatedDevice, code: int
) -> None:
    """4: it failed on its way; 5: it takes its time; 11: the gateway heard nothing of the unit."""
    device.flaws.refuses = code
    async with connected(rig, register()) as adapter:
        with pytest.raises(Unanswered, match=f"exception {code}"):
            await adapter.write(register(), 7)


@pytest.mark.parametrize("code", [2, 3, 6, 10])
async def test_an_exception_that_comes_before_the_writing_is_a_refusal(
    rig: ModbusRig, device: SimulatedDevice, code: int
) -> None:
    device.flaws.refuses = code
    async with connected(rig, register()) as adapter:
        with pytest.raises(WriteRefused, match=f"exception {code}"):
            await adapter.write(register(), 7)


async def test_a_write_that_waited_behind_a_silent_one_asks_again_whether_it_may_go(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.mute = True
    went: list[str] = []

    def overtaken() -> None:
        went.append("second")
        raise WriteRefused("it has expired")

    async with connected(rig, register(), **rig.quick) as adapter:
        first = asyncio.create_task(adapter.write(register(), 7, lambda: went.append("first")))
        second = asyncio.create_task(adapter.write(register(), 8, overtaken))
        with pytest.raises(Unanswered):
            await first
        with pytest.raises(WriteRefused, match="expired"):
            await second
    assert went == ["first", "second"]
    assert [wish.content for wish in device.written] == [(7).to_bytes(2, "big")]


async def test_a_device_that_lies_is_found_out_by_reading_back(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.lies = True
    async with connected(rig, register()) as adapter:
        before = await adapter.read_back(register())
        await adapter.write(register(), 7)
        assert await adapter.read_back(register()) == before != 7


async def test_a_device_that_clamps_is_found_out_by_reading_back(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.on_write = lambda wish: min(wish.content, (100).to_bytes(2, "big"))
    async with connected(rig, register()) as adapter:
        await adapter.write(register(), 250)
        assert await adapter.read_back(register()) == 100


async def test_a_write_without_an_answer_is_sent_once_and_told_as_unknown(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.mute = True
    async with connected(rig, register(), **rig.quick) as adapter:
        with pytest.raises(Unanswered, match="did not answer"):
            await adapter.write(register(), 7)
        assert await adapter.read_back(register()) == 7
    assert len(device.written) == 1


async def test_an_answer_that_comes_too_late_is_not_taken_for_another(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.late_s = 1.2
    async with connected(rig, register(), timeout="300ms", retries=1) as adapter:
        for value in range(7, 14):  # the last of them while the first are answered
            with pytest.raises(Unanswered):
                await adapter.write(register(), value)
            assert await adapter.read_back(register()) == value
    assert len(device.written) == 7


async def test_one_bit_is_written_and_the_others_of_its_register_stay(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    async with connected(rig, bit(1), register()) as adapter:
        before = await adapter.read_back(register())
        assert before is not None
        await adapter.write(bit(1), 1)
        assert await adapter.read_back(register()) == int(before) | 0b10
        await adapter.write(bit(15), 0)
        assert await adapter.read_back(register()) == (int(before) | 0b10) & 0x7FFF
    assert {wish.function for wish in device.written} == {22}


async def test_a_bit_is_not_written_where_that_could_undo_what_the_device_does_to_the_others(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.unknown = {22}
    async with connected(rig, bit(1)) as adapter:
        with pytest.raises(WriteRefused, match="coil"):
            await adapter.write(bit(1), 1)
    assert device.written == []


async def test_a_device_that_knows_only_the_long_form_is_written_to_by_it(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.flaws.unknown = {5, 6}
    coil = Tag("w1", "valve", "coil:@1", "bool", 3600.0, write=ON_OFF)
    async with connected(rig, register(), coil) as adapter:
        await adapter.write(register(), 7)
        await adapter.write(coil, 1)
        assert (await adapter.read_back(register()), await adapter.read_back(coil)) == (7, 1)
    assert [wish.function for wish in device.written] == [16, 15]


async def test_what_can_only_be_read_is_refused_unless_it_is_written_elsewhere(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    shown = Tag("w1", "speed", f"input:@{FREE}", "uint16", 3600.0, write=ANY)
    elsewhere = replace(shown, write=replace(ANY, address=f"holding:@{FREE}"))
    async with connected(rig, shown) as adapter:
        with pytest.raises(WriteRefused, match="area input can only be read"):
            await adapter.write(shown, 7)
        await adapter.write(elsewhere, 7)
        assert await adapter.read_back(elsewhere) == WORDS[FREE], "read from where it is read"
    held = device.memory(1, Area.HOLDING).stored(FREE, 1)
    assert held == (7).to_bytes(2, "big")


async def test_a_unit_that_is_silent_is_not_written_to_while_its_neighbours_are(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.memory(2, Area.HOLDING).write(0, bytes(4))
    device.silent.add(2)
    dead = Tag("w2", "speed", "holding:@0;unit=2", "uint16", 0.1, write=ANY)
    async with connected(rig, dead, replace(register(), interval_s=0.1), **rig.quick) as adapter:
        seen: set[int] = set()
        while 0 not in seen:
            batch = await read(adapter)
            seen |= {i for i, q in zip(batch.tag_index, batch.quality, strict=True) if q}
        async with reading(adapter):
            with pytest.raises(NotConnected, match=r"unit 2 .* does not answer"):
                await adapter.write(dead, 7)
            with pytest.raises(DeviceError, match="unit 2"):
                await adapter.read_back(dead)
            await adapter.write(register(), 7)
            await until_read_back(adapter, register(), 7)
    assert {wish.unit for wish in device.written} == {1}


async def test_a_session_that_the_device_closed_between_two_polls_is_opened_for_a_write(
    rig: ModbusRig,
) -> None:
    async with connected(rig, register()) as adapter:
        await read(adapter)
        rig.proxy.hang_up()
        async with asyncio.timeout(60), reading(adapter):
            while True:
                try:
                    await adapter.write(register(), 7)
                except Unanswered:  # it was under way when the end was heard of
                    continue
                break
            assert await adapter.read_back(register()) == 7
