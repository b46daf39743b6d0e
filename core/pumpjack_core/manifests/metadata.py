"""Metadata of an object, checked as the API server does (apimachinery, api/validation)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pumpjack_core.manifests.problems import Finding, Path, did_you_mean, shown
from pumpjack_core.manifests.schema import is_date_time

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_CHARACTERS = 63
_SUBDOMAIN_CHARACTERS = 253
_ANNOTATION_BYTES = 256 * 1024

_FIELDS: dict[str, type] = {
    "name": str,
    "generateName": str,
    "namespace": str,
    "selfLink": str,
    "uid": str,
    "resourceVersion": str,
    "generation": int,
    "creationTimestamp": str,
    "deletionTimestamp": str,
    "deletionGracePeriodSeconds": int,
    "labels": dict,
    "annotations": dict,
    "ownerReferences": list,
    "finalizers": list,
    "managedFields": list,
}
_KINDS: dict[type, str] = {str: "text", int: "a whole number", dict: "an object", list: "a list"}


def metadata_findings(metadata: Any, *, namespaced: bool) -> Iterator[Finding]:
    """What is wrong with metadata; a Namespace is not namespaced and has a DNS label for a name."""
    path: Path = ("metadata",)
    if not isinstance(metadata, dict):
        what = "is missing" if metadata is None else f"must be an object, is {shown(metadata)}"
        yield Finding(path, f"{what}; write metadata: {{name: …}}")
        return
    mistyped = list(_type_findings(metadata, path))
    yield from mistyped
    broken = {finding.path[1] for finding in mistyped if len(finding.path) > 1}
    if "name" not in broken:
        yield from _name_findings(metadata, (*path, "name"), namespaced)
    namespace = metadata.get("namespace")
    if namespaced and isinstance(namespace, str) and namespace and not is_dns_label(namespace):
        yield Finding(
            (*path, "namespace"),
            f"{shown(namespace)} is no DNS label: at most 63 lowercase letters, digits and -, "
            "a letter or digit at both ends",
        )
    yield from _map_findings(metadata, path, broken)


def is_dns_label(text: str) -> bool:
    """Whether it is a DNS-1123 label, as names of namespaces must be."""
    return len(text) <= _LABEL_CHARACTERS and _LABEL.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Whether it is a DNS-1123 subdomain, as names of resources must be."""
    return len(text) <= _SUBDOMAIN_CHARACTERS and _SUBDOMAIN.fullmatch(text) is not None


def label_key_problem(key: str) -> str | None:
    """Why a text cannot be the key of a label, None when it can."""
    prefix, slash, name = key.rpartition("/")
    if slash and not is_dns_subdomain(prefix):
        return f"the part before / in {shown(key)} is no DNS name"
    if len(name) > _LABEL_CHARACTERS or not _QUALIFIED.fullmatch(name):
        return (
            f"{shown(key)} is no label key: at most 63 letters, digits, -, _ and ., "
            "a letter or digit at both ends, and a DNS name with / in front if need be"
        )
    return None


def label_value_problem(value: str) -> str | None:
    """Why a text cannot be the value of a label, None when it can."""
    if value and (len(value) > _LABEL_CHARACTERS or not _QUALIFIED.fullmatch(value)):
        return (
            f"{shown(value)} is no label value: at most 63 letters, digits, -, _ and ., "
            "a letter or digit at both ends"
        )
    return None


def _type_findings(metadata: dict[str, Any], path: Path) -> Iterator[Finding]:
    for key, value in metadata.items():
        wanted = _FIELDS.get(key)
        if wanted is None:
            hint = did_you_mean(key, _FIELDS) or "; put keys of your own under annotations"
            yield Finding((*path, key), f"unknown key{hint}")
        elif value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
            quote = wanted is str and not isinstance(value, dict | list)
            message = f"must be {_KINDS[wanted]}, is {shown(value)}"
            yield Finding((*path, key), message, quote=quote)
        elif key.endswith("Timestamp") and value is not None and not is_date_time(value):
            yield Finding(
                (*path, key), f"{shown(value)} is no time; write for example 2026-01-31T06:30:00Z"
            )


def _name_findings(metadata: dict[str, Any], path: Path, namespaced: bool) -> Iterator[Finding]:
    name = metadata.get("name")
    if not name:
        generated = " (generateName works with kubectl create only)"
        yield Finding(
            path, f"is missing; give the object a name{generated * ('generateName' in metadata)}"
        )
    elif namespaced and not is_dns_subdomain(name):
        yield Finding(
            path,
            f"{shown(name)} is no DNS name: at most 253 lowercase letters, digits, - and ., "
            "a letter or digit at both ends of each part",
        )
    elif not namespaced and not is_dns_label(name):
        yield Finding(
            path,
            f"{shown(name)} is no DNS label: at most 63 lowercase letters, digits and -, "
            "a letter or digit at both ends",
        )


def _map_findings(
    metadata: dict[str, Any], path: Path, broken: set[str | int]
) -> Iterator[Finding]:
    for field, check in (("labels", _label_problems), ("annotations", _annotation_problems)):
        entries = metadata.get(field)
        if not entries or field in broken:
            continue
        for key, value in entries.items():
            place = (*path, field, key)
            if value is not None and not isinstance(value, str):  # null counts as ""
                quote = not isinstance(value, dict | list)
                yield Finding(place, f"must be text, is {shown(value)}", quote=quote)
            for problem in check(key, value):
                yield Finding(place, problem)
    size = sum(len(f"{key}{value}".encode()) for key, value in _annotations(metadata, broken))
    if size > _ANNOTATION_BYTES:
        message = f"must have at most {_ANNOTATION_BYTES} bytes, has {size}"
        yield Finding((*path, "annotations"), message)


def _label_problems(key: str, value: Any) -> Iterator[str]:
    if problem := label_key_problem(key):
        yield problem
    if isinstance(value, str) and (problem := label_value_problem(value)):
        yield problem


def _annotation_problems(key: str, _value: Any) -> Iterator[str]:
    if problem := label_key_problem(key.lower()):
        yield problem.replace("label", "annotation")


def _annotations(metadata: dict[str, Any], broken: set[str | int]) -> Iterable[tuple[str, Any]]:
    return () if "annotations" in broken else (metadata.get("annotations") or {}).items()
