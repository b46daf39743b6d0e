"""Where everything is kept that takes long to make: outside git, the same for every clone."""

from __future__ import annotations

import os
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pumpjack"
KIND = CACHE / "kind"
"""Images, the node's root filesystem and settings. Safe to remove while no cluster runs."""
HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
