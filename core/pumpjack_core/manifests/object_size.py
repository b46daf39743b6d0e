"""Whether a mapping is too large for etcd or for kubectl, before they say so. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from pumpjack_core.manifests.problems import Finding

MOST_STORED_BYTES = 3 << 19
"""Of an object in etcd, with what the API server keeps beside it (etcd, --max-request-bytes)."""
MOST_APPLIED_BYTES = 256 << 10
"""Of an object that kubectl apply keeps as an annotation without --server-side."""
_KEPT_A_TAG_BYTES = 150
_KEPT_AN_ALARM_BYTES = 40
"""Of metadata.managedFields, about; a test compares with a real API server's."""


def size_finding(document: dict[str, Any]) -> Finding | None:
    """What applying a TagMapping meets, valid and with its defaults; None: nothing."""
    size, kept = len(msgspec.json.encode(document)), kept_bytes(document)
    if size + kept > MOST_STORED_BYTES:
        what = (
            f"the mapping is about {(size + kept) >> 10} KiB with what the API server keeps beside "
            f"it, and etcd takes {MOST_STORED_BYTES >> 10}; divide its tags over several mappings, "
            "or shorten the texts of their alarms"
        )
    elif size > MOST_APPLIED_BYTES:
        what = (
            f"the mapping is about {size >> 10} KiB, and kubectl apply takes "
            f"{MOST_APPLIED_BYTES >> 10}; use kubectl apply --server-side, or divide its tags over "
            "several mappings"
        )
    else:
        return None
    return Finding(("spec", "tags"), what, "warning")


def kept_bytes(document: dict[str, Any]) -> int:
    """About how much the API server keeps beside a TagMapping (metadata.managedFields)."""
    return sum(
        _KEPT_A_TAG_BYTES + _KEPT_AN_ALARM_BYTES * len(tag.get("alarms", ()))
        for tag in document["spec"]["tags"]
    )
