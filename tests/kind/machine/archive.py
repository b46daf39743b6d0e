"""Images as docker-archive, written without any engine: the same input gives the same bytes.

Format: what `docker save` writes; podman load, ctr images import and kind load all take it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

MODE = 0o755
PATH = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
CHUNK_BYTES = 1 << 20


class File(msgspec.Struct, frozen=True):
    """One file of a layer: where it goes, and its contents or the file that has them."""

    path: str
    contents: bytes | Path
    mode: int = MODE


class Settings(msgspec.Struct, frozen=True):
    """What runs in the image, and what it is told."""

    entrypoint: tuple[str, ...]
    env: tuple[str, ...] = PATH
    stop_signal: str = "SIGTERM"


def write_layer(place: Path, files: Sequence[File]) -> None:
    """A tar of these files and the folders above them, owned by root, without times."""
    with tarfile.open(place, "w", format=tarfile.GNU_FORMAT) as tar:
        for folder in _folders(files):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            entry.mode = MODE
            tar.addfile(entry)
        for file in sorted(files, key=lambda file: file.path):
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.mode = file.mode
            if isinstance(file.contents, bytes):
                entry.size = len(file.contents)
                tar.addfile(entry, io.BytesIO(file.contents))
            else:
                entry.size = file.contents.stat().st_size
                with file.contents.open("rb") as source:
                    tar.addfile(entry, source)


def write_archive(place: Path, name: str, layers: Sequence[Path], settings: Settings) -> None:
    """The image `name` of these layers, lowest first; place appears only when it is whole."""
    digests = [sha256(layer) for layer in layers]
    config = _config(digests, settings)
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [
        {
            "Config": config_name,
            "RepoTags": [name],
            "Layers": [f"{digest}/layer.tar" for digest in digests],
        }
    ]
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    with tarfile.open(part, "w", format=tarfile.GNU_FORMAT) as tar:
        for digest, layer in zip(digests, layers, strict=True):
            entry = tarfile.TarInfo(f"{digest}/layer.tar")
            entry.size = layer.stat().st_size
            with layer.open("rb") as source:
                tar.addfile(entry, source)
        for path, contents in ((config_name, config), ("manifest.json", _json(manifest))):
            entry = tarfile.TarInfo(path)
            entry.size = len(contents)
            tar.addfile(entry, io.BytesIO(contents))
    part.rename(place)


def sha256(place: Path) -> str:
    """Of a file's contents, in hex."""
    digest = hashlib.sha256()
    with place.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _folders(files: Sequence[File]) -> list[str]:
    above = {str(parent) for file in files for parent in Path(file.path.lstrip("/")).parents}
    return sorted(above - {"."})


def _config(digests: Sequence[str], settings: Settings) -> bytes:
    return _json(
        {
            "architecture": _architecture(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "Entrypoint": list(settings.entrypoint),
                "Env": list(settings.env),
                "StopSignal": settings.stop_signal,
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        }
    )


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
