"""What is known of lists and watches beside their objects."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Content type of a list without the contents of its objects."""
METADATA_ONLY_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class _About(Struct, frozen=True, rename="camel"):
    resource_version: str
    rest: str = field(default="", name="continue")


class Page(Struct, frozen=True):
    """A part of a list; its objects are decoded by whoever looks at them, one at a time."""

    metadata: _About
    items: tuple[msgspec.Raw, ...] | None = None


class Trouble(Struct, frozen=True):
    """A watch that does not follow.

    since_s     on the monotonic clock
    everywhere  it is one of the whole cluster, not of one namespace
    """

    since_s: float
    why: str
    everywhere: bool
