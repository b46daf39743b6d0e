"""Looking at a device before there is a mapping: what `pumpjack browse` asks of a protocol.

A protocol that can be browsed has a module browse.py with a Browser, named in its protocol.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable

from msgspec import Struct

from pumpjack_core.config import Connection
from pumpjack_worker.adapters.contract import Surroundings


class Found(Struct, frozen=True):
    """One thing on a device that could be a tag.

    path       where it stands, from the root, in the device's own words
    address    as a TagMapping would write it
    data_type  as a TagMapping would write it; text for what cannot be stored yet
    unit       engineering unit, where the device tells it
    value      what it read when it was found, None where it was not read or is no number
    low, high  range that the device tells (OPC UA EURange), None where it tells none
    """

    path: tuple[str, ...]
    address: str
    data_type: str
    unit: str = ""
    description: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Browser(ABC):
    """One look at one device. Needs no tags."""

    @abstractmethod
    def __init__(
        self, connection: Connection, surroundings: Surroundings, *, within: str | None = None
    ) -> None:
        """Prepare; no I/O.

        within: where to look, in the protocol's own words (a node to start at, a range of
        registers); None: everything. Raises AddressError for what is none.
        """

    @abstractmethod
    def browse(self, on_seen: Callable[[int], None]) -> AsyncIterator[Found]:
        """Everything that could be a tag, in the device's order, each thing once.

        Holds no more in memory than needed to tell what was seen. on_seen is told now and then how
        many things were looked at. Raises what connect() of the adapter raises.
        """
