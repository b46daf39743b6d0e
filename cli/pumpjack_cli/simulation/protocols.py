"""Which protocols manifests speak, and what simulates them; each is imported only when used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from pumpjack_cli.naming import named
from pumpjack_core.manifests.load import load_paths

MODULE = "pumpjack_worker.adapters.{}.simulator"


def simulator(protocol: str) -> Any:
    """The module that simulates a protocol: it has Options and run(options)."""
    return import_module(MODULE.format(protocol.replace("-", "_")))


def protocols_of(files: Sequence[str], connection: str | None = None) -> list[str]:
    """The protocols of the connections in manifests, or of the one with this name.

    Raises ManifestError for files that cannot be read, SetupError when there is no connection.
    """
    known = {one.metadata.id: one.spec.protocol for one in load_paths(files).connections}
    return sorted({known[identity] for identity in named(known, connection)})
