"""One client's way out for who is at its well: only the last word counts while it is slow."""

from __future__ import annotations

from typing import Protocol

from pumpjack_gateway.presence.messages import Person


class Way(Protocol):
    """The part of live.outlet.Outlet that is needed."""

    is_slow: bool

    def tell(self, frame: bytes) -> None:
        """Send a frame."""
        ...

    def hold(self) -> None:
        """Count a message that is kept for a slow client."""
        ...


class PresenceScreen:
    """A client. place: its well, and what others see of it there; None: nowhere."""

    __slots__ = ("_held", "_way", "place")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._held: bytes | None = None
        self.place: tuple[str, Person] | None = None

    def people(self, frame: bytes) -> None:
        """Who is there now."""
        if self._way.is_slow:
            self._way.hold()
            self._held = frame
        else:
            self._way.tell(frame)

    def release(self) -> None:
        """The client has caught up."""
        frame, self._held = self._held, None
        if frame is not None:
            self._way.tell(frame)

    def forget(self) -> None:
        """It is elsewhere now."""
        self._held = None
