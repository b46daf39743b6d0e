"""What a client of the WebSocket sees of alarms, as docs/alarms.md says that it comes."""

from __future__ import annotations

from typing import Any


class AlarmView:
    """One client's alarms.

    event_no  of the last event that was shown, None before the first snapshot of a session
    states    of the alarms that are not normal
    unsaid    events that did not follow the one before
    """

    def __init__(self) -> None:
        self.event_no: int | None = None
        self.states: dict[str, str] = {}
        self.unconfirmed: set[str] = set()
        self.unsaid: list[str] = []
        self.events = 0

    def begin(self) -> None:
        """Another session: everything is told anew."""
        self.event_no = None
        self.states.clear()
        self.unconfirmed.clear()

    def take(self, message: dict[str, Any]) -> None:
        """A message came, of whatever kind."""
        kind = message["type"]
        if kind == "alarms":
            self.begin()
            self.event_no = message["eventNo"]
            for alarm in message["alarms"]:
                self._show(alarm)
        elif kind == "alarms-conflated":
            self.event_no = message["eventNo"]
            for alarm in message["alarms"]:
                self._show(alarm)
        elif kind == "alarm":
            self._show(message)
            if message.get("event") is not None:
                self._follow(message["event"]["eventNo"])

    def _follow(self, event_no: int) -> None:
        self.events += 1
        if self.event_no is None or event_no != self.event_no + 1:
            self.unsaid.append(f"event {event_no} came after {self.event_no}")
        self.event_no = event_no

    def _show(self, alarm: dict[str, Any]) -> None:
        alarm_id = alarm["alarmId"]
        self.states[alarm_id] = alarm["state"]
        if alarm["state"] == "normal":
            del self.states[alarm_id]
        self.unconfirmed.discard(alarm_id)
        if not alarm["confirmed"]:
            self.unconfirmed.add(alarm_id)
