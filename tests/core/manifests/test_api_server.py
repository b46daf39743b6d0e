"""A real API server gives every manifest of the table the verdict that the offline check gives.

KUBEBUILDER_ASSETS names a folder with kube-apiserver and etcd, as envtest has it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.manifests.crds import load_crds
from tests.core.manifests.test_examples import FOLDERS
from tests.core.manifests.verdicts import CASES, Case

ASSETS = Path(os.environ.get("KUBEBUILDER_ASSETS", "/nonexistent"))
PROGRAMS = (ASSETS / "kube-apiserver", ASSETS / "etcd")
START_S = 60.0
PLURALS = {"ScadaConnection": "scadaconnections", "TagMapping": "tagmappings"}
STRICT = {"fieldValidation": "Strict", "dryRun": "All"}
YAML = {"Content-Type": "application/yaml"}

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not all(program.is_file() for program in PROGRAMS),
        reason="KUBEBUILDER_ASSETS names no folder with kube-apiserver and etcd",
    ),
]


@contextlib.contextmanager
def running(folder: Path, *command: object) -> Iterator[None]:
    with (folder / f"{Path(str(command[0])).name}.log").open("wb") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client, as administrator, of an API server that has the CRDs."""
    folder = tmp_path_factory.mktemp("api")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "sa.key").write_bytes(key)
    (folder / "tokens.csv").write_text("test,admin,admin,system:masters\n")
    etcd, peer, secure = (f"http://127.0.0.1:{port}" for port in free_ports(3))
    port = secure.rpartition(":")[2]
    store = running(
        folder,
        *(ASSETS / "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", etcd, "--advertise-client-urls", etcd),
        *("--listen-peer-urls", peer),
    )
    server = running(
        folder,
        *(ASSETS / "kube-apiserver", "--etcd-servers", etcd, "--cert-dir", folder),
        *("--bind-address", "127.0.0.1", "--secure-port", port),
        *("--service-account-key-file", folder / "sa.key"),
        *("--service-account-signing-key-file", folder / "sa.key"),
        *("--service-account-issuer", "https://test.invalid"),
        *("--token-auth-file", folder / "tokens.csv"),
        *("--service-cluster-ip-range", "10.0.0.0/24"),
    )
    client = httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        headers={"Authorization": "Bearer test"},
        verify=False,
        timeout=10,
    )
    with store, server, client:
        wait_until(client, "/readyz")
        for crd in load_crds().values():
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            content = crd.file.read_bytes()
            answer = client.post(
                path, content=content, params=STRICT | {"dryRun": []}, headers=YAML
            )
            assert answer.status_code == 201, answer.text
        for kind in load_crds():
            wait_until(client, resource(kind))
        yield client
    shutil.rmtree(folder)


def resource(kind: str) -> str:
    return f"/apis/pumpjack.dev/v1alpha1/namespaces/default/{PLURALS[kind]}"


def wait_until(client: httpx.Client, path: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get(path).status_code == 200:
                return
        assert time.monotonic() < deadline, f"{path} did not answer within {START_S} s"
        time.sleep(0.1)


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
