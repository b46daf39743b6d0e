"""A real API server gives every manifest of the table the verdict that the offline check gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from pumpjack_core.manifests.crds import load_crds
from tests.controlplane.binaries import Missing
from tests.controlplane.server import api_server, wait_until
from tests.core.manifests.case import Case
from tests.core.manifests.test_examples import FOLDERS
from tests.core.manifests.verdicts import CASES

PLURALS = {"ScadaConnection": "scadaconnections", "TagMapping": "tagmappings"}
STRICT = {"fieldValidation": "Strict", "dryRun": "All"}
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


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_is_accepted(api: httpx.Client, folder: Path) -> None:
    for file in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            if document["kind"] in PLURALS:
                document["metadata"]["namespace"] = "default"
                answer = api.post(resource(document["kind"]), json=document, params=STRICT)
                assert answer.status_code == 201, answer.text
