"""Which tenant a namespace belongs to: its label says, and once recorded it does not change.

The record is a ConfigMap in the operator's own namespace, one for each namespace, immutable: the
API server itself refuses a change. It is of the cluster and not of the database, because two
clusters may share a database and have namespaces of the same name, and because the operator must
know its namespaces also when it starts while the database is away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.metadata import label_value_problem
from pumpjack_core.manifests.objects import TENANT_LABEL
from pumpjack_operator.names import MANAGER
from pumpjack_operator.objects import Conflict, Objects
from pumpjack_operator.specs.wanted import Manifest

RECORD_LABEL = {"pumpjack.dev/record": "namespace"}
_PREFIX = "pumpjack-namespace-"


class Record(Struct, frozen=True):
    """A namespace that was served. by_label: its label said so, not its name (the fallback)."""

    tenant: str
    by_label: bool


class Refusal(Struct, frozen=True):
    """Why a namespace is not served, as a sentence."""

    message: str


def tenant_of(
    namespace: str,
    labels: Mapping[str, str],
    *,
    records: Mapping[str, Record],
    labelled: Collection[str] = (),
    fallback: bool = False,
) -> Record | Refusal:
    """Whose a namespace is.

    records   namespaces that were served before, by name
    labelled  tenants that some namespace is labelled with now
    fallback  without a label, the namespace's name is the tenant: for trying out
    """
    before = records.get(namespace)
    wanted = _by_label(namespace, labels, before, fallback)
    if wanted is None:
        wanted = _by_name(namespace, records, labelled)
    if isinstance(wanted, Refusal) or before is None or before.tenant == wanted.tenant:
        return wanted
    return Refusal(
        f"namespace {namespace} was served for tenant {before.tenant} and would now be "
        f"{wanted.tenant}'s, with its volumes and Secrets; set its label {TENANT_LABEL} back, or "
        f"use another namespace. To hand it over all the same, the platform team deletes the "
        f"ConfigMap {record_name(namespace)} of the operator's namespace"
    )


def _by_label(
    namespace: str, labels: Mapping[str, str], before: Record | None, fallback: bool
) -> Record | Refusal | None:
    """What the label says; None: nothing, and the name counts."""
    tenant = labels.get(TENANT_LABEL)
    if tenant:
        problem = label_value_problem(tenant)
        return Refusal(f"the tenant {problem}") if problem else Record(tenant, by_label=True)
    if fallback:
        return None
    now = "bears no label" if before is None else "no longer bears the label"
    return Refusal(
        f"namespace {namespace} {now} {TENANT_LABEL}, so it is not served; ask the platform team "
        "to set it to the tenant's id"
    )


def _by_name(
    namespace: str, records: Mapping[str, Record], labelled: Collection[str]
) -> Record | Refusal:
    """The fallback. A name that is a labelled tenant's id, now or once, is not for the taking."""
    taken = namespace in labelled or any(
        record.by_label and record.tenant == namespace for record in records.values()
    )
    if not taken:
        return Record(namespace, by_label=False)
    return Refusal(
        f"namespace {namespace} bears no label {TENANT_LABEL}, and its name is the id of a tenant "
        "that other namespaces are labelled with; ask the platform team to set its label"
    )


def record_name(namespace: str) -> str:
    """Name of its ConfigMap."""
    return _PREFIX + namespace


def record_manifest(own_namespace: str, namespace: str, record: Record) -> Manifest:
    """A record as it is kept."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": record_name(namespace),
            "namespace": own_namespace,
            "labels": {**RECORD_LABEL, "app.kubernetes.io/managed-by": MANAGER},
        },
        "immutable": True,
        "data": {
            "namespace": namespace,
            "tenant": record.tenant,
            "by": "label" if record.by_label else "name",
        },
    }


def read_record(manifest: Manifest) -> tuple[str, Record]:
    """Namespace and record. Raises ManifestError for a ConfigMap that is none."""
    data = manifest.get("data") or {}
    try:
        return data["namespace"], Record(data["tenant"], by_label=data["by"] == "label")
    except KeyError as error:
        name = manifest["metadata"]["name"]
        raise ManifestError(
            f"ConfigMap {name} is no record of a namespace: it lacks {error}; delete it"
        ) from None


class Namespaces:
    """What is recorded of each namespace, and the way to record one."""

    def __init__(self, objects: Objects, own_namespace: str, *, fallback: bool = False) -> None:
        self._objects = objects
        self._own_namespace = own_namespace
        self._fallback = fallback
        self._records: dict[str, Record] = {}

    async def load(self) -> None:
        """Read what earlier runs recorded; before the first tenant()."""
        found = await self._objects.list("ConfigMap", self._own_namespace, RECORD_LABEL)
        self._records = dict(map(read_record, found))

    async def tenant(
        self, namespace: str, labels: Mapping[str, str], labelled: Collection[str]
    ) -> str | Refusal:
        """Whose a namespace is, recorded before it is said. labelled: as for tenant_of()."""
        found = self._judge(namespace, labels, labelled)
        if isinstance(found, Refusal) and namespace in self._records:
            await self._read(namespace)  # the platform may have handed it over
            found = self._judge(namespace, labels, labelled)
        if not isinstance(found, Refusal) and namespace not in self._records:
            await self._record(namespace, found)
            found = self._judge(namespace, labels, labelled)
        return found if isinstance(found, Refusal) else found.tenant

    async def _record(self, namespace: str, wanted: Record) -> None:
        manifest = record_manifest(self._own_namespace, namespace, wanted)
        try:
            await self._objects.create(manifest)
        except Conflict:  # another operator was quicker, and may have seen another label
            await self._read(namespace)
        else:
            self._records[namespace] = wanted

    async def _read(self, namespace: str) -> None:
        name = record_name(namespace)
        stored = await self._objects.get("ConfigMap", self._own_namespace, name)
        if stored is None:
            self._records.pop(namespace, None)
        else:
            _, self._records[namespace] = read_record(stored)

    def _judge(
        self, namespace: str, labels: Mapping[str, str], labelled: Collection[str]
    ) -> Record | Refusal:
        return tenant_of(
            namespace,
            labels,
            records=self._records,
            labelled=labelled,
            fallback=self._fallback,
        )
