"""OPC UA, as the rest of the system knows it."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.declared import Declared
from pumpjack_worker.adapters.opcua.address import parse_address


def _read(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    parse_address(tag.address, tag.data_type)


def _write(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    written = (tag.write.address if tag.write is not None else "") or tag.address
    parse_address(written, tag.data_type)


def _of_url(url: SplitResult) -> dict[str, Any]:
    return {"endpoint": url.geturl()}


PROTOCOL = Declared(
    adapter="OpcuaAdapter",
    simulated="servers_of",
    read=_read,
    write=_write,
    first_step="secure",
    browser="OpcuaBrowser",
    scheme="opc.tcp",
    form="opc.tcp://HOST:PORT/PATH",
    of_url=_of_url,
)
