"""The nodes that all peers serve, and the rig that reads them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from msgspec.structs import replace

from pumpjack_core.config import Connection
from pumpjack_core.manifests.types import Opcua, ScadaConnectionSpec
from pumpjack_core.tags import Tag, Write
from pumpjack_worker.adapters.contract import NOWHERE, Surroundings
from pumpjack_worker.adapters.opcua.adapter import OpcuaAdapter
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.contract import LOOPBACK, Rig

INTERVAL_S = 0.05
VALUES: dict[str, float] = {
    "bool": 1.0,
    "int16": -12_345.0,
    "uint16": 54_321.0,
    "int32": -1_234_567_890.0,
    "uint32": 3_456_789_012.0,
    "int64": -(2.0**52),
    "uint64": 2.0**52,
    "float32": 812.5,
    "float64": 3.141592653589793,
}
"""Data type to the value that the node of that type has."""


def address(data_type: str) -> str:
    """The node of a data type."""
    return f"ns=2;s=types.{data_type}"


def typed(data_type: str, value: float) -> Any:
    """As the server's type has it."""
    if data_type == "bool":
        return bool(value)
    return value if data_type.startswith("float") else int(value)


NODES = {address(name): (name, typed(name, value)) for name, value in VALUES.items()}
TAGS = [Tag("w1", name, address(name), name, INTERVAL_S, stale_s=0.0) for name in VALUES]
REFUSED = Tag("w1", "refused", "ns=2;s=types.no_such_node", "int16", INTERVAL_S)
WRONG = Tag("w1", "wrong", "holding:40001", "int16", INTERVAL_S)
OTHER_VALUES: dict[str, float] = {
    "bool": 0.0,
    "int16": 31_000.0,
    "uint16": 1.0,
    "int32": 77_777.0,
    "uint32": 4_000_000_001.0,
    "int64": 2.0**40 + 1,
    "uint64": 2.0**51 + 1,
    "float32": -0.15625,
    "float64": 6.02214076e23,
}
"""What a test writes over VALUES."""
WRITABLE = [
    (replace(tag, write=Write(low=-1e300, high=1e300)), OTHER_VALUES[tag.data_type]) for tag in TAGS
]


class OpcuaRig(Rig):
    """Any server with NODES."""

    adapter = OpcuaAdapter
    tags = TAGS
    expected: ClassVar = list(VALUES.values())
    refused = REFUSED
    wrong = WRONG
    writable = WRITABLE
    quick: ClassVar = {"timeout": "1500ms", "keep_alive": "500ms", "publishing_interval": "20ms"}
    patient: ClassVar = {"timeout": "60s", "keep_alive": "60s"}
    polled = False
    settings: ClassVar[dict[str, Any]] = {"security": "None", "publishing_interval": "20ms"}

    def __init__(self, proxy: FaultProxy, surroundings: Surroundings = NOWHERE) -> None:
        self.proxy = proxy
        self._surroundings = surroundings

    @property
    def surroundings(self) -> Surroundings:
        return self._surroundings

    @abstractmethod
    async def stir(self) -> None: ...

    def connection(
        self, *, host: str | None = None, networks: tuple[str, ...] = LOOPBACK, **settings: Any
    ) -> Connection:
        endpoint = f"opc.tcp://{host or self.proxy.host}:{self.proxy.port}/pumpjack"
        server = Opcua(endpoint=endpoint, **{**self.settings, **settings})
        spec = ScadaConnectionSpec(protocol="opcua", opcua=server)
        return Connection("permian", "permian-ops/plc", spec, networks, "")


class SimulatedRig(OpcuaRig):
    """Our simulated server."""

    def __init__(
        self, server: SimulatedServer, proxy: FaultProxy, surroundings: Surroundings = NOWHERE
    ) -> None:
        super().__init__(proxy, surroundings)
        self.server = server

    async def stir(self) -> None:
        for data_type, value in VALUES.items():
            other = 1.0 - value if data_type == "bool" else 7.0
            await self.server.write(address(data_type), typed(data_type, other))
            await self.server.write(address(data_type), typed(data_type, value))
