"""One message of the feed on its way to all clients of a well."""

from __future__ import annotations

from functools import cached_property

from pumpjack_core import wire
from pumpjack_gateway.live.frames import text_frame


class Message:
    """The worker's bytes with their head; decoded as a whole only when its readings are needed."""

    def __init__(self, head: wire.Envelope, payload: bytes) -> None:
        self.head = head
        self._payload = payload

    @cached_property
    def frame(self) -> bytes:
        """As it goes to every client."""
        return text_frame(self._payload)

    @cached_property
    def body(self) -> wire.Readings | None:
        """The whole message; None when its readings are malformed."""
        try:
            message = wire.decode_message(self._payload)
        except ValueError:
            return None
        return message if isinstance(message, wire.Readings) else None
