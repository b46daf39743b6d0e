"""Manifests from files, folders and standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.check import check
from pumpjack_core.manifests.documents import Document, read_json, read_yaml
from pumpjack_core.manifests.objects import Namespace, ScadaConnection, Secret, TagMapping
from pumpjack_core.manifests.problems import Finding, Path, Problem, path_text
from pumpjack_core.manifests.secrets import without_values

STANDARD_INPUT = "-"
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object stands: its file, its document, and its path in there (within a List)."""

    file: str
    document: Document
    path: Path

    def line(self, path: Path) -> int:
        """Line of a value of the object."""
        return self.document.line((*self.path, *path))

    def as_written(self, path: Path) -> str | None:
        """Text of an unquoted scalar of the object."""
        return self.document.as_written((*self.path, *path))


@dataclass(frozen=True)
class Loaded:
    """What the given files declare.

    connections, mappings,
    namespaces, secrets     the valid objects, in the order of the files
    problems                everything found, in the same order; errors make a file bad
    places                  (kind, "namespace/name") of an object to where it stands
    """

    connections: tuple[ScadaConnection, ...]
    mappings: tuple[TagMapping, ...]
    namespaces: tuple[Namespace, ...]
    secrets: tuple[Secret, ...]
    problems: tuple[Problem, ...]
    places: dict[tuple[str, str], Place] = field(repr=False)

    @property
    def tenants(self) -> dict[str, str]:
        """Namespace to tenant, as the labels of the given Namespace documents say."""
        return {
            namespace.metadata.name: namespace.tenant
            for namespace in self.namespaces
            if namespace.tenant is not None
        }

    @property
    def valid(self) -> bool:
        """Whether nothing found is an error."""
        return not any(problem.severity == "error" for problem in self.problems)


def load_paths(paths: Iterable[str | FilePath]) -> Loaded:
    """Read files, folders (with all below them) and - for standard input.

    What is wrong with a manifest is told in problems. Raises ManifestError when a path cannot be
    read at all, or a folder holds no manifest.
    """
    loader = _Loader()
    for file, text in _texts(paths):
        loader.read(file, text)
    return loader.loaded()


def _texts(paths: Iterable[str | FilePath]) -> Iterator[tuple[str, bytes]]:
    seen: set[FilePath] = set()
    for given in paths:
        if str(given) == STANDARD_INPUT:
            yield STANDARD_INPUT, sys.stdin.buffer.read()
            continue
        for file in _files(FilePath(given)):
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield str(file), _content(file)


def _files(path: FilePath) -> list[FilePath]:
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not found:
        raise ManifestError(f"{path} holds no manifest: no {', '.join(SUFFIXES)} file in it")
    return found


def _content(file: FilePath) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ManifestError(f"cannot read {file}: {error.strerror or error}") from error


class _Loader:
    """Collects objects and problems over several files."""

    def __init__(self) -> None:
        self._connections: list[ScadaConnection] = []
        self._mappings: list[TagMapping] = []
        self._namespaces: list[Namespace] = []
        self._secrets: list[Secret] = []
        self._problems: list[Problem] = []
        self._places: dict[tuple[str, str], Place] = {}

    def loaded(self) -> Loaded:
        return Loaded(
            tuple(self._connections),
            tuple(self._mappings),
            tuple(self._namespaces),
            tuple(self._secrets),
            tuple(self._problems),
            self._places,
        )

    def read(self, file: str, content: bytes) -> None:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self._problems.append(
                Problem("error", file, line, "", "", "this is no UTF-8 text; save it as UTF-8")
            )
            return
        documents = [read_json(text)] if file.endswith(".json") else read_yaml(text)
        for document in documents:
            name = "" if _is_list(document.value) else _object_name(document.value)
            for line, finding in document.findings:
                path = path_text(finding.path)
                message = without_values(finding, document.value)
                problem = Problem(finding.severity, file, line, name, path, message)
                self._problems.append(problem)
            if document.value is not None:
                self._take(document.value, Place(file, document, ()))

    def _take(self, value: Any, place: Place) -> None:
        if _is_list(value):
            for at, item in enumerate(value["items"]):
                self._take(item, Place(place.file, place.document, (*place.path, "items", at)))
            return
        checked = check(value)
        name = _object_name(value)
        for finding in checked.findings:
            self._problems.append(_problem(finding, place, name))
        if checked.object is None or not place.document.sound:
            return
        kind = type(checked.object).__name__
        metadata = checked.object.metadata
        key = (kind, metadata.name if kind == "Namespace" else metadata.id)
        if (first := self._places.get(key)) is not None:
            message = f"is declared twice, first in {first.file}:{first.line(())}; remove one"
            line = place.line(("metadata", "name"))
            self._problems.append(Problem("error", place.file, line, name, "", message))
            return
        self._places[key] = place
        match checked.object:
            case ScadaConnection() as connection:
                self._connections.append(connection)
            case TagMapping() as mapping:
                self._mappings.append(mapping)
            case Namespace() as namespace:
                self._namespaces.append(namespace)
            case Secret() as secret:
                self._secrets.append(secret)


def _problem(finding: Finding, place: Place, name: str) -> Problem:
    message = finding.message
    if finding.quote:
        written = place.as_written(finding.path)
        message += "; quote it" if written is None else f'; quote it: "{written}"'
    line = place.line(finding.path)
    return Problem(finding.severity, place.file, line, name, path_text(finding.path), message)


def _is_list(value: Any) -> bool:
    """kind: List, and the lists that kubectl get -o yaml prints."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("kind"), str)
        and value["kind"].endswith("List")
        and isinstance(value.get("items"), list)
    )


def _object_name(value: Any) -> str:
    """Kind and name (ScadaConnection permian-ops/pad-a), as far as the document tells."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return ""
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return str(value["kind"])
    if value["kind"] == "Namespace":
        return f"Namespace {metadata['name']}"
    return f"{value['kind']} {metadata.get('namespace') or 'default'}/{metadata['name']}"
