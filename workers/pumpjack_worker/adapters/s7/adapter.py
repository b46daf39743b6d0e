"""Siemens S7 over ISO on TCP (RFC 1006): data blocks, memory, inputs and outputs; see README.md."""

from __future__ import annotations

from typing import ClassVar

from pumpjack_core.config import Connection
from pumpjack_core.errors import ManifestError
from pumpjack_core.networks import parse_networks
from pumpjack_core.tags import Tag
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.polled.adapter import PolledAdapter
from pumpjack_worker.adapters.s7.address import S7Address, parse_address
from pumpjack_worker.adapters.s7.line import S7Line
from pumpjack_worker.adapters.s7.link import Settings
from pumpjack_worker.adapters.s7.writing import place_of

KINDS = {"pg": 1, "op": 2, "basic": 3}


class S7Adapter(PolledAdapter[S7Address]):
    """One controller."""

    protocol: ClassVar[str] = "s7"
    writes: ClassVar[bool] = True

    def _make_line(self, connection: Connection, surroundings: Surroundings) -> S7Line:
        spec = connection.spec.s7
        if spec is None:
            raise ManifestError(f"{connection.connection_id}: spec.s7 is missing")
        return S7Line(
            Settings(
                spec.host,
                spec.port,
                parse_networks(connection.allowed_networks),
                seconds(spec.timeout),
                spec.rack,
                spec.slot,
                KINDS[spec.connection_type],
                surroundings.on_step,
            )
        )

    def place_of(self, tag: Tag) -> S7Address:
        """As PolledAdapter.place_of()."""
        return parse_address(tag.address, tag.data_type)

    def place_to_write(self, tag: Tag) -> S7Address:
        """As PolledAdapter.place_to_write()."""
        return place_of(tag)
