"""File operations that are on disk when they return, so that a power cut does not undo them.

fsync of a file says nothing of its name: the folder that holds the name has to be synced too
(fsync(2), "does not necessarily ensure that the entry in the directory ... has also reached disk").
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk: what was made, renamed and removed in it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move(source: Path, target: Path) -> None:
    """Rename within a folder, over what is there. Raises OSError."""
    os.replace(source, target)  # noqa: PTH105 - os.replace says what it does
    sync_folder(target.parent)


def move_if_there(source: Path, target: Path) -> None:
    """The same; nothing where there is no source."""
    with contextlib.suppress(FileNotFoundError):
        move(source, target)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file. Raises OSError."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
