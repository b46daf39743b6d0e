"""Where the next page begins: opaque to clients, signed, and good for the same question only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec
from msgspec import Struct

from pumpjack_gateway.history import After, Interval, Range

_MAC_BYTES = 16
_NOT_OURS = (
    "this cursor does not belong to this question; repeat the first request as it was and add the "
    "nextCursor of its answer, or leave the cursor out to begin anew"
)


class Cursor(Struct, frozen=True, array_like=True):
    """A question as it was settled for the first page, and how far its answer has come."""

    range: Range
    interval: Interval
    after: After


_decode = msgspec.msgpack.Decoder(Cursor).decode
_encode = msgspec.msgpack.Encoder().encode


class Cursors:
    """Writes and reads cursors. Gateways with the same secret understand each other's."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(secret.encode()).digest() if secret else secrets.token_bytes(32)

    def write(self, cursor: Cursor, question: tuple[object, ...]) -> str:
        """A cursor for whoever asks the same question; the question includes the tenant."""
        return self.seal(_encode(cursor), question)

    def read(self, text: str, question: tuple[object, ...]) -> Cursor:
        """Raises ValueError with a sentence for one that is not ours, or of another question."""
        try:
            return _decode(self.unseal(text, question))
        except msgspec.MsgspecError as error:
            raise ValueError(_NOT_OURS) from error

    def seal(self, body: bytes, question: tuple[object, ...]) -> str:
        """Any place as a cursor."""
        return base64.urlsafe_b64encode(self._mac(body, question) + body).rstrip(b"=").decode()

    def unseal(self, text: str, question: tuple[object, ...]) -> bytes:
        """The place again, as it was sealed. Raises ValueError as read does."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error) as error:
            raise ValueError(_NOT_OURS) from error
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body, question)):
            raise ValueError(_NOT_OURS)
        return body

    def _mac(self, body: bytes, question: tuple[object, ...]) -> bytes:
        asked = msgspec.json.encode(question)
        return hmac.digest(self._key, asked + b"\n" + body, "sha256")[:_MAC_BYTES]
