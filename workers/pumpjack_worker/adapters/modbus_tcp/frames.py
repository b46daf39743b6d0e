"""Requests and answers as bytes. Pure: pymodbus's framer and PDUs, with the checks of a reader.

MODBUS Messaging on TCP/IP V1.0b, 3.1.3 (MBAP header) and Application Protocol V1.1b3, 6 and 7.
"""

from __future__ import annotations

from msgspec import Struct
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ReadCoilsRequest, ReadHoldingRegistersRequest
from pymodbus.pdu.bit_message import ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadInputRegistersRequest

from pumpjack_core.errors import PumpjackError
from pumpjack_worker.adapters.modbus_tcp.address import Area

REQUESTS = {
    Area.COIL: ReadCoilsRequest,
    Area.DISCRETE: ReadDiscreteInputsRequest,
    Area.HOLDING: ReadHoldingRegistersRequest,
    Area.INPUT: ReadInputRegistersRequest,
}
EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
DONE = 0
"""Our own code for a device that has done what was asked."""
ILLEGAL_FUNCTION, ACKNOWLEDGE, TARGET_SILENT = 1, 5, 11
BUSY = frozenset({5, 6})
"""The unit is there and cannot answer now."""
GATEWAY = frozenset({10, 11})
"""The gateway speaks for a unit that it cannot reach."""
MALFORMED = -1
"""Our own code for an answer that does not hold what was asked for."""

_HEADER = 7
_SHORTEST, _LONGEST = 2, 254  # what the length field may say: unit and PDU of up to 253 bytes


class Garbled(PumpjackError):
    """What came is no Modbus TCP; nothing after it on this connection can be trusted."""


class Request(Struct, frozen=True):
    """One request, ready to be sent but for its transaction id.

    tail     the frame behind the transaction id
    payload  number of bytes that a right answer to a reading holds behind its byte count
    echo     PDU of a right answer to a writing
    """

    unit: int
    function: int
    tail: bytes
    payload: int = 0
    echo: bytes = b""

    def frame(self, transaction: int) -> bytes:
        """The whole frame."""
        return transaction.to_bytes(2, "big") + self.tail


class Answer(Struct, frozen=True):
    """One frame that came: which request it names, and its PDU."""

    transaction: int
    unit: int
    pdu: bytes


_framer = FramerSocket(DecodePDU(is_server=False))


def read_request(unit: int, area: Area, start: int, count: int) -> Request:
    """A request for count registers or bits from offset start."""
    pdu = REQUESTS[area](dev_id=unit, address=start, count=count)
    payload = (count + 7) // 8 if area.holds_bits else 2 * count
    return Request(unit, area.function, _framer.buildFrame(pdu)[2:], payload)


def write_request(unit: int, pdu: bytes, echo: bytes) -> Request:
    """A request that writes: its PDU, and the PDU that a device answers with which has done it."""
    length = (len(pdu) + 1).to_bytes(2, "big")
    return Request(unit, pdu[0], b"\0\0" + length + bytes((unit,)) + pdu, echo=echo)


def verdict_of(request: Request, pdu: bytes) -> int:
    """What a device says to a writing: DONE, an exception code, or MALFORMED."""
    if pdu == request.echo:
        return DONE
    if pdu[0] == request.function | 0x80 and len(pdu) == 2:
        return pdu[1]
    return MALFORMED


def payload_of(request: Request, pdu: bytes) -> bytes | int:
    """The registers or bits of an answer, or the exception code in it.

    An answer of another length than asked for is MALFORMED, as is one to another function.
    """
    if pdu[0] == request.function | 0x80:
        return pdu[1] if len(pdu) > 1 else MALFORMED
    if pdu[0] != request.function or len(pdu) != 2 + request.payload or pdu[1] != request.payload:
        return MALFORMED
    return pdu[2:]


def exception_text(code: int) -> str:
    """An exception code in words."""
    if code == MALFORMED:
        return "an answer that does not hold what was asked for"
    return f"exception {code}, {EXCEPTION_NAMES.get(code, 'not in the specification')}"


class AnswerReader:
    """Cuts the bytes of one connection into answers, however they were cut on their way."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Answer]:
        """Take what came and return the answers that are whole now.

        Raises Garbled when it cannot be the beginning of a frame.
        """
        self._buffer = buffer = self._buffer + data if self._buffer else data
        answers: list[Answer] = []
        while len(buffer) >= _HEADER:
            length = int.from_bytes(buffer[4:6], "big")
            if buffer[2:4] != b"\0\0" or not _SHORTEST <= length <= _LONGEST:
                raise Garbled(f"received {buffer[:_HEADER].hex(' ')}, which begins no Modbus frame")
            used, unit, transaction, pdu = _framer.decode(buffer)
            if not used:
                break
            answers.append(Answer(transaction, unit, pdu))
            buffer = buffer[used:]
        self._buffer = buffer
        return answers
