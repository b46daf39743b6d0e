"""What alarms have been decided by, as the journal keeps it for the next process; pure.

Without it that one would take readings that come again, of before the newest, for how things are.

    0   4  CRC-32 of all after it
    4   8  int64     when it was decided [µs of the worker's clock]
   12   -  int64[n]  of each tag of its table the newest time that has decided [µs]
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from msgspec import Struct

from pumpjack_core.readings import Int64s
from pumpjack_core.tags import TagTable

_CHECKSUM = struct.Struct("<I")
_NOW = struct.Struct("<q")


class Known(Struct, frozen=True):
    """The newest times, of a process before this one.

    tags       of which
    now_us     when the last of them decided [µs of the worker's clock]
    newest_us  int64[n], of each tag [µs of its own clock]; NEVER_US: nothing has
    """

    tags: TagTable
    now_us: int
    newest_us: Int64s


def encode(now_us: int, newest_us: Int64s) -> bytes:
    """The bytes of the layout above."""
    content = _NOW.pack(now_us) + newest_us.astype("<i8").tobytes()
    return _CHECKSUM.pack(zlib.crc32(content)) + content


def decode(blob: bytes, tags: TagTable) -> Known | None:
    """What was encoded with these tags; None when it is damaged."""
    if len(blob) != _CHECKSUM.size + _NOW.size + 8 * len(tags):
        return None
    content = blob[_CHECKSUM.size :]
    if _CHECKSUM.unpack_from(blob)[0] != zlib.crc32(content):
        return None
    newest_us = np.frombuffer(content, "<i8", offset=_NOW.size).astype(np.int64)
    return Known(tags, _NOW.unpack_from(content)[0], newest_us)
