"""Messages of S7 as bytes: TPKT (RFC 1006), COTP class 0 (ISO 8073) and S7 over snap7's codec.

snap7's own client asks for one item after another, reports the failure of one as that of all, and
closes the session on silence; so its codec is used here and its client is not.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from msgspec import Struct
from snap7.datatypes import S7Area, S7WordLen
from snap7.error import S7Error
from snap7.s7protocol import S7Protocol, get_return_code_description

from pumpjack_worker.adapters.polled.line import Refused
from pumpjack_worker.adapters.s7.address import S7Address
from pumpjack_worker.adapters.s7.plan import Block
from pumpjack_worker.adapters.s7.values import bytes_of

PDU_WANTED = 960
PDU_LEAST = 64
_LARGEST = 8_192
_SUCCESS = 0xFF
_BITS_COUNTED = (0x03, 0x04, 0x05)
"""Transport sizes whose length is in bits."""
_CONNECT, _CONFIRM, _DATA = 0xE0, 0xD0, 0xF0
_WHY = {
    0x03: "the controller protects it (access not allowed; on S7-1200 and S7-1500 permit PUT/GET)",
    0x05: "there is no such byte: the block is shorter",
    0x0A: (
        "there is no such block, or it is optimised: in its attributes in TIA Portal switch off "
        "'Optimized block access'"
    ),
}


class Garbled(Exception):
    """What came is no message of S7."""


class Answer(Struct, frozen=True):
    """Of a request for blocks, one each: its bytes, or why there are none."""

    number: int
    parts: tuple[bytes | Refused, ...]


class Codec:
    """Makes requests with numbers, and reads answers."""

    def __init__(self) -> None:
        self._protocol = S7Protocol()

    def setup(self) -> bytes:
        """Agree on the size of messages."""
        return _data(self._protocol.build_setup_communication_request(pdu_length=PDU_WANTED))

    def read(self, blocks: Sequence[Block]) -> tuple[int, bytes]:
        """Its number, and the request for these blocks."""
        items = [(one.area.value, one.number, one.start, one.size) for one in blocks]
        return _numbered(self._protocol.build_multi_read_request(items))

    def write(self, place: S7Address, value: float) -> tuple[int, bytes]:
        """Its number, and the request to set a place."""
        start = place.start if place.bit is None else place.start * 8 + place.bit
        length = S7WordLen.BYTE if place.bit is None else S7WordLen.BIT
        content = bytes_of(place, value)
        area = S7Area(place.area.value)
        return _numbered(
            self._protocol.build_write_request(area, place.block, start, length, content)
        )

    def parsed(self, pdu: bytes) -> dict[str, object]:
        """An answer. Raises Garbled, or Refusal for one that says no to the whole request."""
        try:
            found: dict[str, object] = self._protocol.parse_response(pdu)
        except (S7Error, struct.error, IndexError, ValueError) as error:
            if code := getattr(error, "error_code", 0):
                raise Refusal(number_of(pdu), int(code), str(error)) from error
            raise Garbled(str(error)) from error
        return found


class Refusal(Exception):
    """The controller says no to a whole request."""

    def __init__(self, number: int, code: int, text: str) -> None:
        super().__init__(text)
        self.number = number
        self.code = code


def number_of(pdu: bytes) -> int:
    """The number of the request that an answer is of."""
    return int.from_bytes(pdu[4:6], "big")


def connect_request(rack: int, slot: int, kind: int) -> bytes:
    """The first message: ask for a connection of a kind (1 PG, 2 OP, 3 basic) to a module."""
    called = kind << 8 | rack << 5 | slot
    options = struct.pack(">BBHBBHBBB", 0xC1, 2, 0x0100, 0xC2, 2, called, 0xC0, 1, 0x0A)
    return _packet(struct.pack(">BBHHB", 6 + len(options), _CONNECT, 0, 1, 0) + options)


def is_confirmed(payload: bytes) -> bool:
    """Whether it is the answer that connects."""
    return len(payload) >= 7 and payload[1] == _CONFIRM


def pdu_of(payload: bytes) -> bytes:
    """The S7 message in a data packet. Raises Garbled."""
    if len(payload) < 3 + 12 or payload[0] != 2 or payload[1] != _DATA:
        raise Garbled("it is no data packet of ISO on TCP")
    return payload[3:]


def agreed_pdu(response: dict[str, object]) -> int:
    """How long a message may be. Raises Garbled."""
    parameters = response.get("parameters")
    length = parameters.get("pdu_length") if isinstance(parameters, dict) else None
    if not isinstance(length, int) or length < PDU_LEAST:
        raise Garbled("the controller agrees on no length of messages")
    return min(length, PDU_WANTED)


def parts_of(response: dict[str, object], blocks: Sequence[Block]) -> list[bytes | Refused]:
    """What an answer says of each block. Raises Garbled."""
    raw = response.get("raw_data")
    if not isinstance(raw, bytes | bytearray):
        raise Garbled("an answer without data")
    found: list[bytes | Refused] = []
    at = 0
    for block in blocks:
        if at + 4 > len(raw):
            raise Garbled("an answer with fewer blocks than were asked for")
        code, transport, length = struct.unpack_from(">BBH", raw, at)
        at += 4
        if code != _SUCCESS:
            found.append(Refused(why_of(code)))
            continue
        size = length // 8 if transport in _BITS_COUNTED else length
        if size != block.size or at + size > len(raw):
            raise Garbled("an answer with other bytes than were asked for")
        found.append(bytes(raw[at : at + size]))
        at += size + size % 2
    return found


def verdict_of(response: dict[str, object]) -> int:
    """What the controller says of a write: 0xFF done. Raises Garbled."""
    raw = response.get("raw_data")
    if not isinstance(raw, bytes | bytearray) or len(raw) != 1:
        raise Garbled("an answer to a write that says nothing of it")
    return raw[0]


def why_of(code: int) -> str:
    """What a return code means, and what to do."""
    return _WHY.get(code) or f"{get_return_code_description(code).lower()} (code {code:#04x})"


class Packets:
    """Packets from a stream of bytes (TPKT, RFC 1006)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are whole now. Raises Garbled for what is none."""
        self._buffer += data
        found = []
        while len(self._buffer) >= 4:
            version, _, length = struct.unpack_from(">BBH", self._buffer)
            if version != 3 or not 7 <= length <= _LARGEST:
                raise Garbled("it is no packet of ISO on TCP; check that this port speaks S7")
            if len(self._buffer) < length:
                break
            found.append(bytes(self._buffer[4:length]))
            del self._buffer[:length]
        return found


def _packet(payload: bytes) -> bytes:
    return struct.pack(">BBH", 3, 0, len(payload) + 4) + payload


def _data(pdu: bytes) -> bytes:
    return _packet(struct.pack(">BBB", 2, _DATA, 0x80) + pdu)


def _numbered(pdu: bytes) -> tuple[int, bytes]:
    return number_of(pdu), _data(pdu)
