"""The connections of given manifests, as a simulator of one protocol serves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.device import device
from pumpjack_core.manifests.load import load_paths
from pumpjack_core.manifests.resolve import ResolvedConnection, resolve

_Device = TypeVar("_Device")


def on_port(found: dict[int, _Device], port: int | None, what: str) -> dict[int, _Device]:
    """The one device of these on another port. Raises ManifestError for several of what they are.

    >>> on_port({502: "a PLC"}, 1502, "device")
    {1502: 'a PLC'}
    """
    if port is None:
        return found
    if len(found) > 1:
        raise ManifestError(
            f"--port is for one {what}, and the manifests hold {len(found)}; "
            "pick one with --connection"
        )
    return {port: next(iter(found.values()))}


def by_port(
    paths: Sequence[str | Path], protocol: str, connection: str | None = None
) -> dict[int, list[ResolvedConnection]]:
    """As connections_of(), by the port that they are read on; those of one port are one device.

    Raises ManifestError also for different devices on one port.
    """
    ports: dict[int, list[ResolvedConnection]] = {}
    for one in connections_of(paths, protocol, connection):
        host, port = device(one.connection.spec)
        here = ports.setdefault(port, [])
        if here and device(here[0].connection.spec)[0] != host:
            raise ManifestError(
                f"{here[0].connection.metadata.id} and {one.connection.metadata.id} are different "
                f"devices on port {port}; simulate one of them with --connection"
            )
        here.append(one)
    return ports


def connections_of(
    paths: Sequence[str | Path], protocol: str, connection: str | None = None
) -> list[ResolvedConnection]:
    """The connections with this protocol, with their tags; never none.

    connection: only this one, by its name or namespace/name. Raises ManifestError when the
    manifests are wrong, or when there is nothing to simulate.
    """
    loaded = load_paths(paths)
    if not loaded.valid:
        raise ManifestError(
            "the manifests have errors; see them with: pumpjack validate "
            + " ".join(str(path) for path in paths)
        )
    tenants = {one.metadata.namespace: one.metadata.namespace for one in loaded.connections}
    resolution = resolve(loaded.connections, loaded.mappings, tenants | loaded.tenants)
    found = [
        one
        for one in resolution.connections
        if one.connection.spec.protocol == protocol
        and connection in (None, one.connection.metadata.name, one.connection.metadata.id)
    ]
    if not found:
        what = f"connection {connection!r}" if connection else f"connection with {protocol}"
        names = ", ".join(one.connection.metadata.id for one in resolution.connections) or "none"
        raise ManifestError(f"the manifests hold no {what}; they hold {names}")
    return found
