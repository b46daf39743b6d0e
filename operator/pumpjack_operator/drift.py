"""Whether a child still is what was rendered, and what has to go from it. Pure.

Two looks, since neither sees everything: the content is compared with the manifest, which shows
what was changed or removed; and managedFields name who else has set fields, which shows what was
added. What the API server fills in by itself belongs to nobody and is left alone.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pumpjack_operator.cluster import Meddler
from pumpjack_operator.kinds import Kind
from pumpjack_operator.names import MANAGER

Value = Any
TOLERATED = (
    *("f:spec", "f:template", "f:metadata", "f:annotations"),
    "f:kubectl.kubernetes.io/restartedAt",
)
"""Set by `kubectl rollout restart`; taking it away would start the worker once more."""
_FIXED = {
    "StatefulSet": (
        *("spec.selector", "spec.serviceName"),
        *("spec.podManagementPolicy", "spec.volumeClaimTemplates"),
    ),
    "Service": ("spec.clusterIP", "spec.clusterIPs"),
}
"""Kind to fields that the API server lets nobody change."""
_ABSENT: tuple[Value, ...] = (None, "", [], {}, False, 0)
"""The API server does not store these where they are a field's zero value."""
_NOT_COMPARED = frozenset({"status", "apiVersion", "kind"})
_METADATA = ("labels", "annotations", "ownerReferences")
_SCALES: dict[str, Decimal | int] = {
    "": 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?)([a-zA-Z]*)")


def packed(raw: Mapping[str, Any]) -> bytes:
    """What of an object can be compared, small enough to be kept until it is."""
    found = {key: value for key, value in raw.items() if key not in _NOT_COMPARED}
    about = raw["metadata"]
    found["metadata"] = {key: about[key] for key in _METADATA if key in about}
    return zlib.compress(msgspec.json.encode(found), 1)


def unpacked(content: bytes) -> dict[str, Any]:
    """The object again, without name and status."""
    found: dict[str, Any] = msgspec.json.decode(zlib.decompress(content))
    return found


def differences(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    """Paths at which an object is not (any more) what its manifest says."""
    for key, wanted in manifest.items():
        if key in ("apiVersion", "kind"):
            continue
        if key == "metadata":
            yield from _metadata(wanted, live.get("metadata") or {})
        else:
            yield from _differs(wanted, live.get(key), key)


def meddlers(raw: Mapping[str, Any], kind: Kind) -> tuple[Meddler, ...]:
    """Who else has set something in the parts of a child that are the operator's alone."""
    found = []
    for entry in raw["metadata"].get("managedFields") or ():
        if entry.get("manager") == MANAGER or entry.get("subresource") == "status":
            continue
        fields = entry.get("fieldsV1") or {}
        owned = {f"f:{name}": fields[f"f:{name}"] for name in kind.owned if f"f:{name}" in fields}
        if owned := _without(owned, TOLERATED):
            found.append(Meddler(str(entry.get("manager") or "somebody"), owned))
    return tuple(found)


def removal(
    fields: Mapping[str, Any], manifest: Mapping[str, Any], live: Mapping[str, Any]
) -> dict[str, Any]:
    """A merge patch that takes from an object what somebody added and the manifest does not have.

    Lists that were added to become the manifest's.
    """
    patch: dict[str, Any] = {}
    for step, below in fields.items():
        name = step.removeprefix("f:")
        if not step.startswith("f:") or name not in live:
            continue
        wanted = manifest.get(name)
        if wanted is None:
            patch[name] = None
        elif isinstance(wanted, dict) and isinstance(live[name], dict):
            # of what is set as a whole (a selector), managedFields name no part
            deeper = removal(below, wanted, live[name]) if below else _surplus(wanted, live[name])
            if deeper:
                patch[name] = deeper
        elif (
            isinstance(wanted, list)
            and isinstance(live[name], list)
            and _added(below, wanted, live[name])
        ):
            patch[name] = wanted
    return patch


def is_fixed(
    kind: str, changed: Iterable[str], extra: Mapping[str, Any], live: Mapping[str, Any]
) -> bool:
    """Whether what differs can be put right only by making the object anew.

    changed: paths of differences(); extra: a patch of removal().
    """
    if kind == "ConfigMap":
        return live.get("immutable") is True
    fixed = _FIXED.get(kind, ())
    added = [f"spec.{name}" for name in extra.get("spec") or ()]
    return any(is_below((*changed, *added), path) for path in fixed)


def is_below(found: Iterable[str], path: str) -> bool:
    """Whether one of the paths is this one, or leads below it."""
    return any(one == path or one.startswith((f"{path}.", f"{path}[")) for one in found)


def paths(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """ManagedFields as paths for a person: spec.template.spec.containers[sidecar].image."""
    for step, below in fields.items():
        if step == ".":
            continue
        kind, _, name = step.partition(":")
        if kind == "f":
            path = f"{prefix}.{name}" if prefix else name
        else:
            path = f"{prefix}[{_item(name)}]"
        if any(key != "." for key in below):
            yield from paths(below, path)
        else:
            yield path


def _metadata(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    """Others may label and annotate a child; the operator's own must be there."""
    for part in ("labels", "annotations"):
        have = live.get(part) or {}
        for key, value in (wanted.get(part) or {}).items():
            if have.get(key) != value:
                yield f"metadata.{part}[{key}]"
    uids = {owner["uid"] for owner in live.get("ownerReferences") or ()}
    if any(owner["uid"] not in uids for owner in wanted.get("ownerReferences") or ()):
        yield "metadata.ownerReferences"


def _differs(wanted: Value, live: Value, path: str) -> Iterator[str]:
    if wanted == live or (_is_absent(wanted) and _is_absent(live)):
        return
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, value in wanted.items():
            yield from _differs(value, live.get(key), f"{path}.{key}")
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for at, (value, found) in enumerate(zip(wanted, live, strict=True)):
            yield from _differs(value, found, f"{path}[{at}]")
    elif not _same_quantity(wanted, live):
        yield path


def _is_absent(value: Value) -> bool:
    return any(value == absent and type(value) is type(absent) for absent in _ABSENT)


def _same_quantity(one: Value, other: Value) -> bool:
    """Whether both are amounts and the same: the API server writes 1000m as 1."""
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    first, second = amount(one), amount(other)
    return first is not None and first == second


def amount(text: str) -> Decimal | None:
    """A Kubernetes quantity as a number, None when it is none that can be compared.

    >>> amount("1Gi") == amount("1024Mi")
    True
    """
    match = _QUANTITY.fullmatch(text)
    scale = _SCALES.get(match[2]) if match else None
    if match is None or scale is None:
        return None
    try:
        return Decimal(match[1]) * scale
    except InvalidOperation:
        return None


def _without(fields: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Fields without those below a path, and without what is then empty."""
    if not path:
        return {}
    if path[0] not in fields:
        return fields
    below = _without(fields[path[0]], path[1:])
    rest = {key: value for key, value in fields.items() if key != path[0]}
    if any(key != "." for key in below):
        rest[path[0]] = below
    return rest


def _added(fields: Mapping[str, Any], wanted: list[Value], live: list[Value]) -> bool:
    """Whether the items that somebody set are others than the wanted, or have other fields."""
    if len(live) > len(wanted):
        return True
    if not fields:
        return _longer(wanted, live)
    for step, below in fields.items():
        if not step.startswith("k:"):
            continue
        keys = msgspec.json.decode(step[2:])
        mine = _find(keys, wanted)
        theirs = _find(keys, live)
        if theirs is not None and (mine is None or removal(below, mine, theirs)):
            return True
    return False


def _surplus(wanted: Mapping[str, Value], live: Mapping[str, Value]) -> dict[str, Any]:
    """A merge patch that takes from an object whatever the manifest does not have."""
    patch: dict[str, Any] = {}
    for key, value in live.items():
        mine = wanted.get(key)
        if mine is None:
            patch[key] = None
        elif isinstance(mine, dict) and isinstance(value, dict):
            if deeper := _surplus(mine, value):
                patch[key] = deeper
        elif isinstance(mine, list) and isinstance(value, list) and _longer(mine, value):
            patch[key] = mine
    return patch


def _longer(wanted: list[Value], live: list[Value]) -> bool:
    """Whether a list that is set as a whole has more in it, or in one of its items."""
    return len(live) > len(wanted) or any(
        isinstance(mine, dict) and isinstance(theirs, dict) and _surplus(mine, theirs)
        for mine, theirs in zip(wanted, live, strict=False)
    )


def _find(keys: Mapping[str, Value], items: list[Value]) -> dict[str, Any] | None:
    for item in items:
        if isinstance(item, dict) and keys.items() <= item.items():
            return item
    return None


def _item(text: str) -> str:
    """The key of a list's item: {"name":"sidecar"} as sidecar."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return ", ".join(str(value) for value in found.values()) if isinstance(found, dict) else text
