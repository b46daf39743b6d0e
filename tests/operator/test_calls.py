"""What the operator asks of the API server: what its RBAC rules have to allow, and no more.

Beside these it gets, makes and updates its Lease, reads a record when another was quicker to make
it, and reads and makes the Secrets of tenants (tests of tenancy).
"""

from __future__ import annotations

import pytest

from pumpjack_operator.kube_objects import KubeObjects
from pumpjack_operator.namespaces import Namespaces
from tests.operator.cluster import eventually, new_namespace, operating, quiet

pytestmark = pytest.mark.peers

LISTED = {"list", "watch"}
MADE = {*LISTED, "patch", "delete"}
"""Server-side apply is patch, and create where there was none."""
CALLS = {
    "namespaces": LISTED,
    "pods": LISTED,
    "pumpjack.dev/scadaconnections": LISTED,
    "pumpjack.dev/tagmappings": LISTED,
    "pumpjack.dev/scadaconnections/status": {"patch"},
    "pumpjack.dev/tagmappings/status": {"patch"},
    "serviceaccounts": MADE,
    "services": MADE,
    "configmaps": {*MADE, "create"},
    "persistentvolumeclaims": {*MADE, "get"},
    "apps/statefulsets": MADE,
    "networking.k8s.io/networkpolicies": MADE,
    "secrets": LISTED,
    "events": {"create"},
}


async def test_it_asks_for_what_it_may_and_for_all_of_it(plane, wells):
    own = new_namespace(plane.client, tenant=None)
    recorded = lambda api: Namespaces(KubeObjects(api), own.name)  # noqa: E731
    async with operating(plane, owners_of=recorded) as controller:
        wells.connect("pad7", credentialsSecretRef={"name": "login"})
        wells.map("pumps", to="pad7")
        await eventually(lambda: len(wells.children("pad7")) == 7)
        await quiet(controller)
        wells.patch("statefulsets", "scada-pad7", {"spec": {"replicas": 3}})
        await eventually(lambda: wells.events("DriftRepaired"))
        wells.patch(
            "persistentvolumeclaims",
            "scada-pad7-journal",
            {"status": {"phase": "Bound"}},
            sub="status",
        )
        wells.delete("scadaconnections", "pad7")
        await eventually(lambda: wells.events("JournalKept"))
        claim = "scada-pad8-journal"
        wells.connect("pad8")
        await eventually(lambda: wells.get("persistentvolumeclaims", claim))
        await quiet(controller)
        wells.delete("scadaconnections", "pad8")
        await eventually(lambda: is_going(wells.get("persistentvolumeclaims", claim)))
        asked: dict[str, set[str]] = {}
        for verb, resource in controller.api_calls:
            asked.setdefault(resource, set()).add(verb)
    assert asked == CALLS


def is_going(found):
    """Deleted, or waiting for Kubernetes' own finalizer."""
    return found is None or "deletionTimestamp" in found["metadata"]
