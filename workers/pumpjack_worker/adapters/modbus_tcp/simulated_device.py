"""A Modbus TCP server in memory: registers that somebody else fills, and faults on demand.

Our own answers above pymodbus's framer: its server (3.16) gives a delayed answer the transaction
id of the newest request, so that a slow device cannot be simulated with it, and it spends more
time on a block than the adapter that reads it. The tests read pymodbus's server as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU

from pumpjack_core.errors import PumpjackError
from pumpjack_worker.adapters.modbus_tcp.address import AREAS, Area
from pumpjack_worker.adapters.modbus_tcp.plan import Place
from pumpjack_worker.adapters.modbus_tcp.simulated_memory import Memory
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import (
    WRITES,
    Wish,
    WriteFlaws,
    answer_to,
    wish_of,
)
from pumpjack_worker.simulation.listening import listen, port_of

_BY_FUNCTION = {area.function: area for area in AREAS.values()}
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NO_SUCH_UNIT = 1, 2, 3, 11


@dataclass
class SimulatedDevice:
    """Units and what is wrong with them. Faults may be changed at any time.

    silent    units that do not answer
    delay_s   unit to the time before each of its answers
    refused   registers to the exception code that any request for them gets
    trouble   unit to the exception code of all its answers (6 busy, 11 gateway …)
    on_read   called with unit, area, start and count before an answer goes out
    on_write  called with a wish before it is granted; what it returns is stored, an exception
              code refuses it
    flaws     what is wrong with its writes
    written   the wishes in their order, also those that were not granted
    requests  (unit, area, start, count) to how often it was asked for
    """

    units: dict[int, dict[Area, Memory]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    delay_s: dict[int, float] = field(default_factory=dict)
    refused: dict[Place, int] = field(default_factory=dict)
    trouble: dict[int, int] = field(default_factory=dict)
    on_read: Callable[[int, Area, int, int], None] | None = None
    on_write: Callable[[Wish], bytes | int] | None = None
    flaws: WriteFlaws = field(default_factory=WriteFlaws)
    written: list[Wish] = field(default_factory=list)
    requests: dict[tuple[int, Area, int, int], int] = field(default_factory=dict)

    def memory(self, unit: int, area: Area) -> Memory:
        """The registers of a unit, made when they are first asked for."""
        areas = self.units.setdefault(unit, {})
        if area not in areas:
            areas[area] = Memory(area)
        return areas[area]

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """The PDU that answers a request; None: no answer."""
        if unit in self.silent:
            return None
        function = pdu[0]
        code = self.trouble.get(unit, 0 if unit in self.units else NO_SUCH_UNIT)
        if not code and function in WRITES and function not in self.flaws.unknown:
            return self._write(unit, pdu)
        area = _BY_FUNCTION.get(function)
        if code or area is None or len(pdu) != 5:
            return bytes([function | 0x80, code or ILLEGAL_FUNCTION])
        return self._read(unit, area, pdu)

    def _read(self, unit: int, area: Area, pdu: bytes) -> bytes:
        function = pdu[0]
        start, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        asked = (unit, area, start, count)
        self.requests[asked] = self.requests.get(asked, 0) + 1
        if not 1 <= count <= area.most_per_request:
            return bytes([function | 0x80, ILLEGAL_VALUE])
        for offset in range(start, start + count) if self.refused else ():
            if code := self.refused.get((unit, area, offset), 0):
                return bytes([function | 0x80, code])
        memory = self.units[unit].get(area)
        found = memory.read(start, count) if memory else None
        if found is None:
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        if self.on_read is not None:
            self.on_read(unit, area, start, count)
        return bytes([function, len(found)]) + found

    def _write(self, unit: int, pdu: bytes) -> bytes | None:
        wish = wish_of(unit, pdu, self.units[unit])
        if isinstance(wish, int):
            return bytes([pdu[0] | 0x80, wish])
        self.written.append(wish)
        if self.flaws.refuses:
            return bytes([pdu[0] | 0x80, self.flaws.refuses])
        granted = wish.content if self.on_write is None else self.on_write(wish)
        if isinstance(granted, int):
            return bytes([pdu[0] | 0x80, granted])
        if not self.flaws.lies:
            self.units[unit][wish.area].write(wish.start, granted)
        return None if self.flaws.mute else answer_to(pdu)


_framer = FramerSocket(DecodePDU(is_server=True))


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, device: SimulatedDevice, connections: set[asyncio.Transport]) -> None:
        self._device = device
        self._connections = connections
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self._connections.add(self._transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._transport is not None:
            self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            used, unit, transaction, pdu = _framer.decode(self._buffer)
            if not used or self._transport is None:
                return
            self._buffer = self._buffer[used:]
            answer = self._device.answer(unit, pdu)
            if answer is None:
                continue
            frame = _framer.encode(answer, unit, transaction)
            delay_s = self._device.delay_s.get(unit, 0.0)
            if pdu[0] in WRITES:
                delay_s += self._device.flaws.late_s
            if delay_s:
                asyncio.get_running_loop().call_later(delay_s, self._transport.write, frame)
            else:
                self._transport.write(frame)


class DeviceServer:
    """Serves devices, each on its port. port 0 picks a free one, see ports."""

    def __init__(self, devices: Mapping[int, SimulatedDevice], *, host: str = "127.0.0.1") -> None:
        self._devices = devices
        self._host = host
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Transport] = set()
        self.ports: list[int] = []

    async def __aenter__(self) -> DeviceServer:
        for port, device in self._devices.items():
            await self._listen(port, device)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close all connections, and go on listening."""
        for transport in list(self._connections):
            transport.abort()

    async def _listen(self, port: int, device: SimulatedDevice) -> None:
        try:
            server = await listen(lambda: _Connection(device, self._connections), self._host, port)
        except PumpjackError:
            await self.__aexit__()
            raise
        self._servers.append(server)
        self.ports.append(port_of(server))
