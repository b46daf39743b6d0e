"""Secrets with device credentials, checked as the API server does, and what they may hold.

No message of this file holds a value of a Secret, whatever is wrong with it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from pumpjack_core.credentials import KEYS, MOST_BYTES, SECRET_TYPE
from pumpjack_core.manifests.metadata import metadata_findings
from pumpjack_core.manifests.objects import Metadata, Secret
from pumpjack_core.manifests.problems import Finding, Path, did_you_mean

DEFAULT_TYPE = "Opaque"
_FIELDS = ("apiVersion", "kind", "metadata", "type", "data", "stringData", "immutable")
_VALUES = ("data", "stringData")
_PEM = {"ca.crt": "CERTIFICATE", "tls.crt": "CERTIFICATE", "tls.key": "PRIVATE KEY"}
"""What a PEM file of that key says in its first line."""


def check_secret(document: Mapping[str, Any]) -> tuple[Secret | None, tuple[Finding, ...]]:
    """The Secret, None when it is refused, and what is to be said about it.

    One of another type is kept without its values, so that a connection which names it can be
    told.
    """
    kind = document.get("type") or DEFAULT_TYPE
    metadata = document.get("metadata")
    if kind != SECRET_TYPE:
        return _of_another_type(kind, metadata)
    findings = [*metadata_findings(metadata, namespaced=True), *_field_findings(document)]
    values: dict[str, bytes] = {}
    for field in _VALUES:  # stringData wins, as on the API server
        entries = document.get(field)
        if entries is None:
            continue
        if not isinstance(entries, dict):
            findings.append(Finding((field,), f"must be an object with the keys {_known()}"))
            continue
        for key, value in entries.items():
            found = _value(field, key, value)
            if isinstance(found, Finding):
                findings.append(found)
            else:
                values[key] = found
    if not findings:
        findings += _content_findings(values, document)
    if any(finding.severity == "error" for finding in findings):
        return None, tuple(findings)
    return Secret(Metadata.of(document["metadata"]), kind, values), tuple(findings)


def without_values(finding: Finding, document: Any) -> str:
    """A message about the text of a document; inside of a Secret, one that shows no value."""
    if "the key is there twice" in finding.message:
        return finding.message
    inside = document
    for step in finding.path:
        if isinstance(inside, dict) and inside.get("kind") == "Secret" and step in _VALUES:
            return "cannot be read as it is written; put the value in quotes"
        try:
            inside = inside[step]
        except (KeyError, IndexError, TypeError):
            break
    return finding.message


def _of_another_type(kind: Any, metadata: Any) -> tuple[Secret | None, tuple[Finding, ...]]:
    if not isinstance(kind, str):
        return None, (Finding(("type",), f"must be text; write type: {SECRET_TYPE}"),)
    if near := did_you_mean(kind, (SECRET_TYPE,)):
        return None, (Finding(("type",), f"{kind} is no type of Pumpjack's{near}"),)
    note = (
        f"a Secret of type {kind} is none of Pumpjack's, so it is left alone "
        f"(device credentials are of type {SECRET_TYPE})"
    )
    wrong = any(metadata_findings(metadata, namespaced=True))
    kept = None if wrong else Secret(Metadata.of(metadata), kind, {})
    return kept, (Finding((), note, "note"),)


def _field_findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    for field in document:
        if field not in _FIELDS:
            hint = did_you_mean(field, _FIELDS) or f"; known here: {', '.join(_FIELDS)}"
            yield Finding((field,), f"unknown key{hint}")


def _value(field: str, key: str, value: Any) -> bytes | Finding:
    """The bytes of one entry, or what is wrong with it."""
    path: Path = (field, key)
    if key not in KEYS:
        hint = did_you_mean(key, KEYS) or f"; known are {_known()}"
        return Finding(path, f"unknown key in a Secret of type {SECRET_TYPE}{hint}")
    if not isinstance(value, str):
        return Finding(path, "must be text; put it in quotes")
    if field == "stringData":
        content = value.encode()
    else:
        try:
            content = base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            return Finding(path, "is not base64; encode it, or write it plainly under stringData")
    if len(content) > MOST_BYTES:
        return Finding(path, f"has {len(content)} bytes; {MOST_BYTES} will do")
    return content


def _content_findings(
    values: Mapping[str, bytes], document: Mapping[str, Any]
) -> Iterator[Finding]:
    """What the worker would find wrong at each connect."""
    if ("tls.crt" in values) != ("tls.key" in values):
        here, missing = ("tls.crt", "tls.key") if "tls.crt" in values else ("tls.key", "tls.crt")
        yield Finding(_path_of(here, document), f"{here} needs {missing} beside it")
    for key, content in values.items():
        label = _PEM.get(key)
        if label is not None and b"-----BEGIN " not in content:
            yield Finding(
                _path_of(key, document),
                f"is no PEM text, which begins with -----BEGIN {label}-----",
            )
        elif label is None and not _is_text(content):
            yield Finding(_path_of(key, document), "is no UTF-8 text once decoded")


def _path_of(key: str, document: Mapping[str, Any]) -> Path:
    plain = document.get("stringData")
    return ("stringData" if isinstance(plain, dict) and key in plain else "data", key)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _known() -> str:
    return ", ".join(KEYS)
