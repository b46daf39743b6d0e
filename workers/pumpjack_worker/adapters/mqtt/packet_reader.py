"""Bytes of an MQTT stream, cut anyhow, to packets. No I/O."""

from __future__ import annotations

from collections.abc import Callable

from pumpjack_worker.adapters.mqtt import packets
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.packets import (
    V5,
    V311,
    Connack,
    Connect,
    Disconnect,
    Oversized,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Version,
)
from pumpjack_worker.adapters.mqtt.properties import (
    Malformed,
    Properties,
    read_binary,
    read_text,
    read_varint,
)

MOST_BYTES = 1 << 20
"""Of a packet that is no message; nobody who speaks MQTT with us sends a larger one."""
_TOPICS_KNOWN = 10_000
_TOPIC_MARGIN = 4 + 65_537 + 2 + 4
"""Topic, packet id and length of the properties lie within so many bytes of a message."""


class PacketReader:
    """Takes pieces of a stream and gives the packets that they complete.

    version       None until CONNECT tells it: the side of a broker
    most_payload  a message with a larger payload comes as Oversized, its payload is not kept
    """

    def __init__(self, version: Version | None, *, most_payload: int = MOST_BYTES) -> None:
        self.version = version
        self._most_payload = most_payload
        self._rest = bytearray()
        self._need = 0
        self._skip = 0
        self._known: set[bytes] = set()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are complete with this piece.

        Raises Malformed when this is no MQTT; nothing that comes later can be read.
        """
        found: list[Packet] = []
        data = self._joined(data)
        at, end = 0, len(data)
        while end - at >= 2:
            head = data[at]
            size = data[at + 1]
            body = at + 2
            if size >= 0x80:
                try:
                    size, body = read_varint(data, at + 1)
                except IndexError:
                    self._need = end - at + 1
                    break
            stop = body + size
            if head & 0xF0 == 0x30 and stop <= end and size <= self._most_payload:
                found.append(self._publish(head, data, body, stop))
            else:
                stop = self._other(found, data, at, body, stop)
                if stop < 0:
                    break
            at = stop
        if at < end:
            self._rest += data[at:]
            if end - at < 2:
                self._need = 2
        return found

    def _other(self, found: list[Packet], data: bytes, at: int, body: int, stop: int) -> int:
        """Anything but a small whole message. Where it ends, -1 when more is needed first."""
        head = data[at]
        whole = stop <= len(data)
        self._need = stop - at
        if head >> 4 != packets.PUBLISH:
            decode = self._decoder(head, stop - body)
            if not whole:
                return -1
            found.append(self._decoded(decode, data[body:stop]))
            return stop
        if stop - body > self._most_payload:
            message = self._begin(head, data, body, stop)
            if message is None:
                self._need = min(stop - at, body - at + _TOPIC_MARGIN)
                return -1
            if message.size > self._most_payload:
                found.append(message)
                self._skip = max(0, stop - len(data))
                return min(stop, len(data))
        if not whole:
            return -1
        found.append(self._publish(head, data, body, stop))
        return stop

    def _joined(self, data: bytes) -> bytes:
        """What waited and this piece, as soon as it may be a packet; else nothing yet."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if not self._rest:
            return data
        self._rest += data
        if len(self._rest) < self._need:
            return b""
        data = bytes(self._rest)
        self._rest.clear()
        return data

    def _publish(self, head: int, data: bytes, at: int, stop: int) -> Publish:
        start = at + 2
        at = start + (data[at] << 8 | data[at + 1]) if start <= stop else stop + 1
        qos = _qos(head)
        packet_id = 0
        topic = data[start:at]
        if qos:
            at += 2
            if at <= stop:
                packet_id = data[at - 2] << 8 | data[at - 1]
                if not packet_id:
                    raise Malformed("a message with packet id 0")
        if at > stop:
            raise Malformed("a message that ends within its topic")
        if topic not in self._known:
            self._check_topic(topic)
        found = v5.NONE
        if self.version == V5:
            if at < stop and data[at] == 0:
                at += 1
            else:
                found, at = v5.unpack(data, at, stop)
        retain, dup = head & 0x01 != 0, head & 0x08 != 0
        return Publish(topic, data[at:stop], qos, packet_id, retain, dup, found)

    def _begin(self, head: int, data: bytes, at: int, stop: int) -> Oversized | None:
        """All of a message but its payload, None while that is not there yet."""
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        qos = _qos(head)
        end = at + 2 if qos else at
        most = end
        try:
            if self.version == V5:
                length, most = read_varint(data, end)
                most += length
            elif end > len(data):
                return None
        except IndexError:
            if stop <= len(data):
                raise Malformed("a message that ends within its properties") from None
            return None
        if most > stop or most - end > MOST_BYTES:
            raise Malformed("a message that ends within its topic or properties")
        topic = data[start:at]
        self._check_topic(topic)
        packet_id = int.from_bytes(data[at:end], "big")
        return Oversized(topic, stop - most, qos, packet_id, head & 1 != 0, head & 8 != 0)

    def _check_topic(self, topic: bytes) -> None:
        """Raise Malformed for what is no topic; also for aliases, which we never allow."""
        try:
            topic.decode()
        except UnicodeDecodeError:
            raise Malformed("a topic that is no UTF-8") from None
        if not topic or b"\0" in topic or b"#" in topic or b"+" in topic:
            raise Malformed("a message without a proper topic")
        if len(self._known) < _TOPICS_KNOWN:
            self._known.add(topic)

    def _decoder(self, head: int, size: int) -> _Decode:
        """How to read a packet that is no message. Raises Malformed for what is none."""
        kind, flags = head >> 4, head & 0x0F
        decode = _DECODERS.get(kind)
        if decode is None or flags != (2 if kind in _FLAGGED else 0):
            raise Malformed(f"a packet that begins with 0x{head:02x}")
        if size > MOST_BYTES:
            raise Malformed(f"a packet of kind {kind} with {size} bytes")
        if self.version is None and kind != packets.CONNECT:
            raise Malformed(f"a packet of kind {kind} before CONNECT")
        return decode

    def _decoded(self, decode: _Decode, body: bytes) -> Packet:
        try:
            packet = decode(body, self.version or V311)
        except IndexError:
            raise Malformed("a packet that is too short") from None
        if isinstance(packet, Connect):
            self.version = packet.version
        return packet


def _qos(head: int) -> int:
    qos = head >> 1 & 3
    if qos == 3:
        raise Malformed("a message with QoS 3")
    return qos


_Decode = Callable[[bytes, Version], Packet]
_FLAGGED = (packets.SUBSCRIBE, packets.UNSUBSCRIBE)


def _properties(body: bytes, at: int, version: Version) -> tuple[Properties, int]:
    return v5.unpack(body, at) if version == V5 else (v5.NONE, at)


def _connect(body: bytes, _version: Version) -> Connect:
    name, at = read_text(body, 0)
    level, flags = body[at], body[at + 1]
    if name != "MQTT" or level not in (V311, V5):
        raise Malformed(f"CONNECT for {name[:8]!r}, level {level}: only 3.1.1 and 5 are spoken")
    version = V5 if level == V5 else V311
    keep_alive_s = body[at + 2] << 8 | body[at + 3]
    found, at = _properties(body, at + 4, version)
    client_id, at = read_text(body, at)
    if flags & 0x04:  # a will: read over
        _, at = _properties(body, at, version)
        _, at = read_binary(body, at)
        _, at = read_binary(body, at)
    username = password = None
    if flags & 0x80:
        username, at = read_text(body, at)
    if flags & 0x40:
        password, at = read_binary(body, at)
    clean = bool(flags & 0x02)
    return Connect(client_id, version, clean, keep_alive_s, username, password, found)


def _connack(body: bytes, version: Version) -> Connack:
    present, code = body[0], body[1]
    if present > 1:
        raise Malformed("CONNACK with flags that it does not have")
    # a broker that knows no MQTT 5 says so in the form of 3.1.1, without properties
    found = v5.unpack(body, 2)[0] if version == V5 and len(body) > 2 else v5.NONE
    return Connack(bool(present), code, found)


def _puback(body: bytes, _version: Version) -> Puback:
    return Puback(_packet_id(body), body[2] if len(body) > 2 else 0)


def _subscribe(body: bytes, version: Version) -> Subscribe:
    found, at = _properties(body, 2, version)
    wanted: list[Subscription] = []
    while at < len(body):
        name, at = read_text(body, at)
        options = body[at]
        at += 1
        if options & 3 == 3 or (options >> 4 & 3) == 3:
            raise Malformed("SUBSCRIBE with options that it does not have")
        wanted.append(Subscription(name, options & 3, options >> 4 & 3))
    return Subscribe(_packet_id(body), tuple(wanted), found)


def _suback(body: bytes, version: Version) -> Suback:
    found, at = _properties(body, 2, version)
    return Suback(_packet_id(body), tuple(body[at:]), found)


def _unsubscribe(body: bytes, version: Version) -> Unsubscribe:
    found, at = _properties(body, 2, version)
    names: list[str] = []
    while at < len(body):
        name, at = read_text(body, at)
        names.append(name)
    return Unsubscribe(_packet_id(body), tuple(names), found)


def _unsuback(body: bytes, version: Version) -> Unsuback:
    found, at = _properties(body, 2, version)
    return Unsuback(_packet_id(body), tuple(body[at:]), found)


def _disconnect(body: bytes, _version: Version) -> Disconnect:
    if not body:
        return Disconnect()
    return Disconnect(body[0], v5.unpack(body, 1)[0] if len(body) > 1 else v5.NONE)


def _packet_id(body: bytes) -> int:
    number = body[0] << 8 | body[1]
    if not number:
        raise Malformed("a packet with packet id 0")
    return number


_DECODERS: dict[int, _Decode] = {
    packets.CONNECT: _connect,
    packets.CONNACK: _connack,
    packets.PUBACK: _puback,
    packets.SUBSCRIBE: _subscribe,
    packets.SUBACK: _suback,
    packets.UNSUBSCRIBE: _unsubscribe,
    packets.UNSUBACK: _unsuback,
    packets.PINGREQ: lambda _body, _version: Pingreq(),
    packets.PINGRESP: lambda _body, _version: Pingresp(),
    packets.DISCONNECT: _disconnect,
}
