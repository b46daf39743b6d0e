"""Files that travel with the code: crds/ and migrations/, in a wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def directory(name: str) -> Path:
    """Path of crds or migrations. Raises FileNotFoundError when the installation lacks it."""
    for place in (_PACKAGE / name, _PACKAGE.parents[1] / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"this installation of pumpjack has no {name}/ folder; reinstall it")
