"""A hook of the wheel's build: the built screens belong in it.

A wheel without them would serve a page that says so, and nobody would see that before it is
installed. Building them here would fetch packages in the middle of a build that asks for none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ScreensHook(BuildHookInterface):  # type: ignore[type-arg]
    """Refuses to build a wheel that has no screens; an editable install may have none yet."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's form
        screens = Path(self.root) / "gateway" / "pumpjack_gateway" / "screens"
        if version != "editable" and not (screens / "index.html").is_file():
            raise FileNotFoundError(
                f"The operators' screens are not built: {screens} has no index.html. "
                "Run `make screens` (or `python3 gateway/dashboard/build.py`), then build again."
            )
