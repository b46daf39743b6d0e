"""What one worker is told to run: the same file from a ConfigMap and from `pumpjack up`.

A folder holds connection.json (WorkerConfig without its tags) and the tag table in parts, each
small enough for a ConfigMap: tags-000.json.gz, tags-001.json.gz …, where something is said of
wells, wells-000.json.gz …, and where tags are declared that cannot be read, rejected.json.gz.
Secrets are never in it: they come from files or the environment (WorkerSecrets).
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import NONE_REJECTED, Rejections, Tag, TagTable, WellFacts

CONNECTION_FILE = "connection.json"
TAGS_GLOB = "tags-*.json.gz"
WELLS_GLOB = "wells-*.json.gz"
REJECTED_FILE = "rejected.json.gz"
MOST_FILE_BYTES = 512 << 10
"""Of a part of the tag table: a ConfigMap holds 1 MiB, a third more as base64, and has metadata."""


class Connection(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"
):
    """One connection, everything but its tags.

    connection_id     namespace/name
    allowed_networks  CIDRs that the platform lets this tenant reach
    tags_hash         hash of the tag table that belongs to it, with what is said of its wells
    writes            commands may be written: the tenant switched them on, and the platform lets it
    """

    tenant_id: str
    connection_id: str
    spec: ScadaConnectionSpec
    allowed_networks: tuple[str, ...]
    tags_hash: str
    writes: bool = False


class WorkerConfig(Struct, frozen=True):
    """A connection with its tags."""

    connection: Connection
    tags: TagTable

    @property
    def hash(self) -> str:
        """Hash of everything, reported as appliedConfigHash: 64 hex digits."""
        return hashlib.sha256(msgspec.json.encode(self.connection)).hexdigest()


def files(config: WorkerConfig) -> dict[str, bytes]:
    """A configuration as its files: name to content, connection.json last."""
    found = {
        pattern.replace("*", f"{number:03}"): part
        for pattern, items in ((TAGS_GLOB, config.tags.tags), (WELLS_GLOB, config.tags.facts))
        for number, part in enumerate(_parts(items))
    }
    if config.tags.rejected.total:
        found[REJECTED_FILE] = _packed(config.tags.rejected)
    return {**found, CONNECTION_FILE: msgspec.json.encode(config.connection)}


def _parts(items: Sequence[Tag] | Sequence[WellFacts]) -> list[bytes]:
    """Tags or facts, compressed, in parts of at most MOST_FILE_BYTES."""
    if not items:
        return []
    whole = _packed(items)
    if len(whole) <= MOST_FILE_BYTES or len(items) == 1:
        return [whole]
    half = len(items) // 2
    return _parts(items[:half]) + _parts(items[half:])


def _packed(value: object) -> bytes:
    return gzip.compress(msgspec.json.encode(value), mtime=0)


def save(config: WorkerConfig, folder: Path) -> None:
    """Write a configuration, connection.json last, so that a reader never sees half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files(config)
    there = {*folder.glob(TAGS_GLOB), *folder.glob(WELLS_GLOB), *folder.glob(REJECTED_FILE)}
    for stale in there - {folder / name for name in wanted}:
        stale.unlink()
    for name, content in wanted.items():
        _replace(folder / name, content)


def load(folder: Path) -> WorkerConfig:
    """Read a configuration.

    Raises ManifestError when a file is missing or wrong, or when the tags are not (yet) those
    that connection.json was written with; the caller keeps what it has and reads again.
    """
    path = folder / CONNECTION_FILE
    try:
        connection = msgspec.json.decode(path.read_bytes(), type=Connection)
        tags: list[Tag] = []
        for path in sorted(folder.glob(TAGS_GLOB)):
            tags += msgspec.json.decode(gzip.decompress(path.read_bytes()), type=list[Tag])
        facts: list[WellFacts] = []
        for path in sorted(folder.glob(WELLS_GLOB)):
            facts += msgspec.json.decode(gzip.decompress(path.read_bytes()), type=list[WellFacts])
        rejected = NONE_REJECTED
        for path in folder.glob(REJECTED_FILE):
            rejected = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=Rejections)
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from error
    table = TagTable(tuple(tags), tuple(facts), rejected)
    if table.full_hash != connection.tags_hash:
        raise ManifestError(f"{folder}: the tags are not those that {CONNECTION_FILE} names")
    return WorkerConfig(connection, table)


def worker_config(
    *,
    tenant_id: str,
    connection_id: str,
    spec: ScadaConnectionSpec,
    allowed_networks: tuple[str, ...],
    tags: TagTable,
    writes: bool = False,
) -> WorkerConfig:
    """Put a configuration together."""
    hashed = tags.full_hash
    connection = Connection(tenant_id, connection_id, spec, allowed_networks, hashed, writes)
    return WorkerConfig(connection, tags)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    os.replace(part, path)  # noqa: PTH105 - os.replace says what it does
