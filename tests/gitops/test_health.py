"""What Argo CD and Flux make of our conditions, by the programs that they use themselves.

Argo CD runs the scripts of gitops/ in gopher-lua; Flux asks kstatus.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pumpjack_operator.conditions import Condition, conditions
from tests.controlplane.binaries import Missing
from tests.controlplane.server import api_server, wait_until
from tests.operator.test_conditions import CASES
from tests.peers.go import built

pytestmark = pytest.mark.peers

PEERS = Path(__file__).parents[1] / "peers"
ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "gitops" / "argocd" / "pumpjack.dev"
LIMIT_S = 60
Object = dict[str, Any]


def argo_cd(objects: list[Object]) -> list[dict[str, str]]:
    """What Argo CD says of objects of one kind."""
    script = (SCRIPTS / objects[0]["kind"] / "health.lua").read_text()
    return asked("lua", {"script": script, "objects": objects})


def flux(objects: list[Object]) -> list[dict[str, str]]:
    """What Flux says of objects."""
    return asked("kstatus", objects)


def asked(program: str, question: object) -> list[dict[str, str]]:
    done = subprocess.run(
        [built(PEERS / program)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, str]] = json.loads(done.stdout)
    return answers


def an_object(
    kind: str, found: tuple[Condition, ...], *, generation: int = 3, observed: int = 3
) -> Object:
    """As the API server has it."""
    told = [
        {
            "type": one.type,
            "status": one.status,
            "reason": one.reason,
            "message": one.message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": observed,
        }
        for one in found
    ]
    return {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "pad7-plc", "namespace": "permian-ops", "generation": generation},
        "spec": {},
        "status": {"observedGeneration": observed, "conditions": told},
    }


def verdict(ready: str, stalled: str) -> tuple[str, str]:
    """What both have to say, by the conditions Ready and Stalled."""
    if stalled.startswith("True"):
        return "Degraded", "Failed"
    if ready == "True Suspended":
        return "Suspended", "Current"
    if ready.startswith("True"):
        return "Healthy", "Current"
    return "Progressing", "InProgress"


@pytest.mark.parametrize("facts", [facts for facts, _ in CASES.values()], ids=list(CASES))
def test_a_connection_is_as_healthy_as_its_worker(facts):
    """In every state that the conditions know."""
    found = conditions(facts)
    said = {one.type: f"{one.status} {one.reason}" for one in found}
    wanted = verdict(said["Ready"], said["Stalled"])
    this = [an_object("ScadaConnection", found)]
    assert (argo_cd(this)[0]["status"], flux(this)[0]["status"]) == wanted


def test_every_verdict_occurs_in_some_state():
    """The table above covers what it should."""
    found = set()
    for facts, _ in CASES.values():
        said = {one.type: f"{one.status} {one.reason}" for one in conditions(facts)}
        found.add(verdict(said["Ready"], said["Stalled"]))
    assert {argo for argo, _ in found} == {"Healthy", "Progressing", "Degraded", "Suspended"}


def test_a_device_that_is_away_degrades_no_application_and_is_named():
    facts, _ = CASES["all is well"]
    away = tuple(
        Condition("DataFlowing", "False", "Disconnected", "10.1.7.20:502 refuses connections")
        if one.type == "DataFlowing"
        else one
        for one in conditions(facts)
    )
    (answer,) = argo_cd([an_object("ScadaConnection", away)])
    assert answer["status"] == "Healthy"
    assert "10.1.7.20:502 refuses connections" in answer["message"]


@pytest.mark.parametrize("kind", ["ScadaConnection", "TagMapping"])
def test_a_change_that_the_operator_has_not_seen_is_in_progress(kind):
    facts, _ = CASES["all is well"]
    changed = [an_object(kind, conditions(facts), generation=4)]
    assert argo_cd(changed)[0]["status"] == "Progressing"
    assert flux(changed)[0]["status"] == "InProgress"


MAPPINGS = {
    "AllTagsRead": ("True", "Healthy"),
    "TagsRejected": ("False", "Degraded"),
    "PartsRejected": ("False", "Degraded"),
    "Refused": ("False", "Degraded"),
    "NoConnection": ("False", "Progressing"),
}


@pytest.mark.parametrize(("reason", "wanted"), MAPPINGS.items(), ids=list(MAPPINGS))
def test_a_mapping_is_healthy_when_all_its_tags_are_read(reason, wanted):
    status, health = wanted
    found = (Condition("MappingsAccepted", status, reason, f"because of {reason}"),)
    (answer,) = argo_cd([an_object("TagMapping", found)])
    assert answer == {"status": health, "message": f"because of {reason}"}


def test_flux_waits_for_a_mapping_to_be_seen_and_needs_to_be_told_what_its_condition_means():
    """kstatus knows Ready, Reconciling and Stalled only; see gitops/flux/kustomization.yaml."""
    refused = (Condition("MappingsAccepted", "False", "TagsRejected", "2 of 3 are not read"),)
    assert flux([an_object("TagMapping", refused)])[0]["status"] == "Current"
    text = (ROOT / "gitops" / "flux" / "kustomization.yaml").read_text()
    (check,) = yaml.safe_load(text)["spec"]["healthCheckExprs"]
    assert check["kind"] == "TagMapping"
    assert "MappingsAccepted" in check["current"]
    failing = {reason for reason, (_, health) in MAPPINGS.items() if health == "Degraded"}
    assert set(re.findall(r"'(\w+)'", check["failed"].partition(" in [")[2])) == failing


def test_the_patch_of_argo_cd_has_the_scripts():
    """`make chart` writes it."""
    data = yaml.safe_load((ROOT / "gitops" / "argocd" / "health-checks.yaml").read_text())["data"]
    assert data == {
        f"resource.customizations.health.pumpjack.dev_{kind}": (
            SCRIPTS / kind / "health.lua"
        ).read_text()
        for kind in ("ScadaConnection", "TagMapping")
    }


EXAMPLES = {
    "ScadaConnection": {"protocol": "modbus-tcp", "modbusTcp": {"host": "10.1.7.20"}},
    "TagMapping": {
        "connectionRef": {"name": "x"},
        "wellId": "w",
        "tags": [{"name": "t", "address": "holding:40001", "dataType": "uint16"}],
    },
}


def test_what_was_just_applied_is_in_progress_before_the_operator_has_seen_it(tmp_path):
    """Nobody has written a status; kstatus would call that Current, so the CRDs have a default."""
    try:
        with api_server(tmp_path) as client:
            for file in sorted((ROOT / "crds").glob("*.yaml")):
                crd = yaml.safe_load(file.read_text())
                path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
                assert client.post(path, json=crd).status_code == 201
            for kind, spec in EXAMPLES.items():
                plural = f"/apis/pumpjack.dev/v1alpha1/namespaces/default/{kind.lower()}s"
                wait_until(client, plural)
                made = client.post(
                    plural,
                    json={
                        "apiVersion": "pumpjack.dev/v1alpha1",
                        "kind": kind,
                        "metadata": {"name": "x"},
                        "spec": spec,
                    },
                )
                assert made.status_code == 201, made.text
                assert flux([made.json()])[0]["status"] == "InProgress"
                assert argo_cd([made.json()])[0]["status"] == "Progressing"
    except Missing as error:
        pytest.skip(str(error))
