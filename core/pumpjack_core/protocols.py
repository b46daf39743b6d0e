"""The protocols that devices are read by, as far as whoever reads no device needs to know them.

How a protocol is spoken is in its folder of pumpjack_worker.adapters.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Manner(Enum):
    """How readings come, and so what it means when none do."""

    POLLED = "polled"
    """Each tag in each interval: silence has to be explained."""
    REPORTED = "reported"
    """When a value changes, and the device says that it lives when none does: silence is well."""
    SENT = "sent"
    """When somebody sends them, and nobody knows whether one will."""


class Protocol(NamedTuple):
    """One protocol.

    name    as in spec.protocol; with underscores its folder and its member of the spec
    title   as people write it
    manner  how its readings come
    """

    name: str
    title: str
    manner: Manner

    @property
    def member(self) -> str:
        """Its folder, and its member of ScadaConnectionSpec.

        >>> PROTOCOLS["modbus-tcp"].member
        'modbus_tcp'
        """
        return self.name.replace("-", "_")


PROTOCOLS = {
    one.name: one
    for one in (
        Protocol("modbus-tcp", "Modbus TCP", Manner.POLLED),
        Protocol("mqtt", "MQTT", Manner.SENT),
        Protocol("opcua", "OPC UA", Manner.REPORTED),
        Protocol("s7", "S7", Manner.POLLED),
    )
}
