"""Python programs as peers, whose packages must not be those of the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.node import CACHE, INSTALL_LIMIT_S

CHECKOUT = Path(__file__).parents[2]


def installed(requirement: str) -> Path:
    """The folder with a package of this exact version (name==1.2.3), to be put on PYTHONPATH."""
    place = CACHE / requirement.replace("==", "-")
    if place.is_dir():
        return place
    uv = shutil.which("uv") or CHECKOUT / ".bootstrap" / "bin" / "uv"
    part = place.with_name(f"{place.name}.{os.getpid()}")
    done = subprocess.run(
        [
            *(str(uv), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--python", sys.executable, "--target", str(part), requirement),
        ],
        capture_output=True,
        text=True,
        timeout=INSTALL_LIMIT_S,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"peer-missing: {requirement}: {done.stderr.strip()[-300:]}")
    part.rename(place)
    return place
