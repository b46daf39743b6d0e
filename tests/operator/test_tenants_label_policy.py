"""Who may say whose a namespace is: the chart's policy, on a real API server."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

import httpx
import pytest
import yaml

from pumpjack_core.manifests.objects import TENANT_LABEL
from tests.charts.helm import CHART, NAMESPACE, RELEASE, helm
from tests.controlplane.binaries import Missing
from tests.controlplane.server import api_server, wait_until

pytestmark = pytest.mark.peers

TENANTS_OWN = {"Impersonate-User": "mallory", "Impersonate-Group": "tenant-admins"}
PLATFORM = {"Impersonate-User": "petra", "Impersonate-Group": "platform"}
_numbers = itertools.count(1)
NAMESPACES = "/api/v1/namespaces"
POLICY_S = 60.0
"""Until the API server keeps to a policy that was just made."""
KINDS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    try:
        with api_server(tmp_path_factory.mktemp("api")) as client:
            may_edit_namespaces(client, "tenant-admins", "platform")
            for manifest in policy("platform", "cluster-admins"):
                path = f"/apis/{manifest['apiVersion']}/{KINDS[manifest['kind']]}"
                made = client.post(path, json=manifest, params={"fieldValidation": "Strict"})
                assert made.status_code == 201, made.text
            wait_until_it_works(client)
            yield client
    except Missing as error:
        pytest.skip(str(error))


def policy(*groups: str) -> list[dict[str, object]]:
    """As helm renders it for these groups."""
    done = helm(
        *("template", RELEASE, CHART, "--namespace", NAMESPACE, "--kube-version", "1.34.0"),
        *("--values", CHART / "values-tryout.yaml"),
        *("--set-json", f"tenancy.labelGroups={json.dumps(groups)}"),
        *("--show-only", "templates/tenant-label-policy.yaml"),
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def may_edit_namespaces(client: httpx.Client, *groups: str) -> None:
    """All that RBAC can give on namespaces: the policy alone stands in between."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    doors = ["namespaces", "namespaces/status", "namespaces/finalize"]
    rule = {"apiGroups": [""], "resources": doors, "verbs": ["*"]}
    role = {"metadata": {"name": "edit-namespaces"}, "rules": [rule]}
    assert client.post(f"{rbac}/clusterroles", json=role).status_code == 201
    binding = {
        "metadata": {"name": "edit-namespaces"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "edit-namespaces",
        },
        "subjects": [
            {"kind": "Group", "name": group, "apiGroup": "rbac.authorization.k8s.io"}
            for group in groups
        ],
    }
    assert client.post(f"{rbac}/clusterrolebindings", json=binding).status_code == 201


def wait_until_it_works(client: httpx.Client) -> None:
    """A policy takes a moment after it was made: make something refused until it is."""
    wait_until(client, f"{NAMESPACES}/default")
    deadline = time.monotonic() + POLICY_S
    while time.monotonic() < deadline:
        if create(client, "probe", "x", TENANTS_OWN, dry=True).status_code == 403:
            return
        time.sleep(0.1)
    raise AssertionError("the policy refuses nothing")


def create(
    client: httpx.Client,
    name: str,
    tenant: str | None,
    who: dict[str, str],
    *,
    dry: bool = False,
) -> httpx.Response:
    labels = {} if tenant is None else {TENANT_LABEL: tenant}
    params = {"dryRun": "All"} if dry else {}
    body = {"metadata": {"name": name, "labels": labels}}
    return client.post(NAMESPACES, json=body, headers=who, params=params)


@pytest.fixture
def namespace(api: httpx.Client) -> str:
    """A namespace of tenant permian."""
    name = f"ops-{next(_numbers)}"
    assert create(api, name, "permian", PLATFORM).status_code == 201
    return name


def label_patch(value: str | None) -> bytes:
    return json.dumps({"metadata": {"labels": {TENANT_LABEL: value}}}).encode()


def change(
    api: httpx.Client, name: str, value: str | None, who: dict[str, str], sub: str = ""
) -> httpx.Response:
    headers = {"Content-Type": "application/merge-patch+json", **who}
    return api.patch(f"{NAMESPACES}/{name}{sub}", content=label_patch(value), headers=headers)


def tenant(api: httpx.Client, name: str) -> str | None:
    labels = api.get(f"{NAMESPACES}/{name}").json()["metadata"]["labels"]
    found: str | None = labels.get(TENANT_LABEL)
    return found


def assert_refused(answer: httpx.Response, what: str) -> None:
    assert answer.status_code == 403, answer.text
    said = answer.json()["message"]
    assert what in said
    assert "is for members of platform, cluster-admins" in said
    assert "mallory is none; ask the platform team" in said


def test_who_may_edit_namespaces_makes_them_without_the_label(api):
    assert create(api, "plain", None, TENANTS_OWN).status_code == 201
    answer = api.patch(
        f"{NAMESPACES}/plain",
        content=b'{"metadata": {"labels": {"team": "seven"}}}',
        headers={"Content-Type": "application/merge-patch+json", **TENANTS_OWN},
    )
    assert answer.status_code == 200, answer.text


def test_who_is_of_no_named_group_cannot_make_a_namespace_a_tenants(api):
    answer = create(api, "claimed", "permian", TENANTS_OWN)
    assert_refused(answer, "of namespace claimed says whose wells are read there; setting it to")


@pytest.mark.parametrize("sub", ["", "/status", "/finalize"])
@pytest.mark.parametrize(
    ("value", "what"), [("bakken", "from permian to bakken"), (None, "removing it")]
)
def test_nor_change_or_remove_it_by_any_door(api, namespace, value, what, sub):
    if sub == "/finalize":  # it takes whole objects only
        found = api.get(f"{NAMESPACES}/{namespace}").json()
        found["metadata"]["labels"].pop(TENANT_LABEL)
        if value is not None:
            found["metadata"]["labels"][TENANT_LABEL] = value
        answer = api.put(f"{NAMESPACES}/{namespace}{sub}", json=found, headers=TENANTS_OWN)
    else:
        answer = change(api, namespace, value, TENANTS_OWN, sub)
    assert_refused(answer, what)
    assert tenant(api, namespace) == "permian"


def test_nor_by_server_side_apply(api, namespace):
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    body["metadata"]["labels"] = {TENANT_LABEL: "bakken"}
    answer = api.patch(
        f"{NAMESPACES}/{namespace}",
        content=yaml.safe_dump(body),
        params={"fieldManager": "m", "force": "true"},
        headers={"Content-Type": "application/apply-patch+yaml", **TENANTS_OWN},
    )
    assert_refused(answer, "from permian to bakken")


def test_nor_set_it_where_there_was_none(api):
    assert create(api, "later", None, TENANTS_OWN).status_code == 201
    assert_refused(change(api, "later", "permian", TENANTS_OWN), "setting it to permian")
    assert tenant(api, "later") is None


def test_what_else_is_of_a_tenants_namespace_stays_for_its_people_to_change(api, namespace):
    answer = api.patch(
        f"{NAMESPACES}/{namespace}",
        content=b'{"metadata": {"annotations": {"a": "b"}}}',
        headers={"Content-Type": "application/merge-patch+json", **TENANTS_OWN},
    )
    assert answer.status_code == 200, answer.text


def test_a_named_group_may_set_change_and_remove_it(api, namespace):
    for value in ("bakken", None, "permian"):
        answer = change(api, namespace, value, PLATFORM)
        assert answer.status_code == 200, answer.text
        assert tenant(api, namespace) == value


def test_a_group_whose_name_begins_alike_is_not_it(api, namespace):
    headers = [
        ("Content-Type", "application/merge-patch+json"),
        ("Impersonate-User", "mallory"),
        ("Impersonate-Group", "platform-readers"),
        ("Impersonate-Group", "tenant-admins"),
    ]
    path = f"{NAMESPACES}/{namespace}"
    answer = api.patch(path, content=label_patch("bakken"), headers=headers)
    assert_refused(answer, "from permian to bakken")


def test_where_no_group_is_named_nobody_may():
    manifest = policy()[0]
    assert "[]" in str(manifest["spec"])
