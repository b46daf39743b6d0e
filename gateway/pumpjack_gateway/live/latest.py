"""A well's latest readings, as the worker keeps them in Redis (pumpjack_core.wire.latest_key)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pumpjack_core.decoding import decoder
from pumpjack_core.wire import POSITION_PREFIX, Position, Reading

_decode_reading = decoder(Reading)
_decode_position = decoder(Position)
_PREFIX = POSITION_PREFIX.encode()


class Latest(Struct, frozen=True):
    """The readings and how far each connection's feed had come with them."""

    readings: list[Reading]
    positions: dict[str, Position]


def parse_latest(fields: Mapping[bytes, bytes]) -> Latest:
    """Decode the hash. A field that is malformed is left out: the others are still true."""
    readings: list[Reading] = []
    positions: dict[str, Position] = {}
    for name, value in fields.items():
        try:
            if name.startswith(_PREFIX):
                positions[name.removeprefix(_PREFIX).decode()] = _decode_position(value)
            else:
                readings.append(_decode_reading(value))
        except ValueError:
            continue
    return Latest(readings, positions)
