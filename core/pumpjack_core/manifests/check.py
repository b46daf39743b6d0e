"""The verdict on one object: what the API server would say to it on creation, offline."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from pumpjack_core.manifests.crds import load_crds
from pumpjack_core.manifests.metadata import metadata_findings
from pumpjack_core.manifests.object_size import size_finding
from pumpjack_core.manifests.objects import (
    Metadata,
    Namespace,
    ScadaConnection,
    Secret,
    TagMapping,
)
from pumpjack_core.manifests.problems import Finding, did_you_mean, shown
from pumpjack_core.manifests.rules import Rules, with_parents
from pumpjack_core.manifests.schema import StructuralSchema
from pumpjack_core.manifests.secrets import check_secret
from pumpjack_core.manifests.types import ScadaConnectionSpec, TagMappingSpec

Object = ScadaConnection | TagMapping | Namespace | Secret


class Checked(Struct, frozen=True):
    """A document after the check. object is None when it is refused, or none of Pumpjack's."""

    object: Object | None
    findings: tuple[Finding, ...]


class Validator:
    """Schema and rules of one kind, compiled."""

    def __init__(self, kind: str) -> None:
        schema = load_crds()[kind].schema
        self._schema = StructuralSchema(schema)
        self._rules = Rules(schema)

    def check(self, document: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        """The document with its defaults, and what is wrong with all of it but its metadata."""
        complete, unknown = self._schema.complete(document)
        complete.pop("status", None)  # the API server clears it on creation
        wrong = self._schema.findings(complete)
        broken = with_parents(finding.path for finding in wrong)
        return complete, [*unknown, *wrong, *self._rules.findings(complete, broken)]


@cache
def validator(kind: str) -> Validator:
    """The validator of a kind; compiling takes milliseconds, so it is done once."""
    return Validator(kind)


def check(document: Any) -> Checked:
    """Judge one document, as parsed from YAML or JSON or as the API server gave it."""
    if not isinstance(document, dict):
        what = f"a document must be an object with apiVersion and kind, is {shown(document)}"
        return Checked(None, (Finding((), what),))
    if (finding := _identity_finding(document)) is not None:
        return Checked(None, (finding,))
    metadata = document.get("metadata")
    match document["kind"]:
        case "Namespace":
            findings = tuple(metadata_findings(metadata, namespaced=False))
            return Checked(
                None if _refused(findings) else Namespace(Metadata.of(document["metadata"])),
                findings,
            )
        case "ScadaConnection" | "TagMapping" as kind:
            complete, found = validator(kind).check(document)
            return _judged(kind, complete, (*metadata_findings(metadata, namespaced=True), *found))
        case "Secret" if document["apiVersion"] == "v1":
            return Checked(*check_secret(document))
        case kind:
            note = f"kind {kind} is none of Pumpjack's, so it is left alone"
            return Checked(None, (Finding((), note, "note"),))


def _judged(kind: str, complete: dict[str, Any], findings: tuple[Finding, ...]) -> Checked:
    """One of our own kinds, with its defaults."""
    if _refused(findings):
        return Checked(None, findings)
    large = size_finding(complete) if kind == "TagMapping" else None
    return Checked(_typed(kind, complete), findings if large is None else (*findings, large))


def _refused(findings: tuple[Finding, ...]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _typed(kind: str, complete: dict[str, Any]) -> ScadaConnection | TagMapping:
    metadata = Metadata.of(complete["metadata"])
    if kind == "ScadaConnection":
        return ScadaConnection(metadata, msgspec.convert(complete["spec"], ScadaConnectionSpec))
    return TagMapping(metadata, msgspec.convert(complete["spec"], TagMappingSpec))


def _identity_finding(document: dict[str, Any]) -> Finding | None:
    """What is wrong with apiVersion and kind, or the note that the kind is not ours."""
    for key, example in (("kind", "ScadaConnection"), ("apiVersion", "pumpjack.dev/v1alpha1")):
        value = document.get(key)
        if not isinstance(value, str) or not value:
            what = "is missing" if value in (None, "") else f"must be text, is {shown(value)}"
            return Finding((key,), f"{what}; write for example {key}: {example}")
    kind, api_version = document["kind"], document["apiVersion"]
    crds = load_crds()
    crd = crds.get(kind)
    if crd is not None:
        if api_version == crd.api_version:
            return None
        return Finding(("apiVersion",), f"{kind} is of {crd.api_version}, not {shown(api_version)}")
    group = next(iter(crds.values())).group
    near = did_you_mean(kind, crds)
    if api_version.partition("/")[0] == group:
        known = near or f"; known are {' and '.join(crds)}"
        return Finding(("kind",), f"there is no {shown(kind)} in {group}{known}")
    if kind == "Namespace" and api_version != "v1":
        return Finding(("apiVersion",), f"Namespace is of v1, not {shown(api_version)}")
    return None
