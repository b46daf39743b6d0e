"""The CRD files as the API server reads them: kinds, versions, schemas."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from pumpjack_core import resources

Schema = dict[str, Any]
"""One node of an openAPIV3Schema; its shape is Kubernetes', so it stays a dict."""


class Crd(Struct, frozen=True):
    """One CustomResourceDefinition at its one version; schema is that of the whole object."""

    file: Path
    group: str
    version: str
    kind: str
    schema: Schema

    @property
    def api_version(self) -> str:
        """As in a manifest: pumpjack.dev/v1alpha1."""
        return f"{self.group}/{self.version}"


@cache
def load_crds() -> dict[str, Crd]:
    """Every CRD of crds/ by its kind."""
    crds = (_crd(file) for file in sorted(resources.directory("crds").glob("*.yaml")))
    return {crd.kind: crd for crd in crds}


def _crd(file: Path) -> Crd:
    spec = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]
    version = spec["versions"][0]
    return Crd(
        file=file,
        group=spec["group"],
        version=version["name"],
        kind=spec["names"]["kind"],
        schema=msgspec.convert(version["schema"]["openAPIV3Schema"], Schema),
    )
