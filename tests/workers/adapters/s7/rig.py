"""What every S7 controller of the tests holds, and tags that read it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, ClassVar

from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import S7, ScadaConnectionSpec
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.s7.adapter import S7Adapter
from tests.faults import FaultProxy
from tests.workers.adapters.contract import LOOPBACK, Rig

INTERVAL_S = 0.1


def tag(name: str, address: str, data_type: str, **more: Any) -> Tag:
    return Tag("well-1", name, address, data_type, INTERVAL_S, **more)


CONTENT = {
    0: struct.pack(">f", 285.5),
    4: struct.pack(">h", -12),
    6: struct.pack(">H", 65_000),
    8: struct.pack(">i", -70_000),
    12: struct.pack(">I", 4_000_000_000),
    16: struct.pack(">q", -(2**40)),
    24: struct.pack(">Q", 2**41),
    32: struct.pack(">d", 0.1),
    40: bytes([0b0000_1000]),
}
"""Of data block 12, by byte."""
BLOCK = bytearray(41)
for _at, _content in CONTENT.items():
    BLOCK[_at : _at + len(_content)] = _content
MEMORY = bytes(10) + b"\x02\x01" + bytes(20)
OUTPUTS = bytes([0, 0x80, 0, 0])


class S7Rig(Rig):
    """Data block 12, a word of bit memory, and an output."""

    adapter = S7Adapter
    tags = (
        tag("real", "DB12.DBD0", "float32"),
        tag("int", "DB12.DBW4", "int16"),
        tag("word", "DB12.DBW6", "uint16"),
        tag("dint", "DB12.DBD8", "int32"),
        tag("dword", "DB12.DBD12", "uint32"),
        tag("lint", "DB12.DBL16", "int64"),
        tag("lword", "DB12.DBL24", "uint64"),
        tag("lreal", "DB12.DBL32", "float64"),
        tag("bit", "DB12.DBX40.3", "bool"),
        tag("memory", "MW10", "uint16"),
        tag("output", "Q1.7", "bool"),
    )
    expected = (285.5, -12, 65_000, -70_000, 4e9, -(2**40), 2**41, 0.1, 1, 513, 1)
    refused = tag("gone", "DB99.DBD0", "float32")
    wrong = tag("wrong", "DB12.DBW0", "float32")
    quick: ClassVar[Mapping[str, Any]] = {"timeout": "500ms"}
    patient: ClassVar[Mapping[str, Any]] = {"timeout": "60s"}
    writable = (
        (tag("real", "DB12.DBD0", "float32", write=Write(low=0, high=1000)), 312.25),
        (tag("int", "DB12.DBW4", "int16", write=Write(low=-100, high=100)), 44.0),
        (tag("bit", "DB12.DBX40.3", "bool", write=Write(low=0, high=1)), 0.0),
    )
    too_slow_s = 2.0

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy

    def connection(
        self, *, host: str | None = None, networks: tuple[str, ...] = LOOPBACK, **settings: Any
    ) -> Connection:
        member = S7(host or self.proxy.host, self.proxy.port, **settings)
        spec = ScadaConnectionSpec("s7", s7=member)
        return Connection("t", "ops/plc", spec, networks, "")
