"""Write what is made from other files: `make chart`.

python -m tests.charts.generate
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.charts.chart_readme import readme
from tests.charts.helm import CHART, rendered
from tests.controlplane.binaries import Missing, find

ROOT = Path(__file__).parents[2]
GITOPS = ROOT / "gitops" / "argocd"
SCHEMAS = ROOT / "gitops" / "schemas"
DEPLOY = ROOT / "deploy" / "pumpjack"
OF_HELM = ("app.kubernetes.io/managed-by", "helm.sh/chart")
"""Labels that would be wrong without it."""


def health_checks() -> str:
    """The scripts as a patch of argocd-cm."""
    text = "# Made by `make chart` from pumpjack.dev/*/health.lua.\ndata:\n"
    for script in sorted(GITOPS.glob("*/*/health.lua")):
        group, kind = script.parts[-3:-1]
        text += f"  resource.customizations.health.{group}_{kind}: |\n"
        text += "".join(f"    {line}" if line.strip() else line for line in lines(script))
    return text


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines(keepends=True)


def deployment() -> dict[Path, str]:
    """The chart as it is applied without Helm."""
    found = rendered(DEPLOY / "values.yaml", release="pumpjack")
    crds = [each for each in found if each["kind"] == "CustomResourceDefinition"]
    rest = [each for each in found if each["kind"] != "CustomResourceDefinition"]
    return {DEPLOY / "crds.yaml": as_yaml(crds), DEPLOY / "pumpjack.yaml": as_yaml(rest)}


def as_yaml(manifests: list[Any]) -> str:
    """A file of manifests, without what is Helm's."""
    text = "# Made by `make chart` from charts/pumpjack with values.yaml.\n"
    return text + yaml.safe_dump_all(map(without_helm, manifests), sort_keys=False, width=100)


def without_helm(value: Any) -> Any:
    """The same without labels and annotations of Helm, at any depth."""
    if isinstance(value, dict):
        kept = {key: without_helm(each) for key, each in value.items() if key not in OF_HELM}
        if kept.get("annotations") == {"helm.sh/resource-policy": "keep"}:
            del kept["annotations"]
        return kept
    return [without_helm(each) for each in value] if isinstance(value, list) else value


def schemas() -> dict[Path, str]:
    """The CRDs as JSON Schema, for kubeconform and editors: as strict as the API server."""
    found = {}
    for file in sorted((ROOT / "crds").glob("*.yaml")):
        spec = yaml.safe_load(file.read_text())["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
            name = f"{spec['names']['kind'].lower()}_{version['name']}.json"
            found[SCHEMAS / name] = json.dumps(schema, indent=2) + "\n"
    return found


def strict(schema: Any) -> Any:
    """Without Kubernetes' own words, and with unknown fields refused, at any depth."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: strict(each) for key, each in schema.items() if not key.startswith("x-kubernetes-")
    }
    if isinstance(kept.get("properties"), dict) and "additionalProperties" not in kept:
        kept["additionalProperties"] = False
    return kept


def files() -> dict[Path, str]:
    """Every file that is made, with what should be in it. Raises Missing without helm."""
    find("helm")
    return {
        CHART / "README.md": readme(),
        GITOPS / "health-checks.yaml": health_checks(),
        **schemas(),
        **deployment(),
    }


def main() -> None:
    """Write them all."""
    try:
        made = files()
    except Missing as error:
        sys.exit(str(error))
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
