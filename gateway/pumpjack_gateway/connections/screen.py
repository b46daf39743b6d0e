"""One client's way out for connections: each change while it keeps up, all of them afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Way(Protocol):
    """The part of live.outlet.Outlet that is needed."""

    is_slow: bool

    def tell(self, frame: bytes) -> None:
        """Send a frame; a client that has too much waiting is closed."""
        ...

    def hold(self) -> None:
        """Count a message that is kept for a slow client."""
        ...


class ConnectionsScreen:
    """One client. It holds nothing but whether it missed something.

    on_release  called when the client has caught up and missed something
    """

    __slots__ = ("_misses", "_way", "on_release")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._misses = False
        self.on_release: Callable[[], None] = _nobody

    @property
    def is_behind(self) -> bool:
        """Whether it missed something and would take it now."""
        return self._misses and not self._way.is_slow

    def all(self, frame: bytes) -> None:
        """All connections."""
        self._misses = False
        self._way.tell(frame)

    def change(self, frame: bytes) -> None:
        """What changed."""
        if self._misses or self._way.is_slow:
            self._misses = True
            self._way.hold()
        else:
            self._way.tell(frame)

    def release(self) -> None:
        """The client has caught up."""
        if self._misses:
            self.on_release()

    def forget(self) -> None:
        """It is told no more."""
        self._misses = False


def _nobody() -> None:
    """No feed wants to know."""
