"""One client's connection to the simulator's broker: packets in, packets out."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from typing import cast
from uuid import uuid4

from pumpjack_worker.adapters.mqtt import packets, properties
from pumpjack_worker.adapters.mqtt.packet_reader import PacketReader
from pumpjack_worker.adapters.mqtt.packets import V5, Packet, Version
from pumpjack_worker.adapters.mqtt.properties import Malformed
from pumpjack_worker.adapters.mqtt.simulated_routing import Routing
from pumpjack_worker.adapters.mqtt.simulated_session import (
    NEVER_S,
    Message,
    Outgoing,
    Session,
    Subscription,
)
from pumpjack_worker.adapters.mqtt.simulated_topics import is_topic, parse_filter

MOST_PAYLOAD = 16 << 20
"""Bytes of a message that is taken; whoever sends a larger one is sent away."""
MOST_UNREAD = 4 << 20
"""Bytes of answers that a client does not fetch before it is sent away."""
CONNECT_LIMIT_S = 10.0
CLOSE_LIMIT_S = 1.0
PATIENCE = 1.5
"""Keep-alives that may pass without a packet (MQTT 5, 3.1.2.10)."""
WINDOW_UNLESS_TOLD = 65_535
EXPIRES_NEVER = 0xFFFFFFFF

NORMAL, UNSPECIFIED, MALFORMED, PROTOCOL_ERROR = 0x00, 0x80, 0x81, 0x82
CLIENT_ID_NOT_VALID, BAD_LOGIN, SERVER_BUSY, SHUTTING_DOWN = 0x85, 0x87, 0x89, 0x8B
BAD_METHOD, KEEP_ALIVE_TIMEOUT, BAD_FILTER, BAD_TOPIC = 0x8C, 0x8D, 0x8F, 0x90
ALIAS_NOT_VALID, TOO_LARGE, QOS_NOT_SUPPORTED = 0x94, 0x95, 0x9B
_CODES_OF_311 = {CLIENT_ID_NOT_VALID: 2, SERVER_BUSY: 3, BAD_LOGIN: 5}
"""Reason codes of MQTT 5 to the return codes of CONNACK that 3.1.1 has for them."""


class ClientConnection(asyncio.Protocol):
    """What a client and the broker say to each other; the messages are the routing's.

    logins  user name to password; empty: everybody may come
    """

    def __init__(
        self, routing: Routing, logins: Mapping[str, str], open_ones: set[ClientConnection]
    ) -> None:
        self._routing = routing
        self._logins = logins
        self._open_ones = open_ones
        self._loop = asyncio.get_running_loop()
        self._reader = PacketReader(None, most_payload=MOST_PAYLOAD)
        self._version: Version = V5
        self._session: Session | None = None
        self._largest = MOST_PAYLOAD * 2
        self._paused = self._pumping = self._ending = False
        self._keep_alive_s = 0.0
        self._heard_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self._timer = self._loop.call_later(CONNECT_LIMIT_S, self._transport.abort)
        self._open_ones.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._ending = True
        self._open_ones.discard(self)
        self._stop_timer()
        if self._session is not None:
            self._routing.leave(self._session, self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.wake()

    def data_received(self, data: bytes) -> None:
        self._heard_s = self._loop.time()
        try:
            for packet in self._reader.feed(data):
                if self._ending:
                    return
                self._take(packet)
        except Malformed:
            self.end(MALFORMED)
        if self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._transport.abort()

    def wake(self) -> None:
        """Send what waits, once what is at hand is read."""
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def send_once(self, outgoing: Outgoing) -> None:
        """Send a message with QoS 0, unless the client is behind."""
        if not self._paused:
            self._send(self._publish(outgoing, 0, again=False))

    def end(self, reason: int) -> None:
        """Say why and close."""
        if self._ending:
            return
        self._ending = True
        if self._session is not None and self._version == V5 and reason != NORMAL:
            self._send(packets.encode(packets.Disconnect(reason), V5))
        self._transport.close()
        self._stop_timer()
        self._timer = self._loop.call_later(CLOSE_LIMIT_S, self._transport.abort)

    def hang_up(self) -> None:
        """End without a word, as a network does."""
        self._transport.abort()

    def _take(self, packet: Packet) -> None:
        if self._session is not None:
            self._answer(packet, self._session)
        elif isinstance(packet, packets.Connect):
            self._connect(packet)
        else:
            self._transport.abort()

    def _answer(self, packet: Packet, session: Session) -> None:
        match packet:
            case packets.Publish():
                self._published(packet)
            case packets.Puback():
                if session.acknowledged(packet.packet_id):
                    self.wake()
            case packets.Subscribe():
                self._subscribe(packet, session)
            case packets.Unsubscribe():
                self._unsubscribe(packet, session)
            case packets.Pingreq():
                self._send(packets.encode(packets.Pingresp(), self._version))
            case packets.Disconnect():
                expiry = packet.properties.get(properties.SESSION_EXPIRY)
                if expiry is not None and session.expiry_s > 0:
                    session.expiry_s = _expiry_s(expiry)
                self.end(NORMAL)
            case packets.Oversized():
                self.end(TOO_LARGE)
            case _:
                self.end(PROTOCOL_ERROR)

    def _connect(self, packet: packets.Connect) -> None:
        self._version = packet.version
        asked = packet.properties
        if properties.AUTHENTICATION_METHOD in asked:
            return self._refuse(BAD_METHOD)
        if not self._may_come(packet):
            return self._refuse(BAD_LOGIN)
        client_id = packet.client_id
        if not client_id and packet.version != V5 and not packet.clean:
            return self._refuse(CLIENT_ID_NOT_VALID)
        client_id = client_id or f"client-{uuid4().hex}"
        if packet.version == V5:
            expiry_s = _expiry_s(asked.get(properties.SESSION_EXPIRY, 0))
        else:
            expiry_s = 0.0 if packet.clean else NEVER_S
        window = asked.get(properties.RECEIVE_MAXIMUM, WINDOW_UNLESS_TOLD)
        known = self._routing.sessions.get(client_id)
        session = self._routing.enter(
            client_id, self, clean=packet.clean, expiry_s=expiry_s, window=window
        )
        if session is None:
            return self._refuse(SERVER_BUSY)
        self._session = session
        self._largest = asked.get(properties.MAXIMUM_PACKET_SIZE, self._largest)
        told: dict[int, object] = {
            properties.MAXIMUM_QOS: 1,
            properties.MAXIMUM_PACKET_SIZE: MOST_PAYLOAD,
        }
        if not packet.client_id:
            told[properties.ASSIGNED_CLIENT_ID] = client_id
        self._send(packets.encode(packets.Connack(session is known, 0, told), self._version))
        self._watch(packet.keep_alive_s * PATIENCE)
        self.wake()
        return None

    def _may_come(self, packet: packets.Connect) -> bool:
        if not self._logins:
            return True
        right = self._logins.get(packet.username or "")
        given = packet.password or b""
        return hmac.compare_digest((right or "").encode(), given) and right is not None

    def _refuse(self, reason: int) -> None:
        code = reason if self._version == V5 else _CODES_OF_311.get(reason, 3)
        self._send(packets.encode(packets.Connack(False, code), self._version))
        self.end(NORMAL)

    def _published(self, packet: packets.Publish) -> None:
        topic = packet.topic.decode(errors="replace")
        if properties.TOPIC_ALIAS in packet.properties:
            return self.end(ALIAS_NOT_VALID)
        if packet.qos > 1:
            return self.end(QOS_NOT_SUPPORTED)
        if not is_topic(topic):
            return self.end(BAD_TOPIC)
        expiry = packet.properties.get(properties.MESSAGE_EXPIRY)
        expires_s = NEVER_S if expiry is None else self._loop.time() + expiry
        self._routing.publish(Message(topic, packet.payload, packet.qos, packet.retain, expires_s))
        if packet.qos and not self._ending:
            self._send(packets.encode(packets.Puback(packet.packet_id), self._version))
        return None

    def _subscribe(self, packet: packets.Subscribe, session: Session) -> None:
        (identifier, *_) = packet.properties.get(properties.SUBSCRIPTION_ID, [0])
        codes: list[int] = []
        taken: list[tuple[Subscription, int]] = []
        for one in packet.subscriptions:
            try:
                wanted = parse_filter(one.filter)
            except ValueError:
                codes.append(BAD_FILTER if self._version == V5 else UNSPECIFIED)
                continue
            qos = min(one.qos, 1)
            codes.append(qos)
            taken.append((Subscription(wanted, qos, identifier), one.retained))
        answer = packets.Suback(packet.packet_id, tuple(codes))
        self._send(packets.encode(answer, self._version))
        for subscription, retained in taken:
            self._routing.subscribe(session, subscription, retained)

    def _unsubscribe(self, packet: packets.Unsubscribe, session: Session) -> None:
        codes: list[int] = []
        for text in packet.filters:
            try:
                there = self._routing.unsubscribe(session, parse_filter(text))
            except ValueError:
                codes.append(BAD_FILTER)
            else:
                codes.append(0x00 if there else 0x11)  # success, no subscription existed
        answer = packets.Unsuback(packet.packet_id, tuple(codes))
        self._send(packets.encode(answer, self._version))

    def _pump(self) -> None:
        self._pumping = False
        session = self._session
        if session is None:
            return
        now_s = self._loop.time()
        while not (self._paused or self._ending):
            sending = session.next_sending(now_s)
            if sending is None:
                return
            written = self._publish(sending.outgoing, sending.packet_id, again=sending.again)
            if len(written) > self._largest:  # never delivered to who cannot take it (3.1.2.11.4)
                session.acknowledged(sending.packet_id)
                self._routing.tell(
                    f"a message of {len(written):,} bytes on {sending.outgoing.message.topic} is "
                    f"too large for {session.client_id}, which takes {self._largest:,}"
                )
                continue
            self._send(written)

    def _publish(self, outgoing: Outgoing, packet_id: int, *, again: bool) -> bytes:
        message = outgoing.message
        told: dict[int, object] = {}
        if message.expires_s < NEVER_S:
            left_s = max(0, int(message.expires_s - self._loop.time()))
            told[properties.MESSAGE_EXPIRY] = left_s
        if outgoing.identifiers:
            told[properties.SUBSCRIPTION_ID] = list(outgoing.identifiers)
        packet = packets.Publish(
            message.topic.encode(),
            message.payload,
            outgoing.qos,
            packet_id,
            outgoing.retain,
            again,
            told or properties.NONE,
        )
        return packets.encode(packet, self._version)

    def _send(self, written: bytes) -> None:
        self._transport.write(written)

    def _watch(self, limit_s: float) -> None:
        """From now on, end the connection when so much time passes without a packet."""
        self._stop_timer()
        self._keep_alive_s = limit_s
        if limit_s:
            self._timer = self._loop.call_later(limit_s, self._look)

    def _look(self) -> None:
        left_s = self._heard_s + self._keep_alive_s - self._loop.time()
        if left_s <= 0:
            self.end(KEEP_ALIVE_TIMEOUT)
        else:
            self._timer = self._loop.call_later(left_s, self._look)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _expiry_s(property_s: int) -> float:
    return NEVER_S if property_s == EXPIRES_NEVER else float(property_s)
