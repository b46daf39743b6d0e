"""Which messages waited at the broker while nobody was there to read them. No I/O.

MQTT does not tell how old a message is. After a session goes on, the broker sends what it kept,
and only then what is new; a reading of the first kind without a time of its own is of unknown age.

A broker sends as many messages as may be unacknowledged and, while it has more, always keeps that
window full. So when it answers a PINGREQ, everything it had kept has come if nothing is
unacknowledged, or less than there was once.
"""

from __future__ import annotations

from pumpjack_worker.adapters.mqtt.link import Link


class Backlog:
    """Tells old from new, for one connection at a time."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._most = 0
        self._left = 0

    def begin(self, link: Link, *, waits: bool) -> None:
        """A connection is open. waits: the broker may have kept messages."""
        self._link = link if waits else None
        self._most = 0
        self._left = 0

    @property
    def is_over(self) -> bool:
        """Whether all old messages were taken."""
        return self._link is None and not self._left

    def take(self, number: int) -> int:
        """So many messages are taken from the inbox: how many of the first are old."""
        if self._link is not None:
            self._most = max(self._most, self._link.unacknowledged)
            return number
        old = min(self._left, number)
        self._left -= old
        return old

    def answered(self) -> None:
        """The broker answered a PINGREQ."""
        link = self._link
        if link is None:
            return
        if link.unacknowledged == 0 or link.unacknowledged < self._most:
            self._link = None
            self._left = len(link.inbox)
        self._most = max(self._most, link.unacknowledged)
