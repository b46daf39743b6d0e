"""CRDs that others wrote and the chart makes objects of, from the Go modules that hold them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from tests.controlplane.binaries import CACHE, Missing

DOWNLOAD_LIMIT_S = 300
MODULES = {
    "sigs.k8s.io/gateway-api@v1.3.0": (
        "h1:q6okN+/UKDATola4JY7zXzx40WO4VISk7i9DIfOvr9M=",
        ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
    ),
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": (
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        (
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ),
    ),
}
"""Module to what its contents must hash to, and the files of it that are wanted."""


def find() -> tuple[Path, ...]:
    """The files, downloaded before. Raises Missing."""
    place = _place()
    if not place.is_dir():
        raise Missing(
            "peer-missing: foreign CRDs; `python -m tests.controlplane.binaries` gets them"
        )
    return tuple(sorted(place.glob("*.yaml")))


def fetch() -> None:
    """Download them where they are missing. Raises Missing without Go, or when it fails."""
    place = _place()
    if place.is_dir():
        return
    go = shutil.which("go")
    if go is None:
        raise Missing("foreign CRDs need Go to be downloaded")
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.mkdir(parents=True)
    for module, (wanted, files) in MODULES.items():
        folder = _download(go, module, wanted)
        for file in files:
            shutil.copy(folder / file, part)
    try:
        part.rename(place)
    except OSError:  # another run was faster
        shutil.rmtree(part, ignore_errors=True)


def _download(go: str, module: str, wanted: str) -> Path:
    done = subprocess.run(
        [go, "mod", "download", "-json", module],
        cwd="/",
        env={**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise Missing(f"{module} cannot be downloaded: {done.stderr[-500:]}{done.stdout[-500:]}")
    told = json.loads(done.stdout)
    if told["Sum"] != wanted:
        raise Missing(f"{module} is not what it was: {told['Sum']}")
    return Path(told["Dir"])


def _place() -> Path:
    digest = hashlib.sha256(json.dumps(MODULES, sort_keys=True).encode()).hexdigest()[:12]
    return CACHE / f"foreign-crds-{digest}"
