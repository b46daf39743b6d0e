"""A real API server takes what the chart renders, with every unknown field an error.

Pods are made from every template in a namespace that enforces restricted Pod Security, and the
operator's account is tried with the rules that it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import yaml

from tests.charts.helm import (
    INSTALLATIONS,
    NAMESPACE,
    RELEASE,
    VALUES,
    Manifest,
    one,
    pods,
    rendered,
    template,
)
from tests.controlplane import foreign
from tests.controlplane.binaries import Missing
from tests.controlplane.server import api_server, wait_until

pytestmark = pytest.mark.peers

TENANT_NAMESPACE = "permian-ops"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-pumpjack-operator"
RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}
each_installation = pytest.mark.parametrize(
    "values", INSTALLATIONS.values(), ids=list(INSTALLATIONS)
)


class Server:
    """An API server and where it has each kind."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def path(self, manifest: Manifest) -> str:
        """Of one object, by what the server says it serves."""
        version = manifest["apiVersion"]
        root = f"/{'apis' if '/' in version else 'api'}/{version}"
        if version not in self._kinds:
            answer = self.client.get(root)
            assert answer.status_code == 200, f"{version}: {answer.text}"
            self._kinds[version] = {
                each["kind"]: (each["name"], each["namespaced"])
                for each in answer.json()["resources"]
                if "/" not in each["name"]
            }
        plural, namespaced = self._kinds[version][manifest["kind"]]
        if namespaced:
            root += f"/namespaces/{manifest['metadata']['namespace']}"
        return f"{root}/{plural}/{manifest['metadata']['name']}"

    def apply(
        self, manifest: Manifest, *, dry: bool = False, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """By server-side apply."""
        strict = {"fieldManager": "helm", "fieldValidation": "Strict"}
        return self.client.patch(
            self.path(manifest),
            params={**strict, **({"dryRun": "All"} if dry else {})},
            content=yaml.safe_dump(manifest),
            headers={"Content-Type": "application/apply-patch+yaml", **(headers or {})},
        )

    def make(self, manifest: Manifest) -> None:
        answer = self.apply(manifest)
        assert answer.status_code in (200, 201), answer.text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        others = foreign.find()
        with api_server(tmp_path_factory.mktemp("api")) as client:
            found = Server(client)
            for name in (NAMESPACE, TENANT_NAMESPACE):
                about = {"name": name, "labels": RESTRICTED}
                found.make({"apiVersion": "v1", "kind": "Namespace", "metadata": about})
            for crd in (*map(read, others), *crds(rendered(VALUES / "external.yaml"))):
                found.make(crd)
                spec = crd["spec"]
                version = spec["versions"][0]["name"]
                wait_until(client, f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")
            found.make(
                {
                    "apiVersion": "scheduling.k8s.io/v1",
                    "kind": "PriorityClass",
                    "metadata": {"name": "wells"},
                    "value": 1000,
                }
            )
            yield found
    except Missing as error:
        pytest.skip(str(error))


def read(file: Path) -> Manifest:
    found: Manifest = yaml.safe_load(file.read_text())
    return found


def crds(manifests: tuple[Manifest, ...]) -> list[Manifest]:
    return [each for each in manifests if each["kind"] == "CustomResourceDefinition"]


@each_installation
def test_every_object_is_taken_without_a_warning(server, values):
    for manifest in rendered(values):
        answer = server.apply(manifest, dry=True)
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        assert answer.status_code in (200, 201), f"{where}: {answer.text}"
        assert "warning" not in answer.headers, f"{where}: {answer.headers['warning']}"


@each_installation
def test_every_pod_is_one_that_a_restricted_namespace_admits(server, values):
    manifests = rendered(values)
    for manifest in manifests:
        if manifest["kind"] == "ServiceAccount":
            server.make(manifest)
    seen = 0
    for name, found in pods(manifests):
        answer = make_pod(server, name, found)
        assert answer.status_code == 201, answer.text
        assert "warning" not in answer.headers
        seen += 1
    assert seen >= 4


def make_pod(server: Server, name: str, found: Manifest) -> httpx.Response:
    pod = {"metadata": {"name": name, **found["metadata"]}, "spec": found["spec"]}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    return server.client.post(path, json=pod, params={"dryRun": "All"})


def test_a_pod_that_may_be_root_is_not_admitted(server):
    """The check above can fail."""
    gateway = one(rendered(VALUES / "external.yaml"), "Deployment", "-gateway")
    found = gateway["spec"]["template"]
    spec = {**found["spec"], "securityContext": {"runAsUser": 0}}
    answer = make_pod(server, "x", {**found, "spec": spec})
    assert answer.status_code == 403
    assert "restricted" in answer.text


@pytest.fixture(scope="module")
def rules(server: Server) -> Server:
    """The rules of the operator's account are in force."""
    for manifest in rendered(VALUES / "external.yaml"):
        if "rbac" in manifest["apiVersion"] or manifest["kind"] == "ServiceAccount":
            server.make(manifest)
    return server


def may(server: Server, verb: str, resource: str, **where: str) -> bool:
    """Whether the operator's account may; resource as RBAC names it: group/plural/subresource."""
    parts = resource.split("/")
    group = parts.pop(0) if "." in parts[0] or parts[0] == "apps" else ""
    asked = {"verb": verb, "group": group, "resource": parts[0], **where}
    if len(parts) > 1:
        asked["subresource"] = parts[1]
    answer = server.client.post(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        json={"spec": {"user": OPERATOR, "resourceAttributes": asked}},
    )
    assert answer.status_code == 201, answer.text
    return bool(answer.json()["status"]["allowed"])


CHILDREN = (
    "configmaps",
    "persistentvolumeclaims",
    "serviceaccounts",
    "services",
    "apps/statefulsets",
    "networking.k8s.io/networkpolicies",
)


def test_the_operator_may_do_its_work(rules):
    for kind in CHILDREN:
        for verb in ("list", "watch", "create", "patch", "delete"):
            assert may(rules, verb, kind, namespace=TENANT_NAMESPACE), (verb, kind)
    for kind in ("scadaconnections", "tagmappings"):
        assert may(rules, "watch", f"pumpjack.dev/{kind}")
        assert may(rules, "patch", f"pumpjack.dev/{kind}/status", namespace=TENANT_NAMESPACE)
    assert may(rules, "create", "coordination.k8s.io/leases", namespace=NAMESPACE)


MUST_NOT = {
    "read Secrets of all namespaces": ("list", "secrets", {}),
    "read Secrets where it was not bound": ("get", "secrets", {"namespace": "kube-system"}),
    "write what tenants ask for": ("patch", "pumpjack.dev/scadaconnections", {}),
    "enter pods": ("create", "pods/exec", {"namespace": TENANT_NAMESPACE}),
    "make pods": ("create", "pods", {"namespace": TENANT_NAMESPACE}),
    "change namespaces": ("patch", "namespaces", {"name": TENANT_NAMESPACE}),
    "use Leases of others": ("update", "coordination.k8s.io/leases", {"namespace": "kube-system"}),
    "make anyone an administrator": (
        "bind",
        "rbac.authorization.k8s.io/clusterroles",
        {"name": "cluster-admin"},
    ),
}


@pytest.mark.parametrize(("verb", "kind", "where"), MUST_NOT.values(), ids=list(MUST_NOT))
def test_the_operator_may_not(rules, verb, kind, where):
    assert not may(rules, verb, kind, **where)


def test_where_it_is_bound_the_operator_writes_its_own_secret_and_no_other(rules):
    """Also when it has to make it: RBAC knows the name of an object that is made by apply."""
    done = template(
        VALUES / "external.yaml", more=(f"tenants.permian.namespaces={{{TENANT_NAMESPACE}}}",)
    )
    for manifest in yaml.safe_load_all(done.stdout):
        if manifest and manifest["metadata"].get("namespace") == TENANT_NAMESPACE:
            assert manifest["kind"] == "RoleBinding"
            rules.make(manifest)

    def status(name: str, namespace: str) -> int:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": {"a": "b"},
        }
        return rules.apply(secret, headers={"Impersonate-User": OPERATOR}).status_code

    assert status("pumpjack-stores", TENANT_NAMESPACE) == 201
    assert status("pumpjack-stores", TENANT_NAMESPACE) == 200
    assert status("another", TENANT_NAMESPACE) == 403
    assert status("pumpjack-stores", "kube-system") == 403
    assert may(rules, "watch", "secrets", namespace=TENANT_NAMESPACE)
