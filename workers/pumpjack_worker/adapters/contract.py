"""The contract that every protocol keeps. The pipeline knows nothing else of a device.

The pipeline's use of it, in this order:

    adapter = ModbusTcp(connection, tags, clock, surroundings)
    await adapter.connect()                    # NotConnected: back off, connect() again
    delivery = await adapter.read_batch()      # NotConnected: back off, connect() again
    …journal has the batch on disk…
    await delivery.ack()                       # in the order of the deliveries
    adapter.redeliver()                        # the journal was full and takes again
    adapter.apply_tags(new_tags)               # any time, takes effect at the next read_batch()
    await adapter.write(tag, 12.5)             # any time, beside a blocked read_batch()
    now = await adapter.read_back(tag)         # likewise
    await adapter.close()                      # any time, ends a blocked read_batch() within 1 s
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from msgspec import Struct, field

from pumpjack_core.clock import Clock
from pumpjack_core.config import Connection
from pumpjack_core.errors import WriteRefused
from pumpjack_core.readings import Batch, Quarantined
from pumpjack_core.tags import Tag, TagTable

Ack = Callable[[], Awaitable[None]]
Permit = Callable[[], None]
"""Asked right before the first byte of a write. Raises WriteRefused when it may not go any more."""


async def no_ack() -> None:
    """Acknowledge nothing: for protocols that are polled."""


def permitted() -> None:
    """Let every write go."""


class Delivery(Struct, frozen=True):
    """What one read_batch() gave.

    batch        the readings; none, where only something else is to be kept or acknowledged
    ack          to be awaited once, after the journal has batch, quarantined and memo on disk
    quarantined  what came and is no reading, with its raw form
    errors       what else went wrong, counted: reason (unknown_topic …) to number
    memo         what tells these readings again if the device sends them again after a restart;
                 on disk in the same commit, see Surroundings.memos
    """

    batch: Batch
    ack: Ack = no_ack
    quarantined: tuple[Quarantined, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    memo: bytes = b""


Step = Literal["resolve", "connect", "secure", "login", "subscribe"]
"""What connect() does, in this order, as `pumpjack test-connection` tells it: the name's address,
the transport, certificates and encryption, user and session, what is to be read."""
OnStep = Callable[[Step], None]


def no_steps(_step: Step) -> None:
    """Tell nobody."""


class Surroundings(Struct, frozen=True):
    """What an adapter finds around it, beside its connection.

    secrets  folder with the files of its Secret (pumpjack_core.credentials), None without one
    state    a folder that survives a restart, for certificates and the like, made by who needs it;
             None: nothing is kept
    memos    of the last MEMOS_KEPT deliveries that the journal has had, oldest first
    on_step  told when connect() begins a step
    passing  whether nobody comes back to this session: the device shall keep nothing for it
    """

    secrets: Path | None = None
    state: Path | None = None
    memos: tuple[bytes, ...] = ()
    on_step: OnStep = no_steps
    passing: bool = False


NOWHERE = Surroundings()
MEMOS_KEPT = 1_000


class Adapter(ABC):
    """One protocol's way to one device."""

    protocol: ClassVar[str]
    """Name as in spec.protocol (modbus-tcp)."""
    has_source_time: ClassVar[bool]
    """Whether values come with times of their own; else they are stamped with their receipt."""
    sends_again: ClassVar[bool] = False
    """Whether the device keeps what is not acknowledged and sends it again."""
    writes: ClassVar[bool] = False
    """Whether write() and read_back() are there."""

    @abstractmethod
    def __init__(
        self,
        connection: Connection,
        tags: TagTable,
        clock: Clock,
        surroundings: Surroundings = NOWHERE,
    ) -> None:
        """Prepare; no I/O. Tags that cannot be read go to rejected, the rest is read."""

    @property
    @abstractmethod
    def rejected(self) -> Mapping[int, str]:
        """Position in the tag table to the reason, a sentence that a person can act on.

        Grows while the device refuses addresses, shrinks when it accepts them again.
        """

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person should know though readings come, a sentence each.

        A certificate that expires soon, a queue that overflows.
        """
        return ()

    @property
    def brings_back(self) -> bool:
        """Whether this session brings what the device had to say while there was none.

        Asked after connect(). Or else the adapter itself marks what cannot be brought back. False:
        who calls it marks the end of the gap, which a trend would draw a line through.
        """
        return False

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
        due, where it polls (who calls it marks all tags). Readings that the device lost are
        delivered as Quarantined with reason `gap` and what is known of them. Cancelling loses no
        reading that was not acknowledged.
        """

    @abstractmethod
    def apply_tags(self, tags: TagTable) -> None:
        """Read these tags from the next read_batch() on, without a new session.

        Tags that stay keep their schedule: none of their readings is lost or repeated.
        """

    def redeliver(self) -> None:  # noqa: B027 - nothing to do where nothing is sent again
        """Deliver once more what was delivered and not acknowledged, from the next read_batch() on.

        The journal had no room for it, and now has. For adapters that sends_again.
        """

    async def write(  # by default none can
        self,
        tag: Tag,  # noqa: ARG002
        value: float,  # noqa: ARG002
        permit: Permit = permitted,  # noqa: ARG002
    ) -> None:
        """Have the device set a tag to a value [its unit]; return when the device has said yes.

        Sent once and never again, beside the reading, which goes on. Written is what setting_of()
        makes of the value, to tag.write.address where that is given. permit is asked when all
        waiting is over: nothing is awaited between it and the first byte. Raises WriteRefused or
        NotConnected when nothing was written for certain, Unanswered when nobody knows.
        """
        raise WriteRefused(f"{self.protocol} devices cannot be written to")

    async def read_back(self, tag: Tag) -> float | None:  # noqa: ARG002 - likewise
        """Ask the device for a tag's value now [its unit], from where the tag is read.

        None: this protocol cannot ask, the tag's next reading tells. Raises DeviceError when the
        device has no value to give.
        """
        return None

    @abstractmethod
    async def close(self) -> None:
        """End the session and any blocked read_batch() within a second. Safe to call again."""
