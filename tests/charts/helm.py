"""What the chart renders, by the real helm."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane import binaries

Manifest = dict[str, Any]
CHART = Path(__file__).parents[2] / "charts" / "pumpjack"
VALUES = Path(__file__).parent / "values"
NAMESPACE = "pumpjack"
RELEASE = "oil"
LIMIT_S = 60
KUBERNETES = "1.34.0"
"""A helm that is built from its module believes to speak to 1.20."""
INSTALLATIONS = {
    "trying out": CHART / "values-tryout.yaml",
    "trying out with volumes": VALUES / "volumes.yaml",
    "stores of one's own": VALUES / "external.yaml",
    "every switch turned": VALUES / "everything.yaml",
}
"""By what a user would call it; each is checked in every way."""


def helm(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run helm. Skips the test where it was not built."""
    try:
        program = binaries.find("helm")
    except binaries.Missing as error:
        pytest.skip(str(error))
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env={"HOME": "/nonexistent", "HELM_DEBUG": "false"},
    )


@functools.cache
def rendered(*files: Path, release: str = RELEASE) -> tuple[Manifest, ...]:
    """All manifests for these values, later files over earlier ones."""
    done = template(*files, release=release)
    assert done.returncode == 0, done.stderr
    return tuple(one for one in yaml.safe_load_all(done.stdout) if one)


def template(
    *files: Path, more: tuple[str, ...] = (), release: str = RELEASE
) -> subprocess.CompletedProcess[str]:
    """Render, or fail with helm's words."""
    given = [f"--values={file}" for file in files] + [f"--set={one}" for one in more]
    where = (release, CHART, "--namespace", NAMESPACE, "--kube-version", KUBERNETES)
    return helm("template", *where, *given)


def one(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    """The one of this kind whose name ends so."""
    found = [
        each
        for each in manifests
        if each["kind"] == kind and each["metadata"]["name"].endswith(name)
    ]
    assert len(found) == 1, f"{len(found)} {kind} end in {name}"
    return found[0]


def pods(manifests: tuple[Manifest, ...]) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template of everything that runs, with the volumes of its claims."""
    for each in manifests:
        if each["kind"] in ("Deployment", "StatefulSet", "Job"):
            template = each["spec"]["template"]
            claims = [
                {"name": name, "persistentVolumeClaim": {"claimName": name}}
                for claim in each["spec"].get("volumeClaimTemplates", ())
                for name in [claim["metadata"]["name"]]
            ]
            volumes = [*template["spec"].get("volumes", ()), *claims]
            yield (
                each["metadata"]["name"],
                {
                    **template,
                    "spec": {**template["spec"], "volumes": volumes},
                },
            )


def containers(template: Manifest) -> list[Manifest]:
    """Those that start it, too."""
    spec = template["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def environment(template: Manifest) -> dict[str, str]:
    """Of its last container, as the kubelet makes it; each Secret's value is its key's name."""
    found: dict[str, str] = {}
    for entry in containers(template)[-1]["env"]:
        assert entry["name"] not in found, f"{entry['name']} is there twice"
        value = entry.get("value")
        if value is None:
            source = entry["valueFrom"]
            reference = source.get("secretKeyRef")
            value = reference["key"] if reference else source["fieldRef"]["fieldPath"]
        for name, earlier in found.items():
            value = value.replace(f"$({name})", earlier)
        found[entry["name"]] = value
    return found
