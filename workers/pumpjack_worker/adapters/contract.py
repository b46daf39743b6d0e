"""The contract that every protocol keeps. The pipeline knows nothing else of a device.

The pipeline's use of it, in this order:

    adapter = ModbusTcp(connection, tags, clock)
    await adapter.connect()                    # NotConnected: back off, connect() again
    delivery = await adapter.read_batch()      # NotConnected: back off, connect() again
    …journal has the batch on disk…
    await delivery.ack()
    adapter.apply_tags(new_tags)               # any time, takes effect at the next read_batch()
    await adapter.close()                      # any time, ends a blocked read_batch() within 1 s
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from msgspec import Struct

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import TagTable

Ack = Callable[[], Awaitable[None]]


async def no_ack() -> None:
    """Acknowledge nothing: for protocols that are polled."""


class Delivery(Struct, frozen=True):
    """What one read_batch() gave.

    batch        the readings
    ack          to be awaited once, after the journal has batch and quarantined on disk
    quarantined  what came and is no reading, with its raw form
    """

    batch: Batch
    ack: Ack = no_ack
    quarantined: tuple[Quarantined, ...] = ()


class Adapter(ABC):
    """One protocol's way to one device."""

    protocol: ClassVar[str]
    """Name as in spec.protocol (modbus-tcp)."""
    has_source_time: ClassVar[bool]
    """Whether values come with times of their own; else they are stamped with their receipt."""

    @abstractmethod
    def __init__(self, connection: Connection, tags: TagTable, clock: Clock) -> None:
        """Prepare; no I/O. Tags that cannot be read go to rejected, the rest is read."""

    @property
    @abstractmethod
    def rejected(self) -> Mapping[int, str]:
        """Position in the tag table to the reason, a sentence that a person can act on.

        Grows while the device refuses addresses, shrinks when it accepts them again.
        """

    @abstractmethod
    async def connect(self) -> None:
        """Open the session. Checks the allowed networks on the resolved address, every time.

        Raises NotConnected (with its reason) or HostNotAllowed. Safe to call again.
        """

    @abstractmethod
    async def read_batch(self) -> Delivery:
        """Wait for the next readings.

        A tag that the device refuses comes back as BAD/device_bad, a tag whose unit does not
        answer as BAD/comm_failure, never as its last value and never missing. Raises NotConnected
        when the session is lost, after it has delivered BAD/comm_failure for the tags that were
        due. Cancelling loses no reading that was not acknowledged.
        """

    @abstractmethod
    def apply_tags(self, tags: TagTable) -> None:
        """Read these tags from the next read_batch() on, without a new session.

        Tags that stay keep their schedule: none of their readings is lost or repeated.
        """

    @abstractmethod
    async def close(self) -> None:
        """End the session and any blocked read_batch() within a second. Safe to call again."""
