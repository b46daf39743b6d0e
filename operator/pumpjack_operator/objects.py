"""The few things that tenancy asks of the API server; tests may keep objects in a dict instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from pumpjack_core.errors import PumpjackError
from pumpjack_operator.specs.wanted import Manifest

Kind = Literal["Secret", "ConfigMap"]


class Conflict(PumpjackError):
    """Another was quicker: it exists already, or has changed since it was read. Read it again."""


class Objects(Protocol):
    """Secrets and ConfigMaps, by name: of the operator's own namespace, and its own of tenants'.

    Each waits for the API server as long as the implementation has it, and raises its errors.
    """

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """One object, None where there is none."""
        ...

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """All that bear these labels."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Make one that is not there; returns it as stored. Raises Conflict where there is one."""
        ...

    async def apply(self, manifest: Manifest) -> Manifest:
        """By server-side apply, forced, as names.MANAGER; returns it as stored.

        With metadata.resourceVersion only where it is still that one: raises Conflict.
        """
        ...
