"""The way to devices that are asked place by place, as PolledAdapter uses it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.quality import GOOD
from pumpjack_worker.adapters.contract import Permit

Place = TypeVar("Place", bound=Hashable)
"""Where a tag is found in a device, as its address says: a frozen struct of the protocol."""


class Got(NamedTuple):
    """What a place holds.

    value    raw, before scale and offset; NaN: the device has no number to give
    quality  as pumpjack_core.quality has it
    us       when it was so, or came [µs since the epoch, UTC]; 0: with the last of its batch
    """

    value: float
    quality: int = GOOD
    us: int = 0


class Refused(NamedTuple):
    """The device gives no value of this place. why: the end of a sentence."""

    why: str


Answer = Got | Refused


class UnitTrouble(Exception):
    """A unit did not answer, or said that it cannot. silent: it gave no sign of itself."""

    def __init__(self, text: str, *, silent: bool) -> None:
        super().__init__(text)
        self.silent = silent


class Line(ABC, Generic[Place]):
    """A session with one device, or with several units behind one address.

    peer       who it is, for messages
    timeout_s  how long one answer may take
    clock      for the time at which each answer came; set by who uses the line
    on_lost    called when the session ends by itself, while nobody asks; set by who uses the line
    """

    peer: str
    timeout_s: float
    clock: Clock

    def __init__(self) -> None:
        self.on_lost = _nothing
        self.clock = SystemClock()

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether there is a session, as far as one can know without asking."""

    @abstractmethod
    async def open(self) -> None:
        """Begin a session in place of the one before.

        Resolves and checks the address each time. Raises NotConnected or HostNotAllowed.
        """

    @abstractmethod
    async def read(self, places: Sequence[Place], *, timeout_s: float) -> Sequence[Answer]:
        """Ask one unit for these, in as few requests as it takes; an answer each, in their order.

        Where it takes several, each answer has the time at which it came.

        Raises UnitTrouble when the unit does not answer and others may, NotConnected when the
        session is lost. Being cancelled must leave the line usable, or lost.
        """

    async def write(self, place: Place, value: float, permit: Permit) -> None:
        """Have the device set a place to a raw value, once; permit right before the first byte.

        Raises WriteRefused or NotConnected when nothing was written, Unanswered when nobody knows.
        """
        raise NotImplementedError

    @abstractmethod
    def drop(self) -> None:
        """End the session; open() begins another."""

    @abstractmethod
    def close(self) -> None:
        """End it for good, and whoever waits for an answer or for the session gets NotConnected."""


def _nothing() -> None:
    """Tell nobody."""
