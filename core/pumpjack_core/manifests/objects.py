"""The objects that manifests declare, typed, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pumpjack_core.clock import us_of
from pumpjack_core.manifests.types import ScadaConnectionSpec, TagMappingSpec

TENANT_LABEL = "pumpjack.dev/tenant"
DEFAULT_NAMESPACE = "default"


class Metadata(Struct, frozen=True):
    """What Pumpjack reads of an object's metadata.

    created_us  creationTimestamp [µs since the epoch, UTC]; None for an object of a file
    """

    name: str
    namespace: str
    labels: dict[str, str]
    created_us: int | None = None

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Metadata:
        """Take checked metadata over."""
        created = metadata.get("creationTimestamp")
        return cls(
            name=metadata["name"],
            namespace=metadata.get("namespace") or DEFAULT_NAMESPACE,
            labels={key: value or "" for key, value in (metadata.get("labels") or {}).items()},
            created_us=us_of(created) if created else None,
        )

    @property
    def id(self) -> str:
        """namespace/name"""
        return f"{self.namespace}/{self.name}"

    @property
    def age_key(self) -> tuple[float, str, str]:
        """Sorts older objects first; those without a time come last, by namespace and name."""
        created = float("inf") if self.created_us is None else self.created_us
        return (created, self.namespace, self.name)


class ScadaConnection(Struct, frozen=True):
    """A device that is to be read."""

    metadata: Metadata
    spec: ScadaConnectionSpec


class TagMapping(Struct, frozen=True):
    """What is to be read from the connections that it selects."""

    metadata: Metadata
    spec: TagMappingSpec


class Namespace(Struct, frozen=True):
    """A namespace; its label says whose wells it holds."""

    metadata: Metadata

    @property
    def tenant(self) -> str | None:
        """The tenant, None when the namespace is not labelled."""
        return self.metadata.labels.get(TENANT_LABEL) or None


class Secret(Struct, frozen=True):
    """What a device asks for, by the keys of pumpjack_core.credentials. Its repr shows no value.

    values  of a Secret of another type none are kept
    """

    metadata: Metadata
    type: str
    values: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Secret({self.metadata.id}, {self.type}, {', '.join(self.values) or 'nothing'})"
