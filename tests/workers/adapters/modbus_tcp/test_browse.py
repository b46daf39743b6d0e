"""What a Modbus device answers, as `pumpjack browse` finds it."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

import pytest

from pumpjack_core.errors import AddressError, HostNotAllowed, NotConnected
from pumpjack_worker.adapters.browsing import Found
from pumpjack_worker.adapters.contract import NOWHERE
from pumpjack_worker.adapters.modbus_tcp.address import Area, parse_address
from pumpjack_worker.adapters.modbus_tcp.browse import ModbusBrowser, float_hint, parse_range
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from pumpjack_worker.adapters.registry import browser_class
from tests.faults import FaultProxy
from tests.workers.adapters.modbus_tcp.registers import ModbusRig


@pytest.fixture
async def device() -> SimulatedDevice:
    device = SimulatedDevice()
    registers = device.memory(1, Area.HOLDING)
    registers.write(0, struct.pack(">H", 7))
    registers.write(1, struct.pack(">f", 123.4))
    registers.write(10, struct.pack(">300H", *range(1000, 1300)))
    device.memory(1, Area.COIL).write(0, bytes([1, 0, 1]))
    device.memory(3, Area.INPUT).write(0, struct.pack(">H", 42))
    return device


@pytest.fixture
async def rig(device: SimulatedDevice) -> AsyncIterator[ModbusRig]:
    async with DeviceServer({0: device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            yield ModbusRig(proxy)


async def browse(
    rig: ModbusRig, within: str | None = None, seen: list[int] | None = None
) -> list[Found]:
    browser = ModbusBrowser(rig.connection(timeout="1s"), NOWHERE, within=within)
    return [found async for found in browser.browse((seen if seen is not None else []).append)]


async def test_every_register_that_can_be_read_is_found_once(rig: ModbusRig) -> None:
    found = await browse(rig)
    assert [one.address for one in found] == [
        *(f"holding:{number}" for number in (40001, 40002, 40003)),
        *(f"holding:{number}" for number in range(40011, 40101)),
    ]
    assert {one.data_type for one in found} == {"uint16"}
    assert [one.value for one in found[3:]] == [float(raw) for raw in range(1000, 1090)]


async def test_a_long_range_takes_several_requests_and_tells_its_progress(rig: ModbusRig) -> None:
    seen: list[int] = []
    found = await browse(rig, "holding:40011-40310", seen)
    assert [one.value for one in found] == [float(raw) for raw in range(1000, 1300)]
    assert seen == [125, 250, 300]


async def test_one_refused_register_costs_only_itself(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    device.refused[1, Area.HOLDING, 77] = 4
    found = await browse(rig, "holding:@10-@200")
    assert {one.value for one in found} == {float(raw) for raw in range(1000, 1191)} - {1067.0}


async def test_many_refused_registers_are_told_from_those_between_them(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    for offset in range(10, 200, 3):
        device.refused[1, Area.HOLDING, offset] = 2
    found = await browse(rig, "holding:@10-@199")
    assert [one.value for one in found] == [990.0 + at for at in range(10, 200) if at % 3 != 1]


async def test_two_registers_that_look_like_a_number_say_so(rig: ModbusRig) -> None:
    found = {one.address: one.description for one in await browse(rig)}
    assert found["holding:40002"] == "with the next as float32 ABCD: 123.4"
    assert found["holding:40003"] == found["holding:40100"] == ""  # nothing follows them


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", (0x42F6, 0xCCCD)),
        ("CDAB", (0xCCCD, 0x42F6)),
        ("BADC", (0xF642, 0xCDCC)),
        ("DCBA", (0xCDCC, 0xF642)),
    ],
)
def test_a_number_is_seen_in_each_order(order: str, words: tuple[int, int]) -> None:
    assert float_hint(*words) == f"with the next as float32 {order}: 123.4"


@pytest.mark.parametrize("words", [(0, 0), (0, 5), (7, 120), (0xFFFF, 0xFFFF)])
def test_small_counts_and_what_is_no_number_are_no_float(words: tuple[int, int]) -> None:
    assert float_hint(*words) == ""


async def test_bits_are_bools(rig: ModbusRig) -> None:
    assert [(one.address, one.data_type, one.value) for one in await browse(rig, "coil:1-10")] == [
        ("coil:1", "bool", 1.0),
        ("coil:2", "bool", 0.0),
        ("coil:3", "bool", 1.0),
    ]


async def test_another_unit_is_in_its_addresses(rig: ModbusRig) -> None:
    (found,) = await browse(rig, "input:30001-30004;unit=3")
    assert found == Found(
        path=("unit 3", "input", "30001"),
        address="input:30001;unit=3",
        data_type="uint16",
        value=42.0,
    )


@pytest.mark.parametrize("area", ["holding:@{}", "coil:@{}", "discrete:@{}", "input:@{}"])
async def test_the_addresses_are_read_back(device: SimulatedDevice, area: str) -> None:
    """Also past 9,999, where the numbers have six digits."""
    wanted = parse_range(f"{area.format(9990)}-@10010", 1)
    device.memory(1, wanted.area).allow(wanted.start, wanted.end)
    async with DeviceServer({0: device}) as server:
        async with FaultProxy(("127.0.0.1", server.ports[0])) as proxy:
            found = await browse(ModbusRig(proxy), f"{area.format(9990)}-@10010")
    read = [parse_address(one.address, one.data_type, 1) for one in found]
    assert [(one.area, one.offset) for one in read] == [
        (wanted.area, offset) for offset in range(9990, 10011)
    ]


async def test_a_function_that_the_device_lacks_is_asked_for_once(
    rig: ModbusRig, device: SimulatedDevice
) -> None:
    asked: list[bytes] = []

    def refuse(_unit: int, pdu: bytes) -> bytes:
        asked.append(pdu)
        return bytes([pdu[0] | 0x80, 1])

    device.answer = refuse  # type: ignore[method-assign]
    assert await browse(rig) == []
    assert len(asked) == 1


async def test_a_silent_unit_is_told(rig: ModbusRig, device: SimulatedDevice) -> None:
    device.silent.add(1)
    browser = ModbusBrowser(rig.connection(timeout="50ms", retries=0), NOWHERE)
    with pytest.raises(NotConnected, match=r"unit 1 does not answer for holding:@0 \(no answer"):
        await anext(browser.browse(lambda _: None))


async def test_a_host_that_the_platform_does_not_list_is_not_looked_at(rig: ModbusRig) -> None:
    browser = ModbusBrowser(rig.connection(networks=("10.0.0.0/8",)), NOWHERE)
    with pytest.raises(HostNotAllowed):
        await anext(browser.browse(lambda _: None))
    assert rig.proxy.connections == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("holding", "is no range of registers; write for example holding:40001-40100"),
        ("holding:40010-40001", "ends before it begins"),
        ("holding:30001-30010", "is a number of the area input"),
        ("holding:40001-40010;order=CDAB", "has no byte order"),
        ("holding:40001-40010;unit=300", "is no unit"),
        ("register:1-2", "is no area"),
    ],
)
def test_a_wrong_range_is_told(text: str, why: str) -> None:
    with pytest.raises(AddressError, match=why):
        parse_range(text, 1)


def test_a_modbus_connection_has_this_browser() -> None:
    assert browser_class("modbus-tcp") is ModbusBrowser
