"""A real API server takes what the operator renders, in a namespace with restricted pods."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import yaml

from pumpjack_core.manifests.crds import load_crds
from pumpjack_operator.names import MANAGER
from pumpjack_operator.render import render
from pumpjack_operator.specs.wanted import Manifest
from tests.controlplane.binaries import Missing
from tests.controlplane.server import api_server, wait_until
from tests.operator.wells import only, wanted

pytestmark = pytest.mark.peers

NAMESPACE = "permian-ops"
PLURALS = {
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Service": "api/v1/namespaces/{}/services",
    "PersistentVolumeClaim": "api/v1/namespaces/{}/persistentvolumeclaims",
    "Pod": "api/v1/namespaces/{}/pods",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
SPECS = {
    "a PLC by address": {},
    "a PLC by name": {"modbusTcp": {"host": "plc.field"}},
    "a journal that goes with the node": {"journal": {"storage": "emptyDir"}},
    "a server with a login": {
        "protocol": "opcua",
        "modbusTcp": None,
        "opcua": {"endpoint": "opc.tcp://10.1.7.20:4840"},
        "credentialsSecretRef": {"name": "login"},
        "placement": {
            "nodeSelector": {"site": "west"},
            "tolerations": [{"key": "edge", "operator": "Exists", "effect": "NoExecute"}],
            "resources": {"limits": {"memory": "1Gi"}},
        },
    },
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    try:
        with api_server(tmp_path_factory.mktemp("api")) as client:
            labels = {"pod-security.kubernetes.io/enforce": "restricted"}
            made = client.post(
                "/api/v1/namespaces",
                json={"metadata": {"name": NAMESPACE, "labels": labels}},
            )
            assert made.status_code == 201, made.text
            wait_until(client, f"/api/v1/namespaces/{NAMESPACE}")
            assert load_crds()
            yield client
    except Missing as error:
        pytest.skip(str(error))


def apply(api: httpx.Client, manifest: Manifest) -> httpx.Response:
    """By server-side apply, as the operator does, with every unknown field an error."""
    path = PLURALS[manifest["kind"]].format(NAMESPACE)
    return api.patch(
        f"/{path}/{manifest['metadata']['name']}",
        params={"fieldManager": MANAGER, "fieldValidation": "Strict"},
        content=yaml.safe_dump(manifest),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_every_child_is_taken_and_nothing_changes_when_it_is_applied_again(api, spec):
    children = render(wanted(spec, secret="login" if "credentialsSecretRef" in spec else None))
    for child in children:
        first = apply(api, child)
        assert first.status_code in (200, 201), first.text
        second = apply(api, child)  # a claim is stored once more after it was made
        assert apply(api, child).json() == second.json()


def test_a_connection_with_the_longest_name_has_children(api):
    name = ".".join(["a" * 62] * 4)
    for child in render(wanted(name=name)):
        assert apply(api, child).status_code in (200, 201)


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_the_pod_is_one_that_a_restricted_namespace_admits(api, spec):
    found = render(wanted(spec, secret="login" if "credentialsSecretRef" in spec else None))
    template = only(found, "StatefulSet")["spec"]["template"]
    account = template["spec"]["serviceAccountName"]
    assert apply(api, only(found, "ServiceAccount")).status_code in (200, 201)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{account}-0", "namespace": NAMESPACE, **template["metadata"]},
        "spec": template["spec"],
    }
    answer = api.post(f"/api/v1/namespaces/{NAMESPACE}/pods", json=pod, params={"dryRun": "All"})
    assert answer.status_code == 201, answer.text
    assert "warning" not in answer.headers


def test_a_pod_that_asks_for_more_is_not_admitted(api):
    """The check above can fail."""
    found = only(render(wanted()), "StatefulSet")["spec"]["template"]
    spec = {**found["spec"], "hostNetwork": True}
    pod = {"metadata": {"name": "x"}, "spec": spec}
    answer = api.post(f"/api/v1/namespaces/{NAMESPACE}/pods", json=pod, params={"dryRun": "All"})
    assert answer.status_code == 403
    assert "restricted" in answer.text
