"""The kinds of Kubernetes that the operator reads and writes, and where the API has them."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

GROUP_VERSION = "pumpjack.dev/v1alpha1"


class Kind(Struct, frozen=True):
    """One kind.

    owned  top-level fields of which every part is the operator's: what others add there goes
    """

    kind: str
    api_version: str
    plural: str
    namespaced: bool = True
    owned: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        """As RBAC rules name it: group/plural, the plural alone in the core group."""
        group, slash, _ = self.api_version.rpartition("/")
        return f"{group}{slash}{self.plural}"

    def path(self, namespace: str | None = None, name: str | None = None, sub: str = "") -> str:
        """Path of one object (or its subresource), of a namespace's list, or of the whole list."""
        root = "api" if "/" not in self.api_version else "apis"
        parts = [root, self.api_version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        if sub:
            parts.append(sub)
        return "/" + "/".join(parts)


NAMESPACE = Kind("Namespace", "v1", "namespaces", namespaced=False)
CONNECTION = Kind("ScadaConnection", GROUP_VERSION, "scadaconnections")
MAPPING = Kind("TagMapping", GROUP_VERSION, "tagmappings")
SECRET = Kind("Secret", "v1", "secrets")
POD = Kind("Pod", "v1", "pods")
EVENT = Kind("Event", "v1", "events")
LEASE = Kind("Lease", "coordination.k8s.io/v1", "leases")
SERVICE_ACCOUNT = Kind("ServiceAccount", "v1", "serviceaccounts")
"""Some distributions add secrets and imagePullSecrets to each; these are left alone."""
CONFIG_MAP = Kind("ConfigMap", "v1", "configmaps", owned=("data", "binaryData"))
SERVICE = Kind("Service", "v1", "services", owned=("spec",))
CLAIM = Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims")
"""Its spec is completed by whoever binds it."""
NETWORK_POLICY = Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", owned=("spec",))
STATEFUL_SET = Kind("StatefulSet", "apps/v1", "statefulsets", owned=("spec",))

CHILDREN = {
    kind.kind: kind
    for kind in (SERVICE_ACCOUNT, NETWORK_POLICY, SERVICE, CONFIG_MAP, CLAIM, STATEFUL_SET)
}
"""By name, in the order in which they are made."""
