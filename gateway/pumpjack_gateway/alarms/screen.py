"""One client's way out for alarms: all of them while it keeps up, each once when it was slow."""

from __future__ import annotations

from typing import Protocol

from pumpjack_gateway.alarms.messages import ConflatedAlarms, frame_of_alarms
from pumpjack_gateway.alarms.model import Alarm, Change


class Way(Protocol):
    """The part of live.outlet.Outlet that is needed."""

    is_slow: bool

    def tell(self, frame: bytes) -> None:
        """Send a frame; a client that has too much waiting is closed."""
        ...

    def hold(self) -> None:
        """Count a message that is kept for a slow client."""
        ...


class AlarmScreen:
    """One client. What it holds is bounded by the alarms that there are."""

    __slots__ = ("_counts", "_event_no", "_held", "_messages", "_way")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._held: dict[str, Alarm] = {}
        self._messages = 0
        self._event_no = 0
        self._counts: bytes | None = None

    def snapshot(self, frame: bytes) -> None:
        """All alarms: what is held is older."""
        self.forget()
        self._way.tell(frame)

    def change(self, change: Change, event_no: int, frame: bytes) -> None:
        """One alarm changed. event_no: of the last event that was told of."""
        if not self._way.is_slow:
            self._way.tell(frame)
            return
        self._way.hold()
        self._held[change.alarm.alarm_id] = change.alarm
        self._messages += 1
        self._event_no = event_no

    def counts(self, frame: bytes) -> None:
        """The sums: only the last ones matter."""
        if self._way.is_slow:
            self._counts = frame
        else:
            self._way.tell(frame)

    def release(self) -> None:
        """The client has caught up: tell it what it missed."""
        counts = self._counts
        if self._held:
            message = ConflatedAlarms(self._event_no, self._messages, list(self._held.values()))
            self.forget()
            self._way.tell(frame_of_alarms(message))
        if counts is not None:
            self._counts = None
            self._way.tell(counts)

    def forget(self) -> None:
        """Drop what is held."""
        self._held = {}
        self._messages = 0
        self._counts = None
