"""What the worker is told: connection.json and the parts of its tag table, each in a ConfigMap.

The pod projects a fixed number of parts, those that are not there left out, so that a table that
grows needs no other pod.
"""

from __future__ import annotations

import base64

from pumpjack_core import config
from pumpjack_core.config import CONNECTION_FILE
from pumpjack_core.errors import ManifestError
from pumpjack_operator.specs.wanted import Manifest, Wanted, metadata

MOST_PARTS = 16


def config_maps(wanted: Wanted) -> list[Manifest]:
    """One with connection.json, one for each part. Raises ManifestError for too many tags."""
    files = config.files(wanted.config)
    parts = [name for name in files if name != CONNECTION_FILE]
    if len(parts) > MOST_PARTS:
        raise ManifestError(
            f"{wanted.connection.metadata.id} has {len(wanted.config.tags):,} tags, more than its "
            "worker can be told; divide them among several connections"
        )
    found = [
        _config_map(wanted, connection_map(wanted.name), {CONNECTION_FILE: files[CONNECTION_FILE]})
    ]
    for number, name in enumerate(parts):
        found.append(_config_map(wanted, part_map(wanted.name, number), {name: files[name]}))
    return found


def connection_map(child: str) -> str:
    """Name of the ConfigMap with connection.json."""
    return f"{child}-config"


def part_map(child: str, number: int) -> str:
    """Name of the ConfigMap with one part of the tag table."""
    return f"{child}-tags-{number}"


def _config_map(wanted: Wanted, name: str, files: dict[str, bytes]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(wanted, name),
        "binaryData": {key: base64.b64encode(content).decode() for key, content in files.items()},
    }
