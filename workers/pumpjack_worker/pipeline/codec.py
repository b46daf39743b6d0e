"""A batch as bytes, the form in which it waits in the journal.

    0   4  magic "PJB2", or "PJB3" of a batch with transitions
    4   4  CRC-32 of all that follows
    8   4  n, number of readings
   12   4  length of the quarantine part
   16   8  received_us
   24   8  number of the batch, 0 where nobody told it
   32   8  first bytes of the SHA-256 of the tag table
   40   4  length of the transitions part, only in "PJB3"
   40 or 44
           tag_index int32[n], source_us int64[n], value float64[n], quality int16[n],
           quarantine part (MessagePack list of Quarantined),
           transitions part (MessagePack list of Transition)

Little-endian; 22 bytes a reading and 40 or 44 a batch. "PJB1", of journals of format 1, is "PJB2"
without number and tag table, and is still read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from pumpjack_core.alarms import Transition
from pumpjack_core.errors import JournalDamaged
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable

MAGIC, MAGIC_1, MAGIC_3 = b"PJB2", b"PJB1", b"PJB3"
_HEAD = struct.Struct("<4sI")
_SIZES = struct.Struct("<IIq")
_NAMES = struct.Struct("<q8s")
_LENGTH = struct.Struct("<I")
_BODY_1 = _HEAD.size + _SIZES.size
_BODY = _BODY_1 + _NAMES.size
_BODIES = {MAGIC_1: _BODY_1, MAGIC: _BODY, MAGIC_3: _BODY + _LENGTH.size}
_BYTES_A_READING = 22
_quarantine = msgspec.msgpack.Decoder(tuple[Quarantined, ...])
_transitions = msgspec.msgpack.Decoder(tuple[Transition, ...])


class Content(NamedTuple):
    """A batch, what was kept out of it, and what alarms saw in it."""

    batch: Batch
    quarantined: tuple[Quarantined, ...]
    transitions: tuple[Transition, ...]


def encode(
    batch: Batch,
    quarantined: Sequence[Quarantined] = (),
    transitions: Sequence[Transition] = (),
    *,
    seq: int = 0,
) -> bytes:
    """Write a batch and what belongs to it. seq: its number in the journal."""
    extra = msgspec.msgpack.encode(quarantined) if quarantined else b""
    seen = msgspec.msgpack.encode(transitions) if transitions else b""
    body = b"".join(
        (
            _SIZES.pack(len(batch), len(extra), batch.received_us),
            _NAMES.pack(seq, bytes.fromhex(batch.tags.hash)[:8]),
            _LENGTH.pack(len(seen)) if seen else b"",
            batch.tag_index.astype("<i4", copy=False).tobytes(),
            batch.source_us.astype("<i8", copy=False).tobytes(),
            batch.value.astype("<f8", copy=False).tobytes(),
            batch.quality.astype("<i2", copy=False).tobytes(),
            extra,
            seen,
        )
    )
    return _HEAD.pack(MAGIC_3 if seen else MAGIC, zlib.crc32(body)) + body


def decode(blob: bytes, tags: TagTable, *, seq: int = 0) -> Content:
    """Read what encode() wrote. tags is the table that the batch was read with, seq its number.

    Raises JournalDamaged when a single bit differs, or when it is another batch or table.
    """
    if len(blob) < _BODY_1:
        raise JournalDamaged(f"a batch of {len(blob)} bytes is too short to be one")
    magic, crc = _HEAD.unpack_from(blob)
    body = _BODIES.get(magic)
    if body is None or zlib.crc32(memoryview(blob)[_HEAD.size :]) != crc:
        raise JournalDamaged("a batch does not have the checksum that it was written with")
    n, extra, received_us = _SIZES.unpack_from(blob, _HEAD.size)
    seen = _LENGTH.unpack_from(blob, _BODY)[0] if magic == MAGIC_3 and len(blob) >= body else 0
    if len(blob) != body + n * _BYTES_A_READING + extra + seen:
        raise JournalDamaged("a batch does not have the length that it was written with")
    if magic != MAGIC_1:
        _check_names(blob, tags, seq)
    after_tags = body + 4 * n
    after_times = after_tags + 8 * n
    after_values = after_times + 8 * n
    at = after_values + 2 * n
    quarantined = _quarantine.decode(blob[at : at + extra]) if extra else ()
    transitions = _transitions.decode(blob[at + extra :]) if seen else ()
    batch = Batch(
        tags,
        np.frombuffer(blob, "<i4", n, body),
        np.frombuffer(blob, "<i8", n, after_tags),
        np.frombuffer(blob, "<f8", n, after_times),
        np.frombuffer(blob, "<i2", n, after_values),
        received_us,
    )
    return Content(batch, quarantined, transitions)


def _check_names(blob: bytes, tags: TagTable, seq: int) -> None:
    written, digest = _NAMES.unpack_from(blob, _BODY_1)
    if digest != bytes.fromhex(tags.hash)[:8]:
        raise JournalDamaged("a batch was written with other tags than its row says")
    if written and seq and written != seq:
        raise JournalDamaged(f"a batch was written as number {written} and its row says {seq}")
