"""The registers that every Modbus peer of the tests serves, and tags that read them."""

from __future__ import annotations

import itertools
import struct
from typing import Any, ClassVar

from msgspec.structs import replace

from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.modbus_tcp.adapter import ModbusTcpAdapter
from tests.faults import FaultProxy
from tests.workers.adapters.contract import LOOPBACK, Rig

INTERVAL_S = 0.2
VALUES: dict[str, tuple[str, float]] = {
    "int16": (">h", -12345),
    "uint16": (">H", 54321),
    "int32": (">i", -123456789),
    "uint32": (">I", 4000000001),
    "int64": (">q", -4503599627370495),
    "uint64": (">Q", 9007199254740991),
    "float32": (">f", 1234.5),
    "float64": (">d", -0.0009765625),
}
ORDERS_OF = {2: ("ABCD", "BADC")}
ALL_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
COILS = [1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1]
INPUTS = [0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0]
STATUS_WORD = 0b1000_0000_0000_0101


def in_order(big_endian: bytes, order: str) -> bytes:
    """By the letters: A is the most significant byte of the first word, and so on."""
    if order == "ABCD":
        return big_endian
    swapped = bytes(itertools.chain(*((low, high) for high, low in _pairs(big_endian))))
    if order == "BADC":
        return swapped
    return big_endian[::-1] if order == "DCBA" else swapped[::-1]


def _pairs(content: bytes) -> list[tuple[int, int]]:
    return [(content[at], content[at + 1]) for at in range(0, len(content), 2)]


def _layout() -> tuple[list[int], list[Tag], list[float]]:
    """Each data type in each order, one after the other, then a status word."""
    content, tags, expected = b"", [], []
    for data_type, (form, value) in VALUES.items():
        big_endian = struct.pack(form, value)
        for order in ORDERS_OF.get(len(big_endian), ALL_ORDERS):
            address = f"@{len(content) // 2};order={order}"
            content += in_order(big_endian, order)
            for area in ("holding", "input"):
                name = f"{area}_{data_type}_{order}"
                tags.append(Tag("w1", name, f"{area}:{address}", data_type, INTERVAL_S))
                expected.append(float(value))
    status = len(content) // 2
    for bit in (0, 1, 2, 15):
        tags.append(Tag("w1", f"bit_{bit}", f"holding:@{status}.{bit}", "bool", INTERVAL_S))
        expected.append(float(STATUS_WORD >> bit & 1))
    content += STATUS_WORD.to_bytes(2, "big")
    for area, bits in (("coil", COILS), ("discrete", INPUTS)):
        for at in (0, 1, 7, 8, 15, 16):
            tags.append(Tag("w1", f"{area}_{at}", f"{area}:@{at}", "bool", INTERVAL_S))
            expected.append(float(bits[at]))
    words = list(struct.unpack(f">{len(content) // 2}H", content))
    return words, tags, expected


WORDS, TAGS, EXPECTED = _layout()
REFUSED = Tag("w1", "refused", f"holding:@{len(WORDS) + 2}", "int16", INTERVAL_S)
WRONG = Tag("w1", "wrong", "holding:1", "int16", INTERVAL_S)


OTHER_VALUES: dict[str, float] = {
    "int16": -2,
    "uint16": 65_535,
    "int32": -77_777,
    "uint32": 3_000_000_000,
    "int64": -(2**40),
    "uint64": 2**50,
    "float32": -0.15625,
    "float64": 6.02214076e23,
}
"""What a test writes over VALUES."""


def _writable() -> list[tuple[Tag, float]]:
    """Each data type in each order, bits of the status word, and coils, with another value."""
    found: list[tuple[Tag, float]] = []
    for tag, value in zip(TAGS, EXPECTED, strict=True):
        if tag.address.startswith("holding") and tag.data_type != "bool":
            limits = Write(low=-1e300, high=1e300)
            found.append((replace(tag, write=limits), OTHER_VALUES[tag.data_type]))
        elif tag.address.startswith(("holding", "coil")):
            found.append((replace(tag, write=Write(states=(0, 1))), 1.0 - value))
    return found


WRITABLE = _writable()


class ModbusRig(Rig):
    """Any server with WORDS as holding and input registers, COILS and INPUTS, as unit 1."""

    adapter = ModbusTcpAdapter
    tags = TAGS
    expected = EXPECTED
    refused = REFUSED
    wrong = WRONG
    writable = WRITABLE
    quick: ClassVar = {"timeout": "600ms", "retries": 1}
    patient: ClassVar = {"timeout": "60s"}

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy

    def connection(
        self, *, host: str | None = None, networks: tuple[str, ...] = LOOPBACK, **settings: Any
    ) -> Connection:
        device = ModbusTcp(host=host or self.proxy.host, port=self.proxy.port, **settings)
        spec = ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=device)
        return Connection("permian", "permian-ops/plc", spec, networks, "")
