"""A batch as bytes, the form in which it waits in the journal.

    0   4  magic "PJB1"
    4   4  CRC-32 of all that follows
    8   4  n, number of readings
   12   4  length of the quarantine part
   16   8  received_us
   24      tag_index int32[n], source_us int64[n], value float64[n], quality int16[n],
           quarantine part (MessagePack list of Quarantined)

Little-endian; 22 bytes a reading and 24 a batch.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import msgspec
import numpy as np

from pumpjack_core.errors import JournalDamaged
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable

MAGIC = b"PJB1"
_HEAD = struct.Struct("<4sI")
_SIZES = struct.Struct("<IIq")
_BODY = _HEAD.size + _SIZES.size
_BYTES_A_READING = 22
_quarantine = msgspec.msgpack.Decoder(tuple[Quarantined, ...])


def encode(batch: Batch, quarantined: Sequence[Quarantined] = ()) -> bytes:
    """Write a batch and what was kept out of it."""
    extra = msgspec.msgpack.encode(quarantined) if quarantined else b""
    body = b"".join(
        (
            _SIZES.pack(len(batch), len(extra), batch.received_us),
            batch.tag_index.astype("<i4", copy=False).tobytes(),
            batch.source_us.astype("<i8", copy=False).tobytes(),
            batch.value.astype("<f8", copy=False).tobytes(),
            batch.quality.astype("<i2", copy=False).tobytes(),
            extra,
        )
    )
    return _HEAD.pack(MAGIC, zlib.crc32(body)) + body


def decode(blob: bytes, tags: TagTable) -> tuple[Batch, tuple[Quarantined, ...]]:
    """Read what encode() wrote. tags is the table that the batch was read with.

    Raises JournalDamaged when a single bit differs.
    """
    if len(blob) < _BODY:
        raise JournalDamaged(f"a batch of {len(blob)} bytes is too short to be one")
    magic, crc = _HEAD.unpack_from(blob)
    if magic != MAGIC or zlib.crc32(memoryview(blob)[_HEAD.size :]) != crc:
        raise JournalDamaged("a batch does not have the checksum that it was written with")
    n, extra, received_us = _SIZES.unpack_from(blob, _HEAD.size)
    if len(blob) != _BODY + n * _BYTES_A_READING + extra:
        raise JournalDamaged("a batch does not have the length that it was written with")
    after_tags = _BODY + 4 * n
    after_times = after_tags + 8 * n
    after_values = after_times + 8 * n
    at = after_values + 2 * n
    quarantined = _quarantine.decode(blob[at:]) if extra else ()
    batch = Batch(
        tags,
        np.frombuffer(blob, "<i4", n, _BODY),
        np.frombuffer(blob, "<i8", n, after_tags),
        np.frombuffer(blob, "<f8", n, after_times),
        np.frombuffer(blob, "<i2", n, after_values),
        received_us,
    )
    return batch, quarantined
