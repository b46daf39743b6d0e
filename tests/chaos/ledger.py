"""What devices sent, in numbers that only grow: the truth that the stores are compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from msgspec import Struct


class Sent(Struct, frozen=True):
    """One reading that a device gave away.

    sent_us    when [µs since the epoch, UTC]
    source_us  its own time, None where the protocol has none
    """

    sent_us: int
    source_us: int | None = None


@dataclass
class Ledger:
    """One tag.

    sent          value to what is known of it
    promised      values of which the worker told the device that they are safe
    """

    tenant_id: str
    connection_id: str
    well_id: str
    tag_name: str
    sent: dict[float, Sent] = field(default_factory=dict)
    promised: set[float] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Tenant, well and tag, for people."""
        return f"{self.tenant_id}/{self.well_id}/{self.tag_name}"

    def send(self, value: float, source_us: int | None = None) -> None:
        """Take down a value that goes out now."""
        self.sent[value] = Sent(now_us(), source_us)


def now_us() -> int:
    """The true time [µs since the epoch]: no clock that jumps is read here."""
    return time.time_ns() // 1000
