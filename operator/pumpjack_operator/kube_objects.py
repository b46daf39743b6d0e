"""What tenancy asks of the API server (objects.Objects), of the real one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pumpjack_operator import api_errors
from pumpjack_operator.api import Api
from pumpjack_operator.kinds import CONFIG_MAP, SECRET
from pumpjack_operator.objects import Conflict, Kind
from pumpjack_operator.specs.wanted import Manifest

_KINDS = {"Secret": SECRET, "ConfigMap": CONFIG_MAP}
_PAGE = "500"


class KubeObjects:
    """Secrets and ConfigMaps of one API server."""

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
        params = {"labelSelector": selector, "limit": _PAGE}
        found: list[Manifest] = []
        while True:
            page = await self._api.list_page(_KINDS[kind], namespace, params)
            about = {"apiVersion": "v1", "kind": kind}  # items of a list do not say
            found += [{**about, **msgspec.json.decode(item)} for item in page.items or ()]
            if not page.metadata.rest:
                return found
            params["continue"] = page.metadata.rest

    async def create(self, manifest: Manifest) -> Manifest:
        """Make one that is not there. Raises Conflict where there is one."""
        try:
            return await self._api.create(
                _KINDS[manifest["kind"]], manifest["metadata"]["namespace"], manifest
            )
        except api_errors.Conflict as error:
            raise Conflict(str(error)) from error

    async def apply(self, manifest: Manifest) -> Manifest:
        """By server-side apply, forced. Raises Conflict where metadata.resourceVersion is old."""
        try:
            return await self._api.apply(_KINDS[manifest["kind"]], manifest)
        except api_errors.Conflict as error:
            raise Conflict(str(error)) from error
