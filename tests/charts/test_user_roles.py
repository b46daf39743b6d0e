"""Who may do what with connections and mappings, by the roles that Kubernetes has for users."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.charts.helm import VALUES, rendered
from tests.controlplane.binaries import Missing
from tests.controlplane.controllers import controllers
from tests.controlplane.server import ControlPlane
from tests.operator.cluster import eventually

pytestmark = pytest.mark.peers

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def client(tmp_path) -> Iterator[httpx.Client]:
    """An API server where ann may view, eve edit and joe nothing in permian-ops."""
    try:
        with (
            ControlPlane(tmp_path) as plane,
            controllers(plane, "clusterrole-aggregation-controller"),
        ):
            about = {"metadata": {"name": "permian-ops"}}
            assert plane.client.post("/api/v1/namespaces", json=about).status_code == 201
            for user, role in (("ann", "view"), ("eve", "edit")):
                bind(plane.client, user, role)
            yield plane.client
    except Missing as error:
        pytest.skip(str(error))


def bind(client: httpx.Client, user: str, role: str) -> None:
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    made = client.post(f"{RBAC}/namespaces/permian-ops/rolebindings", json=binding)
    assert made.status_code == 201, made.text


def may(client: httpx.Client, user: str, verb: str, resource: str, sub: str = "") -> bool:
    about = {
        "namespace": "permian-ops",
        "group": "pumpjack.dev",
        "verb": verb,
        "resource": resource,
        "subresource": sub,
    }
    review = {"spec": {"user": user, "resourceAttributes": about}}
    answer = client.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)
    assert answer.status_code == 201, answer.text
    return bool(answer.json()["status"]["allowed"])


async def test_who_views_a_namespace_sees_its_connections_and_who_edits_it_makes_them(client):
    for manifest in rendered(VALUES / "external.yaml"):
        if manifest["kind"] == "ClusterRole" and "-users-" in manifest["metadata"]["name"]:
            assert client.post(f"{RBAC}/clusterroles", json=manifest).status_code == 201
    for resource in ("scadaconnections", "tagmappings"):
        await eventually(lambda one=resource: may(client, "ann", "list", one))
        await eventually(lambda one=resource: may(client, "eve", "patch", one))
        assert may(client, "eve", "watch", resource)
        assert not may(client, "ann", "patch", resource)
        assert not may(client, "joe", "list", resource)
        assert not may(client, "eve", "patch", resource, "status")
