"""The operator at work as the account that the chart makes, on an API server with an audit log.

Nothing that it asks is refused, and nothing that it is granted goes unused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.manifests.crds import load_crds
from pumpjack_core.storage.migrate import migrate
from pumpjack_operator.names import child_name
from tests.charts.helm import NAMESPACE, RELEASE, VALUES, Manifest, one, template
from tests.controlplane.binaries import Missing
from tests.controlplane.server import ControlPlane, wait_until
from tests.operator.cluster import Namespace, eventually, new_namespace
from tests.operator.redis_server import redis_server

pytestmark = [pytest.mark.peers, pytest.mark.servers]

ACCOUNT = f"{RELEASE}-pumpjack-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
STOP_S = 30
UNUSED = {
    ("update", "pumpjack.dev/scadaconnections/finalizers"): "asked for by an admission plugin that "
    "OpenShift switches on, of whoever sets blockOwnerDeletion",
    ("delete", "persistentvolumeclaims"): "of a journal in which nothing waits",
    ("get", "configmaps"): "where two operators record a namespace at the same time",
}
"""Granted and not used in this life of a connection, with the reason."""

Call = tuple[str, str]
"""Verb, and group/resource/subresource."""


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
    }
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    files = {"policy-file": "policy.yaml", "log-path": "audit.log"}
    flags = [f"--audit-{name}={tmp_path / file}" for name, file in files.items()]
    try:
        with ControlPlane(tmp_path, *flags) as plane:
            for crd in load_crds().values():
                path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
                made = plane.client.post(path, json=yaml.safe_load(crd.file.read_text()))
                assert made.status_code == 201, made.text
            for plural in ("scadaconnections", "tagmappings"):
                wait_until(plane.client, f"/apis/pumpjack.dev/v1alpha1/{plural}")
            yield plane
    except Missing as error:
        pytest.skip(str(error))


def install(client: httpx.Client, manifests: tuple[Manifest, ...]) -> None:
    """What concerns the operator's account."""
    about = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    assert client.post("/api/v1/namespaces", json=about).status_code == 201
    plurals = {
        "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
        "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
        "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    }
    for manifest in manifests:
        if path := plurals.get(manifest["kind"]):
            where = path.format(manifest["metadata"].get("namespace"))
            made = client.post(where, json=manifest)
            assert made.status_code == 201, made.text


def granted(manifests: tuple[Manifest, ...]) -> set[Call]:
    """Every verb of every rule of the operator's."""
    return {
        (verb, "/".join(filter(None, (group, resource))))
        for manifest in manifests
        if manifest["kind"] in ("ClusterRole", "Role")
        and "pumpjack-operator" in manifest["metadata"]["name"]
        for rule in manifest["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked(log: Path) -> list[tuple[Call, int, str]]:
    """What the account asked: call, status code, and the server's words."""
    found = []
    for line in log.read_text().splitlines():
        event: dict[str, Any] = json.loads(line)
        about = event.get("objectRef", {})
        parts = (about.get("apiGroup"), about.get("resource"), about.get("subresource"))
        call = (event["verb"], "/".join(filter(None, parts)))
        status = event.get("responseStatus", {})
        found.append((call, status.get("code", 0), f"{event['requestURI']} {status}"))
    return found


@contextlib.contextmanager
def running(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """The operator as its pod runs it; yields its log."""
    log = folder / "operator.log"
    with log.open("wb") as to:
        process = subprocess.Popen(
            [sys.executable, "-m", "pumpjack_operator"],
            stdout=to,
            stderr=to,
            env={**os.environ, **environment},
        )
    try:
        yield log
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def kubeconfig(plane: ControlPlane, folder: Path) -> Path:
    """A login as the operator's account, with a token as the kubelet gets one."""
    answer = plane.client.post(
        f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{ACCOUNT}/token",
        json={"spec": {"expirationSeconds": 3600}},
    )
    assert answer.status_code == 201, answer.text
    return plane.kubeconfig(answer.json()["status"]["token"], folder)


def chart(wells: Namespace) -> tuple[Manifest, ...]:
    """The chart, with these wells as a tenant's."""
    done = template(
        VALUES / "external.yaml",
        more=(
            f"tenants.permian.namespaces={{{wells.name}}}",
            "tenants.permian.deviceNetworks={10.1.0.0/16}",
        ),
    )
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


async def life_of_a_connection(wells: Namespace) -> None:
    """A connection that is made, meddled with, and deleted, with a kubelet beside it."""
    wells.connect("pad7", credentialsSecretRef={"name": "login"})
    wells.map("pumps", to="pad7")
    await eventually(lambda: wells.holds("pad7", "MappingsAccepted"))
    await eventually(lambda: wells.get("statefulsets", child_name("pad7")))
    assert wells.get("secrets", "pumpjack-stores")
    bound = {"status": {"phase": "Bound"}}
    wells.patch("persistentvolumeclaims", f"{child_name('pad7')}-journal", bound, sub="status")
    wells.run_pod("pad7", "127.0.0.1")
    await eventually(lambda: wells.reason("pad7", "Ready") == "WorkerNotAnswering")
    added = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    wells.patch("statefulsets", child_name("pad7"), added)
    await eventually(lambda: wells.events("DriftRepaired"))
    wells.delete("scadaconnections", "pad7")
    await eventually(lambda: wells.get("statefulsets", child_name("pad7")) is None)
    wells.end_pod("pad7", 75)
    await eventually(lambda: wells.events("JournalKept"))


async def test_nothing_is_refused_and_nothing_is_granted_in_vain(plane, empty_database, tmp_path):
    await migrate(empty_database, level="plain")
    wells = new_namespace(plane.client)
    manifests = chart(wells)
    install(plane.client, manifests)
    file = tmp_path / "platform.yaml"
    file.write_text(one(manifests, "ConfigMap", "-platform")["data"]["platform.yaml"])
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as live:
        environment = {
            "PUMPJACK_PLATFORM_FILE": str(file),
            "PUMPJACK_NAMESPACE": NAMESPACE,
            "PUMPJACK_KUBECONFIG": str(kubeconfig(plane, tmp_path)),
            "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
            "PUMPJACK_DATABASE_URL": empty_database,
            "PUMPJACK_REDIS_URL": live.url,
        }
        with running(tmp_path, environment) as log:
            try:
                await life_of_a_connection(wells)
            except BaseException:
                print(await asyncio.to_thread(log.read_text))
                raise
    calls = asked(tmp_path / "audit.log")
    assert [words for _, code, words in calls if code == 403] == []
    used = {call for call, _, _ in calls}
    # children are made by apply, which the server checks as patch and, where it makes, as create
    used |= {("create", what) for verb, what in used if verb == "patch" and "/status" not in what}
    assert granted(manifests) - used == set(UNUSED)
