"""A release as Helm keeps it on a real API server: installed, upgraded, removed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.charts.helm import CHART, INSTALLATIONS, NAMESPACE, RELEASE, VALUES
from tests.controlplane import binaries
from tests.controlplane.server import TOKEN, ControlPlane

pytestmark = pytest.mark.peers

LIMIT_S = 60
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/scadaconnections.pumpjack.dev"
Helm = Callable[..., str]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    try:
        with ControlPlane(tmp_path) as plane:
            yield plane
    except binaries.Missing as error:
        pytest.skip(str(error))


@pytest.fixture
def helm(plane: ControlPlane, tmp_path: Path) -> Helm:
    """Helm, as an administrator of that API server."""
    try:
        program = binaries.find("helm")
    except binaries.Missing as error:
        pytest.skip(str(error))
    where = [
        *("--kube-apiserver", f"https://127.0.0.1:{plane.port}", "--kube-token", TOKEN),
        *("--kube-insecure-skip-tls-verify", "--namespace", NAMESPACE),
    ]

    def run(*arguments: object) -> str:
        done = subprocess.run(
            [str(program), *map(str, arguments), *where],
            env={**os.environ, "HOME": str(tmp_path), "KUBECONFIG": "/dev/null"},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def passwords(plane: ControlPlane) -> dict[str, str]:
    answer = plane.client.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/pumpjack-logins")
    assert answer.status_code == 200, answer.text
    return {key: base64.b64decode(each).decode() for key, each in answer.json()["data"].items()}


def test_an_upgrade_keeps_the_passwords_and_a_removal_the_kinds(plane, helm):
    values = ("--values", INSTALLATIONS["trying out"])
    notes = helm("install", RELEASE, CHART, "--create-namespace", *values)
    assert "for trying out" in notes
    assert "kubectl label namespace NAMESPACE pumpjack.dev/tenant=TENANT" in notes
    first = passwords(plane)
    assert len(first) == 8
    assert min(map(len, first.values())) == 40
    assert first["redis-gateway-password"] == first["redis-operator-password"]
    assert len(set(first.values())) == 7
    helm("upgrade", RELEASE, CHART, *values, "--set", "image.tag=0.2.0")
    assert passwords(plane) == first
    jobs = plane.client.get(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs").json()["items"]
    images = {job["spec"]["template"]["spec"]["containers"][0]["image"] for job in jobs}
    assert "pumpjack/cli:0.2.0" in images
    helm("uninstall", RELEASE)
    assert plane.client.get(CRD).status_code == 200
    assert plane.client.get(f"{CRD.rpartition('/')[0]}/tagmappings.pumpjack.dev").status_code == 200
    operator = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}-pumpjack-operator"
    assert plane.client.get(operator).status_code == 404
    # and they are taken over again
    helm("install", RELEASE, CHART, *values)


OLDER = (("tenancy", "byName"), ("monitoring", "serviceMonitors", "gatewayTls"))
"""Values that a release before did not know."""


def older_chart(folder: Path) -> Path:
    """The chart as it was before OLDER."""
    made = shutil.copytree(CHART, folder / "older")
    values = yaml.safe_load((made / "values.yaml").read_text())
    schema = json.loads((made / "values.schema.json").read_text())
    for *above, name in OLDER:
        at, known = values, schema
        for step in above:
            at, known = at[step], known["properties"][step]
        del at[name], known["properties"][name]
    (made / "values.yaml").write_text(yaml.safe_dump(values))
    (made / "values.schema.json").write_text(json.dumps(schema))
    return made


@pytest.mark.parametrize("how", ["the same file", "--reuse-values"])
def test_an_upgrade_takes_the_values_of_a_release_that_knew_fewer(plane, helm, tmp_path, how):
    file = ("--values", VALUES / "external.yaml")
    helm("install", RELEASE, older_chart(tmp_path), "--create-namespace", *file)
    helm("upgrade", RELEASE, CHART, *((how,) if how.startswith("--") else file))
    path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{RELEASE}-pumpjack-platform"
    told = yaml.safe_load(plane.client.get(path).json()["data"]["platform.yaml"])
    assert told["tenantByName"] is False


def test_a_migration_that_was_deleted_runs_again_with_an_upgrade_to_the_same(plane, helm):
    """So that changed passwords reach the database, as docs/operations.md says."""
    file = ("--values", VALUES / "external.yaml")
    helm("install", RELEASE, CHART, "--create-namespace", *file)
    jobs = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
    (job,) = plane.client.get(jobs).json()["items"]
    gone = {"propagationPolicy": "Background"}
    where = f"{jobs}/{job['metadata']['name']}"
    assert plane.client.request("DELETE", where, json=gone).status_code == 200
    assert plane.client.get(jobs).json()["items"] == []
    helm("upgrade", RELEASE, CHART, *file)
    (again,) = plane.client.get(jobs).json()["items"]
    assert again["metadata"]["uid"] != job["metadata"]["uid"]
