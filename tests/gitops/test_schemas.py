"""kubeconform with the schemas of gitops/, as a pipeline would run it, without a network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane import binaries

pytestmark = pytest.mark.peers

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "gitops" / "schemas" / "{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"


def kubeconform(*files: Path) -> list[dict[str, Any]]:
    """What it says of each manifest."""
    try:
        program = binaries.find("kubeconform")
    except binaries.Missing as error:
        pytest.skip(str(error))
    asked = ("-output", "json", "-verbose", "-skip", "Namespace", "-schema-location", str(SCHEMAS))
    done = subprocess.run(
        [str(program), *asked, *map(str, files)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)["resources"]
    return found


def test_every_example_is_valid():
    found = kubeconform(ROOT / "examples")
    ours = [each for each in found if each["kind"] in ("ScadaConnection", "TagMapping")]
    assert len(ours) > 8
    assert {each["status"] for each in ours} == {"statusValid"}, ours


WRONG = {
    "a misspelt field": ("spec", "pollIntervall", "1s"),
    "an unknown protocol": ("spec", "protocol", "profibus"),
    "a misspelt member": ("spec", "modbusTCP", {"host": "10.1.7.20"}),
    "a field beside the spec": ("", "spek", {}),
}


@pytest.mark.parametrize(("at", "key", "value"), WRONG.values(), ids=list(WRONG))
def test_a_pipeline_refuses(at, key, value, tmp_path):
    example = ROOT / "examples" / "quickstart" / "well-1.yaml"
    (manifest,) = [
        each
        for each in yaml.safe_load_all(example.read_text())
        if each["kind"] == "ScadaConnection"
    ]
    (manifest[at] if at else manifest)[key] = value
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(manifest))
    assert [each["status"] for each in kubeconform(file)] == ["statusInvalid"]
