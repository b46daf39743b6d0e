"""WebSocket frames, written once for all clients (RFC 6455, 5.2).

A server's frames are not masked, so the bytes of a text message are the same for everyone.
"""

from __future__ import annotations

import struct

_FIN_TEXT = 0x81
_SHORT_MAX = 125
_MEDIUM_MAX = 0xFFFF


def text_frame(payload: bytes) -> bytes:
    """A whole text message as one final frame; payload is UTF-8.

    >>> text_frame(b"{}").hex(" ")
    '81 02 7b 7d'
    """
    length = len(payload)
    if length <= _SHORT_MAX:
        return struct.pack("!BB", _FIN_TEXT, length) + payload
    if length <= _MEDIUM_MAX:
        return struct.pack("!BBH", _FIN_TEXT, 126, length) + payload
    return struct.pack("!BBQ", _FIN_TEXT, 127, length) + payload
