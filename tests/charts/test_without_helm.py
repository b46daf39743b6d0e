"""deploy/, for `kubectl apply -k`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pumpjack_gateway.settings import from_environment
from pumpjack_operator import platform
from tests.charts.generate import DEPLOY, files
from tests.charts.helm import environment, one, rendered
from tests.controlplane.binaries import Missing

pytestmark = pytest.mark.peers


def built(folder: Path) -> tuple[dict[str, Any], ...]:
    """What `kubectl apply -k` would apply."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("peer-missing: kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def test_what_was_made_is_what_would_be_made():
    """`make chart` writes them."""
    try:
        wanted = files()
    except Missing as error:
        pytest.skip(str(error))
    for path, text in wanted.items():
        assert path.read_text() == text, f"{path.name} is old; run `make chart`"


def test_the_base_has_all_of_the_chart_in_its_namespace():
    def known(manifests: tuple[dict[str, Any], ...]) -> set[tuple[str, str]]:
        return {(each["kind"], each["metadata"]["name"]) for each in manifests}

    found = built(DEPLOY)
    chart = rendered(DEPLOY / "values.yaml", release="pumpjack")
    assert known(found) == known(chart) | {("Namespace", "pumpjack")}
    assert {each["metadata"].get("namespace") for each in found} == {None, "pumpjack"}
    assert "helm" not in "".join(path.read_text().lower() for path in DEPLOY.glob("*s.yaml"))[200:]


def test_the_example_puts_stores_issuers_and_tenants_of_ones_own_over_it(tmp_path):
    found = built(DEPLOY.parent / "example")
    gateway = one(found, "Deployment", "-gateway")["spec"]["template"]
    settings = from_environment(environment(gateway))
    assert settings.database_url.startswith("postgresql://pumpjack_gateway@db.example.com:5432/")
    assert [issuer.issuer for issuer in settings.issuers()] == ["https://id.company.com/"]
    file = tmp_path / "platform.yaml"
    file.write_text(one(found, "ConfigMap", "-platform")["data"]["platform.yaml"])
    assert platform.read(file).device_networks("permian") == ("10.1.0.0/16",)
    image = gateway["spec"]["containers"][0]["image"]
    assert image == "registry.example.com/pumpjack/gateway:0.1.0"
