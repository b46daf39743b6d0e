"""What a write looks like on the wire. Pure: an address and a raw value in, requests out.

MODBUS Application Protocol V1.1b3: a coil 6.5, a register 6.6, several 6.11 and 6.12, a mask 6.16.
"""

from __future__ import annotations

import struct

from pumpjack_core.errors import AddressError, WriteRefused
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.modbus_tcp.address import Area, ModbusAddress, parse_address
from pumpjack_worker.adapters.modbus_tcp.frames import Request, write_request
from pumpjack_worker.adapters.setting import Raw

WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS, MASK_WRITE = 5, 6, 15, 16, 22
FORMATS = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
_WRITTEN_AREAS = (Area.COIL, Area.HOLDING)


def place_of(tag: Tag, default_unit: int) -> ModbusAddress:
    """Where a tag is written. Raises WriteRefused for where nothing can be."""
    text = (tag.write.address if tag.write is not None else "") or tag.address
    try:
        address = parse_address(text, tag.data_type, default_unit)
    except AddressError as error:
        raise WriteRefused(str(error)) from error
    if address.area not in _WRITTEN_AREAS:
        raise WriteRefused(
            f"{text}: the area {address.area.label} can only be read; set write.address to a "
            "holding register or a coil"
        )
    return address


def requests(address: ModbusAddress, raw: Raw) -> tuple[Request, ...]:
    """The ways to write a value, the next only for a device that does not know the one before."""
    if address.area is Area.COIL:
        return _coil(address, on=bool(raw))
    if address.bit is not None:
        return (_bit(address, address.bit, on=bool(raw)),)
    content = arrange(struct.pack(FORMATS[address.data_type], raw), address.order)
    head = struct.pack(">BHH", WRITE_REGISTERS, address.offset, address.count)
    several = write_request(address.unit, head + bytes((len(content),)) + content, head)
    if address.count > 1:
        return (several,)
    one = struct.pack(">BH", WRITE_REGISTER, address.offset) + content
    return write_request(address.unit, one, one), several


def arrange(big_endian: bytes, order: str) -> bytes:
    """The bytes of a value in an order (ABCD, CDAB, BADC, DCBA)."""
    words = [big_endian[at : at + 2] for at in range(0, len(big_endian), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


def _coil(address: ModbusAddress, *, on: bool) -> tuple[Request, Request]:
    one = struct.pack(">BHH", WRITE_COIL, address.offset, 0xFF00 if on else 0)
    head = struct.pack(">BHH", WRITE_COILS, address.offset, 1)
    return (
        write_request(address.unit, one, one),
        write_request(address.unit, head + bytes((1, on)), head),
    )


def _bit(address: ModbusAddress, bit: int, *, on: bool) -> Request:
    """Register = register & and_mask | or_mask & ~and_mask."""
    place = bit ^ 8 if address.order == "BADC" else bit
    mask = 1 << place
    pdu = struct.pack(">BHHH", MASK_WRITE, address.offset, 0xFFFF ^ mask, mask if on else 0)
    return write_request(address.unit, pdu, pdu)
