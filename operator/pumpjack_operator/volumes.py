"""What of a journal's volume can still be changed, once it is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pumpjack_operator import drift
from pumpjack_operator.specs.wanted import Manifest


def possible(manifest: Manifest, live: Mapping[str, Any]) -> Manifest:
    """The manifest of a claim as far as the claim can become it: larger, and nothing else."""
    wanted, have = manifest["spec"], live.get("spec") or {}
    spec = {**wanted}
    for key in ("accessModes", "storageClassName"):
        if key in have:
            spec[key] = have[key]
        else:
            spec.pop(key, None)
    size = _size(have)
    new = drift.amount(wanted["resources"]["requests"]["storage"])
    old = drift.amount(size) if size else None
    if old is not None and new is not None and old > new:
        spec["resources"] = {"requests": {"storage": size}}
    return {**manifest, "spec": spec}


def of_another_class(manifest: Manifest, live: Mapping[str, Any]) -> str | None:
    """What to say where a claim is of another storage class than is asked for, None where not."""
    wanted = manifest["spec"].get("storageClassName")
    have = (live.get("spec") or {}).get("storageClassName")
    if not wanted or wanted == have:
        return None
    return (
        f"the journal's volume is of storage class {have or '(none)'} and cannot become one of "
        f"{wanted}; {_way_out(manifest)}"
    )


def not_larger(manifest: Manifest, live: Mapping[str, Any], said: str) -> str:
    """What to say where the API server does not have a claim grow."""
    size = _size(live.get("spec") or {})
    return (
        f"the journal's volume stays at {size}, though spec.journal.size asks for "
        f"{manifest['spec']['resources']['requests']['storage']}: {said}. Ask for less, or allow "
        f"its storage class to expand volumes; {_way_out(manifest)}"
    )


def _way_out(manifest: Manifest) -> str:
    name = manifest["metadata"]["name"]
    return (
        "the worker runs on with the volume that it has. To give it a new one, set "
        f"spec.journal.storage to emptyDir, wait until the claim {name} is gone, which is when "
        "everything in it is stored, and set it back"
    )


def _size(spec: Mapping[str, Any]) -> str:
    return str(((spec.get("resources") or {}).get("requests") or {}).get("storage") or "")
