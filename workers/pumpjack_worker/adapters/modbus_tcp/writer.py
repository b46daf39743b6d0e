"""Writes to one device, and reads back what it then has. Each write is sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pumpjack_core.errors import AddressError, DeviceError, NotConnected, Unanswered, WriteRefused
from pumpjack_core.quality import LEVEL_MASK, Level
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Permit
from pumpjack_worker.adapters.modbus_tcp.address import ModbusAddress, parse_address
from pumpjack_worker.adapters.modbus_tcp.decode import Located, decode, decode_plan
from pumpjack_worker.adapters.modbus_tcp.frames import (
    DONE,
    ILLEGAL_FUNCTION,
    exception_text,
    read_request,
)
from pumpjack_worker.adapters.modbus_tcp.session import Session, Settings
from pumpjack_worker.adapters.modbus_tcp.writing import place_of, requests
from pumpjack_worker.adapters.polled.line import UnitTrouble
from pumpjack_worker.adapters.setting import setting_of

NOT_BEGUN = frozenset({ILLEGAL_FUNCTION, 2, 3, 6, 10})
"""Answers after which nothing was written for certain: the request was checked and not begun, the
unit is busy with another, the gateway has no way to it. After any other it may have been: 4 is said
of a write that failed on its way, 5 of one that goes on. Application Protocol V1.1b3, 6 and 7."""


class Writer:
    """Commands to one device. is_away: whether a unit does not answer at the moment."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        default_unit: int,
        is_away: Callable[[int], bool],
    ) -> None:
        self._session = session
        self._peer = settings.peer
        self._attempts = 1 + settings.retries
        self._default_unit = default_unit
        self._is_away = is_away
        self._turn = asyncio.Lock()

    async def write(self, tag: Tag, value: float, permit: Permit) -> None:
        """As Adapter.write()."""
        address = place_of(tag, self._default_unit)
        raw = setting_of(tag, value).raw
        async with self._turn:
            if self._is_away(address.unit):
                raise NotConnected(
                    f"unit {address.unit} at {self._peer} does not answer at the moment",
                    reason="Timeout",
                )
            code = ILLEGAL_FUNCTION
            for request in requests(address, raw):
                code = await self._session.tell(request, permit)
                if code != ILLEGAL_FUNCTION:
                    break
        if code != DONE:
            raise self._trouble(tag, address, code)

    async def read_back(self, tag: Tag) -> float:
        """As Adapter.read_back()."""
        try:
            address = parse_address(tag.address, tag.data_type, self._default_unit)
        except AddressError as error:
            raise DeviceError(str(error), reason="WrongAddress") from error
        request = read_request(address.unit, address.area, address.offset, address.count)
        try:
            answer = await self._session.ask(request, attempts=self._attempts)
        except UnitTrouble as trouble:
            raise DeviceError(
                f"unit {address.unit} at {self._peer}: {trouble}", reason="Timeout"
            ) from trouble
        if isinstance(answer, int):
            raise DeviceError(
                f"unit {address.unit} at {self._peer} refuses to give {tag.address}: "
                f"{exception_text(answer)}",
                reason="Refused",
            )
        plan = decode_plan(address.offset, [Located(0, address, tag.scale, tag.offset)])
        value, quality = decode(plan, answer)
        if int(quality[0]) & LEVEL_MASK == Level.BAD:
            raise DeviceError(f"{tag.address} at {self._peer} is no number now", reason="NoValue")
        return float(value[0])

    def _trouble(self, tag: Tag, address: ModbusAddress, code: int) -> DeviceError:
        who = f"unit {address.unit} at {self._peer}"
        if code not in NOT_BEGUN:
            return Unanswered(f"{who} answered to a write with {exception_text(code)}")
        if code == ILLEGAL_FUNCTION and address.bit is not None:
            return WriteRefused(
                f"{who} cannot write single bits of a register (function 22), and writing all of "
                f"it could undo what the device changes in the others; set write.address of "
                f"{tag.name} to a coil, or map the whole register"
            )
        return WriteRefused(
            f"{who} refuses to write {tag.name} ({exception_text(code)}); compare address and "
            "limits with the device's register list"
        )
