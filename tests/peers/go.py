"""Go programs as peers: built once, into a cache outside the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.peers.node import CACHE

BUILD_LIMIT_S = 300


def built(folder: Path) -> Path:
    """The program of the Go module in folder. Skips the test where it cannot be built."""
    digest = hashlib.sha256()
    for file in sorted((*folder.glob("*.go"), folder / "go.mod", folder / "go.sum")):
        digest.update(file.read_bytes())
    place = CACHE / f"{folder.name}-{digest.hexdigest()[:12]}"
    if not place.is_file():
        _build(folder, place)
    return place


def _build(folder: Path, place: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"peer-missing: go, to build {folder.name}")
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f"{place.name}.{os.getpid()}")
    done = subprocess.run(
        [go, "build", "-mod=readonly", "-o", part, "."],
        cwd=folder,
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"peer-missing: go build failed in {folder.name}: {done.stderr[-500:]}")
    part.rename(place)
