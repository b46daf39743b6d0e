"""Modbus TCP, as the rest of the system knows it."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.declared import Declared
from pumpjack_worker.adapters.modbus_tcp.address import parse_address
from pumpjack_worker.adapters.modbus_tcp.writing import place_of


def _read(spec: ScadaConnectionSpec, tag: Tag) -> None:
    assert spec.modbus_tcp is not None
    parse_address(tag.address, tag.data_type, spec.modbus_tcp.unit_id)


def _write(spec: ScadaConnectionSpec, tag: Tag) -> None:
    assert spec.modbus_tcp is not None
    place_of(tag, spec.modbus_tcp.unit_id)


def _of_url(url: SplitResult) -> dict[str, Any]:
    unit = url.path.strip("/") or "1"
    if not (unit.isascii() and unit.isdigit()):
        raise ValueError(f"{unit} is no unit")
    port = {} if url.port is None else {"port": url.port}
    return {"host": url.hostname, **port, "unitId": int(unit)}


PROTOCOL = Declared(
    adapter="ModbusTcpAdapter",
    simulated="plcs_of",
    read=_read,
    write=_write,
    first_step="read",
    browser="ModbusBrowser",
    scheme="modbus-tcp",
    form="modbus-tcp://HOST:PORT/UNIT",
    of_url=_of_url,
)
