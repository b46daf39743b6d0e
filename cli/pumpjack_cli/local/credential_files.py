"""The files of a device's Secret in the data folder, as the kubelet mounts them in a pod."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from pumpjack_cli.local.datadir import cannot_use


def replace(folder: Path, values: Mapping[str, bytes] | None) -> None:
    """Let a folder hold these files and no others, each whole at any time; None: no folder.

    Only we may read them. Raises SetupError when they cannot be written.
    """
    try:
        if values is None:
            if folder.exists():
                shutil.rmtree(folder)
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        for name, content in values.items():
            _write(folder / name, content)
        for stale in {path.name for path in folder.iterdir()} - set(values):
            (folder / stale).unlink()
    except OSError as error:
        raise cannot_use(folder, error) from error


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Remove the folders of connections that are declared no more."""
    for found in sorted(folder.glob("*")):
        if found.name not in names:
            replace(found, None)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, content)
    finally:
        os.close(file)
    part.replace(path)
