"""The few things that tenancy asks of the API server; tests may keep objects in a dict instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from pumpjack_core.errors import PumpjackError
from pumpjack_operator import api_errors
from pumpjack_operator.api import Api
from pumpjack_operator.kinds import CONFIG_MAP, SECRET
from pumpjack_operator.specs.wanted import Manifest

Kind = Literal["Secret", "ConfigMap"]
PAGE_OBJECTS = "500"
_KINDS = {"Secret": SECRET, "ConfigMap": CONFIG_MAP}


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


class ApiObjects:
    """Objects of an API server."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """One object, None where there is none."""
        try:
            return await self._api.get(_KINDS[kind], namespace, name)
        except api_errors.NotFound:
            return None

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """All that bear these labels."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        asked = {"labelSelector": selector, "limit": PAGE_OBJECTS}
        found: list[Manifest] = []
        while True:
            page = await self._api.list_page(_KINDS[kind], namespace, asked)
            found += page["items"]
            following = page["metadata"].get("continue")
            if not following:
                return found
            asked["continue"] = following

    async def create(self, manifest: Manifest) -> Manifest:
        """Make one that is not there. Raises Conflict where there is one."""
        kind = _KINDS[manifest["kind"]]
        try:
            return await self._api.create(kind, manifest["metadata"]["namespace"], manifest)
        except api_errors.Conflict as error:
            raise Conflict(str(error)) from error

    async def apply(self, manifest: Manifest) -> Manifest:
        """By server-side apply. Raises Conflict where it is no longer that resourceVersion."""
        try:
            return await self._api.apply(_KINDS[manifest["kind"]], manifest)
        except api_errors.Conflict as error:
            raise Conflict(str(error)) from error
