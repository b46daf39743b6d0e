"""Objects of the API server, as decoded JSON, to what the operator knows of them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, TypeVar

import msgspec

from pumpjack_core.manifests.objects import (
    TENANT_LABEL,
    Metadata,
    ScadaConnection,
    TagMapping,
)
from pumpjack_core.manifests.types import (
    ScadaConnectionSpec,
    ScadaConnectionStatus,
    TagMappingSpec,
    TagMappingStatus,
)
from pumpjack_operator import drift
from pumpjack_operator.cluster import (
    Key,
    SeenChild,
    SeenConnection,
    SeenMapping,
    SeenNamespace,
    SeenPod,
)
from pumpjack_operator.kinds import CHILDREN
from pumpjack_operator.names import CONNECTION_ANNOTATION, CONNECTION_LABEL, pod_name
from pumpjack_operator.pods import has_claim, pod_state, worker_exit
from pumpjack_operator.specs.child_names import is_childs_name

Raw = Mapping[str, Any]
_T = TypeVar("_T")


def key_of(raw: Raw) -> Key:
    """Name of an object."""
    about = raw["metadata"]
    return Key(about.get("namespace", ""), about["name"])


def namespace(raw: Raw) -> SeenNamespace:
    """A Namespace."""
    about = raw["metadata"]
    label = (about.get("labels") or {}).get(TENANT_LABEL)
    return SeenNamespace(about["name"], label or None, "deletionTimestamp" in about)


def connection(raw: Raw) -> SeenConnection:
    """A ScadaConnection, whose defaults are those of its type."""
    spec, problem = _spec(raw, ScadaConnectionSpec)
    return SeenConnection(
        **_stored(raw),
        object=None if spec is None else ScadaConnection(Metadata.of(raw["metadata"]), spec),
        problem=problem,
        status=_status(raw, ScadaConnectionStatus),
        ending="deletionTimestamp" in raw["metadata"],
    )


def mapping(raw: Raw) -> SeenMapping:
    """A TagMapping."""
    spec, problem = _spec(raw, TagMappingSpec)
    return SeenMapping(
        **_stored(raw),
        object=None if spec is None else TagMapping(Metadata.of(raw["metadata"]), spec),
        problem=problem,
        status=_status(raw, TagMappingStatus),
    )


def child(raw: Raw, kind: str) -> SeenChild | None:
    """A labelled child; None when it cannot be that of whom it names: it is somebody else's.

    Whoever may edit it may have it name another connection, which would then prune it.
    """
    about = raw["metadata"]
    of = (about.get("annotations") or {}).get(CONNECTION_ANNOTATION)
    if not of or not is_childs_name(kind, about["name"], of):
        return None
    return SeenChild(
        kind=kind,
        key=key_of(raw),
        connection=of,
        uid=about["uid"],
        version=int(about["resourceVersion"]),
        owners=tuple(owner["uid"] for owner in about.get("ownerReferences") or ()),
        content=drift.packed(raw),
        meddlers=drift.meddlers(raw, CHILDREN[kind]),
        ending="deletionTimestamp" in about,
    )


def pod(raw: Raw) -> SeenPod | None:
    """A worker's pod; None for another that bears its labels: a copy to debug, an impostor."""
    about = raw["metadata"]
    of = (about.get("labels") or {}).get(CONNECTION_LABEL)
    if not of or about["name"] != pod_name(of):
        return None
    status = raw.get("status") or {}
    return SeenPod(
        key=key_of(raw),
        child=of,
        uid=about["uid"],
        state=pod_state(status),
        address=status.get("podIP") or "",
        exit_code=worker_exit(status),
        ending="deletionTimestamp" in about,
        has_claim=has_claim(raw.get("spec") or {}),
    )


class _Stored(TypedDict):
    key: Key
    uid: str
    generation: int
    version: int


def _stored(raw: Raw) -> _Stored:
    """What is known of every object of a user."""
    about = raw["metadata"]
    return {
        "key": key_of(raw),
        "uid": about["uid"],
        "generation": about.get("generation", 0),
        "version": int(about["resourceVersion"]),
    }


def _spec(raw: Raw, kind: type[_T]) -> tuple[_T | None, str | None]:
    """The spec, or why it cannot be read: it was stored under another version of the CRD."""
    try:
        return msgspec.convert(raw.get("spec"), kind), None
    except msgspec.ValidationError as error:
        return None, (
            f"the spec does not fit the CRD of this version of Pumpjack: {error}; apply it again"
        )


def _status(raw: Raw, kind: type[_T]) -> _T | None:
    """The status, None when there is none or another version wrote it: it is then set anew."""
    if not raw.get("status"):
        return None
    try:
        return msgspec.convert(raw["status"], kind)
    except msgspec.ValidationError:
        return None
