"""Which messages a broker sends again, and which of them the journal has already. No I/O.

With QoS 1 a broker gives each message a packet id, sends it, and sends it again with the DUP flag
after a reconnect, until it got the PUBACK. Only then is the packet id free for another message.
Three things can have become of a message that comes again, by its packet id and the checksum of
its topic and payload:

1. It is in the journal, and the PUBACK was lost, or the worker was killed before it was sent
   (the checksums are on disk with the readings, as Delivery.memo). It is acknowledged and counted
   as `duplicate`, not delivered.
2. It was delivered, and nobody knows yet whether the journal will have it. It is delivered again,
   with the time of receipt that it had: if both get stored, the database sees one reading
   (same tag, time, value and quality).
3. It was never delivered. It is new, whatever its DUP flag says.

Two messages can look the same: the broker got the PUBACK of one, gave its packet id to the next
with the same content, and that one was lost on its way and comes again. So what is journaled is
remembered only until the broker is known to have the PUBACK: it answered a PINGREQ that was sent
behind it (MQTT answers in order), or it used the packet id for a message without DUP. How far that
went stands in each memo. What remains is a loss of the connection within that one answer, at a
broker that uses packet ids again at once, for a payload without a time that is the same: of two
equal readings a moment apart one is kept.

When the broker forgot the session, packet ids mean nothing any more, and all this is forgotten:
what is remembered belongs to one session, told apart by a number of our own.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

_HEAD = struct.Struct(">3s8sQQqI")
_FORM = b"MQ\x01"
_SESSION_BYTES = 8
MOST_RECENT = 10_000
"""Checksums of messages from before a restart that tell retained ones again."""


def checksum(topic: bytes, payload: bytes) -> int:
    """CRC-32 of topic and payload: tells apart the messages that one packet id may name."""
    return zlib.crc32(payload, zlib.crc32(topic))


class Record(Struct):
    """One delivery's messages.

    number  of the delivery
    link    what they came by: a PUBACK goes nowhere else
    us      when each was received first [µs since the epoch, UTC]
    """

    number: int
    session: bytes
    link: object
    packet_ids: list[int]
    checksums: list[int]
    us: list[int]


class Redelivered:
    """What is remembered of the messages of one session."""

    def __init__(self, memos: Sequence[bytes] = ()) -> None:
        """memos: what was on disk with the last deliveries before a restart."""
        self.session = b""
        self.last_us: int | None = None
        self._number = 0
        self._confirmed = 0
        self._journaled: dict[int, int] = {}
        self._unconfirmed: deque[tuple[int, Sequence[int]]] = deque()
        self._old: deque[tuple[int, Sequence[int]]] = deque()
        self._link: object = None
        self._delivered: dict[int, Record] = {}
        self._pending: dict[int, tuple[int, int]] = {}
        self.recent: set[int] = set()
        self._load(memos)

    def _load(self, memos: Sequence[bytes]) -> None:
        recent: deque[int] = deque(maxlen=MOST_RECENT)
        for memo in memos:
            noted = _unpack(memo)
            if noted is None:
                continue
            session, number, confirmed, us, packet_ids, checksums = noted
            if session != self.session:
                self._forget()
                self.session = session
            self._number = max(self._number, number)
            self._note(self._unconfirmed, number, packet_ids, checksums)
            self.confirmed(confirmed)
            self.last_us = us
            recent.extend(checksums)
        self.recent = set(recent)

    def begin(self, session: bytes | None, link: object) -> None:
        """Go on with a session by another link. None: the broker has made a new session."""
        if session is None:
            session = os.urandom(_SESSION_BYTES)
        if session != self.session:
            self._forget()
            self.session = session
        self._link = link
        self._old += self._unconfirmed  # their PUBACKs may be lost with the link before
        self._unconfirmed.clear()
        for record in self._delivered.values():
            seen = zip(record.checksums, record.us, strict=True)
            self._pending.update(zip(record.packet_ids, seen, strict=True))
        self._delivered.clear()

    def is_journaled(self, packet_id: int, check: int, *, dup: bool) -> bool:
        """Whether this message is in the journal. One without DUP clears its packet id."""
        found = self._journaled.get(packet_id)
        if found is None:
            return False
        if dup and found & 0xFFFF_FFFF == check:
            return True
        del self._journaled[packet_id]
        return False

    def received_us(self, packet_id: int, check: int, now_us: int) -> int:
        """When this message, which comes with DUP, was received first."""
        found = self._pending.get(packet_id)
        return found[1] if found is not None and found[0] == check else now_us

    def deliver(
        self, link: object, packet_ids: list[int], checksums: list[int], us: list[int]
    ) -> Record:
        """Take note of a delivery."""
        self._number += 1
        record = Record(self._number, self.session, link, packet_ids, checksums, us)
        self._delivered[record.number] = record
        return record

    def memo(self, record: Record) -> bytes:
        """What must be on disk with a delivery's readings."""
        confirmed = self._old[0][0] - 1 if self._old else self._confirmed
        return (
            _HEAD.pack(
                _FORM,
                record.session,
                record.number,
                confirmed,
                record.us[-1],
                len(record.packet_ids),
            )
            + np.array(record.packet_ids, ">u2").tobytes()
            + np.array(record.checksums, ">u4").tobytes()
        )

    def journaled(self, record: Record) -> None:
        """The journal has a delivery."""
        if record.session != self.session:
            return
        self._delivered.pop(record.number, None)
        if self._pending:
            for packet_id, check in zip(record.packet_ids, record.checksums, strict=True):
                if self._pending.get(packet_id, (None,))[0] == check:
                    del self._pending[packet_id]
        by_this_link = record.link is self._link
        if by_this_link or self._old or self._pending:
            noted = self._unconfirmed if by_this_link else self._old
            self._note(noted, record.number, record.packet_ids, record.checksums)

    def confirmed(self, number: int) -> None:
        """The broker has the PUBACKs of all deliveries by this link up to this one."""
        self._confirmed = max(self._confirmed, number)
        while self._unconfirmed and self._unconfirmed[0][0] <= number:
            self._clear(*self._unconfirmed.popleft())

    def settled(self) -> None:
        """All that comes again by this link has come: what did not is acknowledged."""
        while self._old:
            self._clear(*self._old.popleft())
        self._pending.clear()

    def _clear(self, number: int, packet_ids: Sequence[int]) -> None:
        for packet_id in packet_ids:
            if self._journaled.get(packet_id, -1) >> 32 == number:
                del self._journaled[packet_id]

    def _note(
        self,
        noted: deque[tuple[int, Sequence[int]]],
        number: int,
        packet_ids: Sequence[int],
        checksums: Iterable[int],
    ) -> None:
        high = number << 32
        self._journaled.update(zip(packet_ids, [high | check for check in checksums], strict=True))
        noted.append((number, packet_ids))

    def _forget(self) -> None:
        self._journaled.clear()
        self._unconfirmed.clear()
        self._old.clear()
        self._delivered.clear()
        self._pending.clear()


def _unpack(memo: bytes) -> tuple[bytes, int, int, int, list[int], list[int]] | None:
    """None for what another protocol or another version noted."""
    if len(memo) < _HEAD.size:
        return None
    form, session, number, confirmed, us, count = _HEAD.unpack_from(memo)
    if form != _FORM or len(memo) != _HEAD.size + 6 * count:
        return None
    packet_ids = np.frombuffer(memo, ">u2", count, _HEAD.size).tolist()
    checksums = np.frombuffer(memo, ">u4", count, _HEAD.size + 2 * count).tolist()
    return session, number, confirmed, us, packet_ids, checksums
