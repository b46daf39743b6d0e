"""Where a tag's commands go in a controller. Pure."""

from __future__ import annotations

from pumpjack_core.errors import WriteRefused
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.s7.address import Area, S7Address, parse_address


def place_of(tag: Tag) -> S7Address:
    """Where a tag is written. Raises AddressError or WriteRefused."""
    text = (tag.write.address if tag.write is not None else "") or tag.address
    place = parse_address(text, tag.data_type)
    if place.area is Area.INPUT:
        raise WriteRefused(
            f"{text} is an input: the controller overwrites it in its next cycle; set "
            "write.address to a byte that its program reads"
        )
    return place
