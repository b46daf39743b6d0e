"""Addresses as each protocol's adapter reads them, for whoever has no worker at hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pumpjack_core.errors import AddressError, WriteRefused
from pumpjack_core.manifests.resolve import RejectedTag, Resolution
from pumpjack_worker.adapters.registry import declared


def unusable_addresses(resolution: Resolution) -> Iterator[RejectedTag]:
    """Tags that no worker could read, and writes that none could write, because of an address."""
    for resolved in resolution.connections:
        spec = resolved.connection.spec
        identity = resolved.connection.metadata.id
        protocol = declared(spec.protocol)
        for tag in resolved.tags.tags:
            try:
                protocol.read(spec, tag)
            except AddressError as error:
                yield RejectedTag(identity, tag.mapping, tag.name, f"address {error}")
                continue
            if tag.write is None:
                continue
            try:
                if protocol.write is None:
                    raise WriteRefused(f"{spec.protocol} devices cannot be written to")
                protocol.write(spec, tag)
            except (AddressError, WriteRefused) as error:
                yield RejectedTag(identity, tag.mapping, tag.name, f"write: {error}", "write")
