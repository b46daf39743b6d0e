"""A PLC that shows another number at each poll: nobody acknowledges, so served is all it knows."""

from __future__ import annotations

from typing import Self

from pumpjack_core.manifests.types import (
    ConnectionClock,
    ModbusTcp,
    ScadaConnectionSpec,
    Writes,
)
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from pumpjack_worker.adapters.modbus_tcp.simulated_writes import Wish
from tests.chaos import level
from tests.chaos.ledger import Ledger, now_us
from tests.chaos.level import Written

TENANT, CONNECTION, WELL = "permian", "permian-ops/plc", "pad7-2"
UNIT = 1
REGISTERS = 2
INTERVAL_S = 0.1
NAMES = ("first", "second")
LEVEL_AT, SETPOINT_AT = REGISTERS * len(NAMES), 20
"""The level stands beside the counters, and is read with them."""
TIMEOUT = "5s"
"""Longer than a busy machine needs: an answer that comes too late is asked for again, and lost."""


class ModbusField:
    """One PLC with counters side by side, which are read in one request."""

    tags = (
        *(
            Tag(WELL, name, f"holding:@{REGISTERS * at}", "uint32", INTERVAL_S)
            for at, name in enumerate(NAMES)
        ),
        level.level(WELL, f"holding:@{LEVEL_AT}", "uint16", INTERVAL_S),
        level.setpoint(WELL, f"holding:@{SETPOINT_AT}", "uint32"),
    )

    def __init__(self) -> None:
        self.ledgers = tuple(Ledger(TENANT, CONNECTION, WELL, name) for name in NAMES)
        self._device = SimulatedDevice()
        self._device.on_read = self._served
        self._device.on_write = self._taken
        self.written: list[Written] = []
        self._server = DeviceServer({0: self._device})
        self._number = 1
        self._device.memory(UNIT, Area.HOLDING).write(SETPOINT_AT, bytes(2 * REGISTERS))
        self._show()

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.__aexit__()

    @property
    def address(self) -> tuple[str, int]:
        """Where the worker finds the PLC."""
        return ("127.0.0.1", self._server.ports[0])

    def spec(self, port: int) -> ScadaConnectionSpec:
        """The connection, at a port of this machine."""
        target = ModbusTcp(host="127.0.0.1", port=port, unit_id=UNIT, timeout=TIMEOUT)
        return ScadaConnectionSpec(
            protocol="modbus-tcp",
            modbus_tcp=target,
            clock=ConnectionClock(source="receipt"),
            writes=Writes(enabled=True),
        )

    def begin(self) -> None:
        """Nothing to do: it is polled."""

    async def stop(self) -> None:
        """Nothing to do."""

    def _served(self, _unit: int, _area: Area, start: int, count: int) -> None:
        """An answer goes out with the number that is shown; the next one gets another."""
        for at, ledger in enumerate(self.ledgers):
            if start <= REGISTERS * at and REGISTERS * (at + 1) <= start + count:
                ledger.send(float(self._number))
        self._number += 1
        self._show()

    def _taken(self, wish: Wish) -> bytes | int:
        self.written.append(Written(now_us(), float(int.from_bytes(wish.content, "big"))))
        return wish.content

    def _show(self) -> None:
        height = int(level.level_at(now_us())).to_bytes(2, "big")
        self._device.memory(UNIT, Area.HOLDING).write(LEVEL_AT, height)
        shown = self._number.to_bytes(2 * REGISTERS, "big") * len(NAMES)
        self._device.memory(UNIT, Area.HOLDING).write(0, shown)
