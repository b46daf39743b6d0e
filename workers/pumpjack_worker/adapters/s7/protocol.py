"""Siemens S7, as the rest of the system knows it."""

from __future__ import annotations

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.declared import Declared
from pumpjack_worker.adapters.s7.address import parse_address
from pumpjack_worker.adapters.s7.writing import place_of


def _read(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    parse_address(tag.address, tag.data_type)


def _write(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    place_of(tag)


PROTOCOL = Declared(
    adapter="S7Adapter",
    simulated="plcs_of",
    read=_read,
    write=_write,
    first_step="login",
)
