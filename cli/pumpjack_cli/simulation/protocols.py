"""Which protocols manifests speak."""

from __future__ import annotations

from collections.abc import Sequence

from pumpjack_cli.naming import named
from pumpjack_core.manifests.load import load_paths


def protocols_of(files: Sequence[str], connection: str | None = None) -> list[str]:
    """The protocols of the connections in manifests, or of the one with this name.

    Raises ManifestError for files that cannot be read, SetupError when there is no connection.
    """
    known = {one.metadata.id: one.spec.protocol for one in load_paths(files).connections}
    return sorted({known[identity] for identity in named(known, connection)})
