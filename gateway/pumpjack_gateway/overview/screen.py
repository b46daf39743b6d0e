"""One client's way out for the overview: all changes while it keeps up, merged when it was slow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class OverviewScreen:
    """One client. What it holds is bounded by the wells that there are.

    on_release  called when the client has caught up and something is held for it
    """

    __slots__ = ("_changes", "_misses_all", "_way", "on_release")

    def __init__(self, way: Way) -> None:
        self._way = way
        self._changes: dict[str, int] = {}
        self._misses_all = False
        self.on_release: Callable[[], None] = _nobody

    @property
    def is_behind(self) -> bool:
        """Whether something is held that it would take now."""
        return not self._way.is_slow and self._holds

    @property
    def _holds(self) -> bool:
        return self._misses_all or bool(self._changes)

    def admit(self, frame: bytes) -> None:
        """All wells, as an answer to the client: what is held is older."""
        self.forget()
        self._way.tell(frame)

    def all_anew(self, frame: bytes) -> None:
        """All wells, in place of what it was told before."""
        self.forget()
        if self._way.is_slow:
            self._way.hold()
            self._misses_all = True
        else:
            self._way.tell(frame)

    def changes(self, frame: bytes, bits: Mapping[str, int]) -> None:
        """What changed. bits: of each well, what it is that changed."""
        if not self._way.is_slow and not self._holds:
            self._way.tell(frame)
            return
        self._way.hold()
        if not self._misses_all:
            held = self._changes
            for well_id, changed in bits.items():
                held[well_id] = held.get(well_id, 0) | changed

    def take_missed(self) -> dict[str, int] | None:
        """What is held, from now on no more; None: everything has to be told anew."""
        missed = None if self._misses_all else self._changes
        self.forget()
        return missed

    def release(self) -> None:
        """The client has caught up."""
        if self._holds:
            self.on_release()

    def forget(self) -> None:
        """Drop what is held."""
        self._changes = {}
        self._misses_all = False


def _nobody() -> None:
    """No feed wants to know."""
