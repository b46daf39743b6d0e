"""A real API server gives every manifest of the table the verdict that the offline check gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pumpjack_core.manifests.check import check
from pumpjack_core.manifests.crds import load_crds
from pumpjack_core.manifests.object_size import kept_bytes
from tests.controlplane.binaries import Missing
from tests.controlplane.server import api_server, wait_until
from tests.core.manifests.case import Case
from tests.core.manifests.large import as_large_as_it_gets
from tests.core.manifests.test_examples import FOLDERS
from tests.core.manifests.verdicts import CASES

PLURALS = {"ScadaConnection": "scadaconnections", "TagMapping": "tagmappings"}
STRICT = {"fieldValidation": "Strict", "dryRun": "All"}
PATIENCE = 5
YAML = {"Content-Type": "application/yaml"}

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client, as administrator, of an API server that has the CRDs."""
    try:
        with api_server(tmp_path_factory.mktemp("api")) as client:
            for crd in load_crds().values():
                path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
                answer = client.post(
                    path,
                    content=crd.file.read_bytes(),
                    params=STRICT | {"dryRun": []},
                    headers=YAML,
                )
                assert answer.status_code == 201, answer.text
            for kind in load_crds():
                wait_until(client, resource(kind))
            yield client
    except Missing as error:
        pytest.skip(str(error))


def resource(kind: str) -> str:
    return f"/apis/pumpjack.dev/v1alpha1/namespaces/default/{PLURALS[kind]}"


def sent_to(text: str) -> str | None:
    """Where kubectl would send a manifest; None when no resource is of its kind."""
    for kind in PLURALS:
        if f"\nkind: {kind}\n" in text:
            return resource(kind)
    return None


COMPARED = {name: case for name, case in CASES.items() if not case.offline and sent_to(case.text)}


@pytest.mark.parametrize("case", COMPARED.values(), ids=list(COMPARED))
def test_the_verdict_is_the_same(api: httpx.Client, case: Case) -> None:
    path = sent_to(case.text)
    assert path is not None
    answer = api.post(path, content=case.text, params=STRICT, headers=YAML)
    assert (answer.status_code == 201) == case.accepted, answer.text


def created(api: httpx.Client, document: dict[str, Any]) -> httpx.Response:
    """The answer to a POST, which a busy machine may not get in the API server's own time."""
    for _ in range(PATIENCE):
        answer = api.post(resource(document["kind"]), json=document, timeout=90)
        if answer.status_code != 504:
            break
    return answer


def test_500_tags_with_9_alarms_each_are_accepted_and_stored(api: httpx.Client) -> None:
    """The rules within the cost that the API server allows, the object within what etcd takes."""
    mapping = as_large_as_it_gets(texts=90)
    assert [finding.severity for finding in check(mapping).findings] == ["warning"]  # of kubectl
    answer = created(api, mapping)
    assert answer.status_code in (201, 409), answer.text  # 409: there since a try before
    stored = api.get(f"{resource('TagMapping')}/large", timeout=90).json()
    assert sum(len(tag["alarms"]) for tag in stored["spec"]["tags"]) == 4_500
    kept = len(json.dumps(stored["metadata"]["managedFields"], separators=(",", ":")))
    assert 0.7 * kept < kept_bytes(stored) < 1.5 * kept


def test_one_that_etcd_does_not_take_is_told_offline(api: httpx.Client) -> None:
    mapping = as_large_as_it_gets(texts=720, alarms=5)
    (finding,) = check(mapping).findings
    assert "etcd takes 1536" in finding.message
    answer = created(api, mapping)
    assert answer.status_code >= 400
    assert "too large" in answer.text or "larger than max" in answer.text, answer.text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_is_accepted(api: httpx.Client, folder: Path) -> None:
    for file in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if document["kind"] in PLURALS:
                document["metadata"]["namespace"] = "default"
                answer = api.post(resource(document["kind"]), json=document, params=STRICT)
                assert answer.status_code == 201, answer.text
