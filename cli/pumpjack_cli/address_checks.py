"""Addresses as each protocol's adapter reads them, for whoever has no worker at hand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pumpjack_core.errors import AddressError, WriteRefused
from pumpjack_core.manifests.resolve import RejectedTag, Resolution
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag


def unusable_addresses(resolution: Resolution) -> Iterator[RejectedTag]:
    """Tags that no worker could read, and writes that none could write, because of an address."""
    for resolved in resolution.connections:
        spec = resolved.connection.spec
        identity = resolved.connection.metadata.id
        read, write = CHECKS[spec.protocol]
        for tag in resolved.tags.tags:
            try:
                read(spec, tag)
            except AddressError as error:
                yield RejectedTag(identity, tag.mapping, tag.name, f"address {error}")
                continue
            if tag.write is None:
                continue
            try:
                write(spec, tag)
            except (AddressError, WriteRefused) as error:
                yield RejectedTag(identity, tag.mapping, tag.name, f"write: {error}", "write")


def _modbus_tcp(spec: ScadaConnectionSpec, tag: Tag) -> None:
    from pumpjack_worker.adapters.modbus_tcp.address import parse_address

    if spec.modbus_tcp is not None:
        parse_address(tag.address, tag.data_type, spec.modbus_tcp.unit_id)


def _modbus_tcp_write(spec: ScadaConnectionSpec, tag: Tag) -> None:
    from pumpjack_worker.adapters.modbus_tcp.writing import place_of

    if spec.modbus_tcp is not None:
        place_of(tag, spec.modbus_tcp.unit_id)


def _opcua(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    from pumpjack_worker.adapters.opcua.address import parse_address

    parse_address(tag.address, tag.data_type)


def _opcua_write(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    from pumpjack_worker.adapters.opcua.address import parse_address

    written = (tag.write.address if tag.write is not None else "") or tag.address
    parse_address(written, tag.data_type)


def _mqtt(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    from pumpjack_worker.adapters.mqtt.address import parse_address

    parse_address(tag.address, tag.data_type)


def _mqtt_write(_spec: ScadaConnectionSpec, tag: Tag) -> None:
    from pumpjack_worker.adapters.mqtt.writer import place_of

    place_of(tag)


Check = Callable[[ScadaConnectionSpec, Tag], None]
CHECKS: dict[str, tuple[Check, Check]] = {
    "modbus-tcp": (_modbus_tcp, _modbus_tcp_write),
    "mqtt": (_mqtt, _mqtt_write),
    "opcua": (_opcua, _opcua_write),
}
"""Protocol to what raises AddressError for an address that its adapter cannot read, and what raises
that or WriteRefused for one that it cannot write."""
