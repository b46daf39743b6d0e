"""Durations and sizes as manifests write them: 500ms, 1s, 5m, 1h; 512Mi, 1Gi."""

from __future__ import annotations

import re

from pumpjack_core.errors import ManifestError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


def seconds(text: str) -> float:
    """A duration in seconds.

    >>> seconds("500ms")
    0.5
    """
    match = re.fullmatch(r"(\d+)(ms|s|m|h)", text)
    if match is None:
        raise ManifestError(f"{text!r} is no duration; write for example 500ms, 1s, 5m or 1h")
    return int(match[1]) * _SECONDS[match[2]]


def size_bytes(text: str) -> int:
    """A size in bytes.

    >>> size_bytes("1Gi")
    1073741824
    """
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti)", text)
    if match is None:
        raise ManifestError(f"{text!r} is no size; write for example 512Mi or 1Gi")
    return int(match[1]) * _BYTES[match[2]]
