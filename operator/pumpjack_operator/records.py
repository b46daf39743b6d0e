"""The records of the tenants' logins, where tenancy keeps them: read and written."""

from __future__ import annotations

from typing import NamedTuple

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator.logins import RECORD_LABEL, Logins, read_record, record_manifest, record_name
from pumpjack_operator.objects import Objects
from pumpjack_operator.specs.wanted import Manifest


class Record(NamedTuple):
    """A record as it was read.

    stored  the manifest, None where there is none
    asked   value of the annotation that asks for other logins, "" for none
    """

    stored: Manifest | None
    logins: Logins | None
    asked: str


class Records:
    """The records of one operator."""

    def __init__(self, objects: Objects, own_namespace: str) -> None:
        self._objects = objects
        self._own_namespace = own_namespace

    def place(self, tenant: str) -> str:
        """Namespace and name of a tenant's record, for messages."""
        return f"{self._own_namespace}/{record_name(tenant)}"

    async def read(self, tenant: str) -> Record:
        """A tenant's record. Raises ManifestError for one that is damaged."""
        stored = await self._objects.get("Secret", self._own_namespace, record_name(tenant))
        return Record(None, None, "") if stored is None else Record(stored, *read_record(stored))

    async def write(self, tenant: str, logins: Logins, stored: Manifest | None) -> Manifest:
        """Write a record, unless another wrote it since it was read: raises Conflict then."""
        version = None if stored is None else stored["metadata"]["resourceVersion"]
        manifest = record_manifest(self._own_namespace, tenant, logins, resource_version=version)
        if stored is None:
            return await self._objects.create(manifest)
        return await self._objects.apply(manifest)

    async def all(self) -> dict[str, Record]:
        """Tenant to its record. A damaged one has no logins."""
        found = {}
        for manifest in await self._objects.list("Secret", self._own_namespace, RECORD_LABEL):
            tenant = (manifest["metadata"].get("labels") or {}).get(TENANT_LABEL, "")
            try:
                found[tenant] = Record(manifest, *read_record(manifest))
            except ManifestError:
                found[tenant] = Record(manifest, None, "")
        return found
