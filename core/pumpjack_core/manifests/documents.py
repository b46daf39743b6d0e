"""YAML and JSON text as plain values that still know their lines.

A document keeps its YAML nodes and looks a line up only when a problem needs one. Values are
those that Kubernetes would see (scalars.py). Duplicate keys are problems, as with kubectl's
strict validation and the API server's fieldValidation=Strict.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct
from yaml._yaml import CParser

from pumpjack_core.manifests import scalars
from pumpjack_core.manifests.problems import Finding, Path, Severity, shown

MOST_VALUES = 1_000_000
"""Values in one document after aliases are expanded; more is an attack or a mistake."""

MOST_DEPTH = 100
"""Values inside of one another; no manifest comes near it, and parsers recurse."""
_TOO_DEEP = f"values are nested more than {MOST_DEPTH} deep; this is no manifest"

_PLAIN_TAG = "plain"
_MERGE_KEY = "<<"


class Document(Struct, frozen=True):
    """One YAML document or one JSON file.

    value     dicts, lists, str, int, float, bool, None
    findings  problems of the text itself: syntax, duplicate keys
    """

    value: Any
    findings: tuple[tuple[int, Finding], ...]
    root: yaml.Node | None

    @property
    def sound(self) -> bool:
        """Whether the text itself has no error."""
        return not any(finding.severity == "error" for _, finding in self.findings)

    def line(self, path: Path) -> int:
        """Line, from 1, of the value at path, or of the nearest value around it."""
        node, line = self.root, self.root.start_mark.line if self.root is not None else 0
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        return line + 1

    def as_written(self, path: Path) -> str | None:
        """Text of a plain scalar at path, None for anything else."""
        node = self.root
        for step in path:
            found = _child(node, step)
            if found is None:
                return None
            node = found[1]
        plain = isinstance(node, yaml.ScalarNode) and node.tag == _PLAIN_TAG
        return str(node.value) if plain and node is not None else None


def read_yaml(text: str) -> Iterator[Document]:
    """Documents of a YAML text; the last one tells where its syntax is wrong, if it is."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            root = loader.get_node()
            if root is not None:
                yield _document(root)
    except _TooMuch as error:
        yield _unreadable(1, str(error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = ", ".join(part for part in (error.context, error.problem) if part)
        yield _unreadable(line, f"this is no YAML: {what} (column {column})")
    except yaml.reader.ReaderError as error:
        yield _unreadable(1, f"this is no YAML: character {error.position}: {error.reason}")


def read_json(text: str) -> Document:
    """The document of a JSON text."""
    try:
        value, repeated = _json_value(text)
    except json.JSONDecodeError as error:
        return _unreadable(error.lineno, f"this is no JSON: {error.msg} (column {error.colno})")
    except ValueError as error:
        return _unreadable(1, f"this is no JSON: {error}")
    except RecursionError:
        return _unreadable(1, _TOO_DEEP)
    as_yaml = next(read_yaml(text), None)
    if as_yaml is None or as_yaml.root is None:
        # Some JSON is no YAML; then there are no lines, but the value is good.
        too_deep = as_yaml is not None and as_yaml.findings[0][1].message == _TOO_DEEP
        return _unreadable(1, _TOO_DEEP) if too_deep else Document(value, repeated, None)
    return Document(value, as_yaml.findings, as_yaml.root)


def _json_value(text: str) -> tuple[Any, tuple[tuple[int, Finding], ...]]:
    repeated: list[tuple[int, Finding]] = []

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            repeated.append((1, Finding((), f'the key "{twice}" is there twice; remove one')))
        return value

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON number")

    value = json.loads(text, object_pairs_hook=object_of, parse_constant=refuse)
    return value, tuple(repeated)


def _unreadable(line: int, message: str) -> Document:
    return Document(None, ((line, Finding((), message)),), None)


class _ImplicitTags:
    """In place of PyYAML's resolver: plain scalars keep a mark, scalars.py decides later."""

    def resolve(self, kind: type[yaml.Node], _value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN_TAG if implicit[0] else scalars.STR_TAG
        return "container"

    def descend_resolver(self, _parent: Any, _index: Any) -> None:
        """Path resolvers are not used."""

    def ascend_resolver(self) -> None:
        """Path resolvers are not used."""


class _Loader(CParser):
    """Composes nodes; plain scalars keep a mark, scalars.py decides what they mean."""

    def resolve(self, kind: type[yaml.Node], _value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN_TAG if implicit[0] else scalars.STR_TAG
        return "container"

    _depth = 0

    def descend_resolver(self, _parent: Any, _index: Any) -> None:
        """Called before each node: the parser's own recursion would end in a crash."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _TooMuch(_TOO_DEEP)

    def ascend_resolver(self) -> None:
        """Called after each node."""
        self._depth -= 1


def _document(root: yaml.Node) -> Document:
    builder = _Builder()
    try:
        value = builder.value(root, ())
    except _TooMuch as error:
        return _unreadable(root.start_mark.line + 1, str(error))
    return Document(value, tuple(builder.findings), root)


class _TooMuch(Exception):
    """The document is larger or deeper than any manifest."""


class _Builder:
    """Makes values of nodes and collects what is wrong with them."""

    def __init__(self) -> None:
        self.findings: list[tuple[int, Finding]] = []
        self._left = MOST_VALUES
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _TooMuch(f"aliases expand to more than {MOST_VALUES:,} values; write them out")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if len(self._open) > MOST_DEPTH:
            raise _TooMuch(_TOO_DEEP)
        if id(node) in self._open:
            raise _TooMuch("an alias contains itself; write the value out")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        if node.tag == scalars.STR_TAG:
            return node.value
        try:
            if node.tag == _PLAIN_TAG:
                value = scalars.resolve(node.value)
            else:
                value = scalars.resolve_tagged(node.value, node.tag)
        except ValueError as error:
            self._say(node, path, f"{error}; remove the tag or change the value")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self._say(node, path, f"{node.value} is no number that JSON can carry; write a number")
            return None
        return value

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN_TAG and key_node.value == _MERGE_KEY:
                merged = {**self._merge(value_node, path), **merged}
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in own:
                first = next(k for k, _ in node.value if _key_text(k) == key)
                self._say(
                    key_node,
                    (*path, key),
                    f"the key is there twice, first in line {first.start_mark.line + 1}; "
                    "remove one",
                )
            own[key] = self.value(value_node, (*path, key))
        return {**merged, **own} if merged else own

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        key = _key_text(node)
        if key is None:
            self._say(node, path, "a key must be text; quote it")
        elif node.tag == _PLAIN_TAG and key != node.value and key in ("true", "false"):
            message = f'YAML reads the key {node.value} as {key}; write "{node.value}"'
            self._say(node, (*path, key), message, "warning")
        return key

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            value = self.value(source, path)
            if not isinstance(value, dict):
                self._say(node, path, f"<< takes an object or a list of them, not {shown(value)}")
                continue
            for key, item in value.items():
                merged.setdefault(key, item)
        return merged

    def _say(self, node: yaml.Node, path: Path, message: str, severity: Severity = "error") -> None:
        self.findings.append((node.start_mark.line + 1, Finding(path, message, severity)))


def _key_text(node: yaml.Node) -> str | None:
    """A key as JSON has it, None when it cannot be one."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    if node.tag == scalars.STR_TAG:
        return str(node.value)
    match scalars.resolve(node.value):
        case bool() as word:
            return "true" if word else "false"
        case None:
            return None
        case float() as number:
            return f"{number:g}"
        case other:
            return str(other)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The node that marks the place of a step (its key, or the item) and the node of its value."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return (node.value[step], node.value[step]) if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if _key_text(key) == step:
                return key, value
    return None
