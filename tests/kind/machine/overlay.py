"""kind-config.yaml with what the node made here needs: the overlay adds, and takes nothing away."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import yaml

from tests.kind.machine.places import HERE, KIND, REPOSITORY

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | bool | None"


def config() -> Path:
    """The merged file, for `kind create cluster --config`."""
    place = KIND / "kind-config.yaml"
    merged = merge(_read(REPOSITORY / "kind-config.yaml"), _read(HERE / "overlay.yaml"))
    place.write_text(yaml.safe_dump(merged, sort_keys=False))
    return place


def merge(config: Value, overlay: Value) -> Value:
    """Mappings by key, lists one after the other; a single value of the overlay wins."""
    if isinstance(config, dict) and isinstance(overlay, dict):
        both = {key: merge(config[key], overlay[key]) for key in config if key in overlay}
        return {**config, **overlay, **both}
    if isinstance(config, list) and isinstance(overlay, list):
        return [*config, *overlay]
    return overlay


def _read(place: Path) -> Value:
    value: Value = yaml.safe_load(place.read_text())
    return value
