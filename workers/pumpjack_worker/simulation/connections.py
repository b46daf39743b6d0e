"""The connections of given manifests, as a simulator of one protocol serves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.load import load_paths
from pumpjack_core.manifests.resolve import ResolvedConnection, resolve


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
