"""Structural validation as the API server does it: unknown keys, defaults, then the schema.

Order and meaning are those of k8s.io/apiextensions-apiserver v0.34: nulls of fields that cannot
be null count as absent, defaults are filled in, numbers of integral value are integers,
patterns are searched for, x-kubernetes-list-type map makes its keys unique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from pumpjack_core.manifests.crds import Schema
from pumpjack_core.manifests.problems import Finding, Path, did_you_mean, listed, shown

SAME_IN_JSON_SCHEMA = (
    "type",
    "description",
    "enum",
    "format",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
)
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.,]\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_formats = FormatChecker(formats=())


@_formats.checks("date-time")
def is_date_time(value: object) -> bool:
    """Whether it is an RFC 3339 time; what is not text is left to the type check."""
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


class StructuralSchema:
    """A compiled openAPIV3Schema. Compile once, use for every object."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._validator = Draft202012Validator(_translated(schema), format_checker=_formats)
        self._defaults = _Completer(schema)

    def complete(self, value: Any) -> tuple[Any, list[Finding]]:
        """A copy with defaults filled in and unknown keys gone, and the unknown keys."""
        findings: list[Finding] = []
        return self._defaults(value, (), findings), findings

    def findings(self, value: Any) -> list[Finding]:
        """What is wrong with a completed value, in the order of its fields."""
        errors = list(self._validator.iter_errors(value))
        mistyped = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
        found = [
            finding
            for error in errors
            if error.validator == "type" or tuple(error.absolute_path) not in mistyped
            for finding in _explained(error)
        ]
        found += _repeated_list_keys(self.schema, value, ())
        return list(dict.fromkeys(found))


Complete = Callable[[Any, Path, list[Finding]], Any]


class _Completer:
    """Fills in defaults, drops nulls and unknown keys, and makes numbers what CEL expects."""

    def __init__(self, schema: Schema) -> None:
        self.type = schema.get("type")
        below: Schema = schema.get("properties", {})
        self.properties = {key: _Completer(sub) for key, sub in below.items()}
        self.defaults = {key: sub["default"] for key, sub in below.items() if "default" in sub}
        self.items = _Completer(schema["items"]) if "items" in schema else None
        extra = schema.get("additionalProperties")
        self.extra = _Completer(extra) if isinstance(extra, dict) else None
        self.open = self.type == "object" and not self.properties and self.extra is None
        self.nullable = schema.get("nullable", False)

    def __call__(self, value: Any, path: Path, findings: list[Finding]) -> Any:
        if isinstance(value, dict):
            return self._object(value, path, findings) if not self.open else value
        if isinstance(value, list) and self.items is not None:
            return [self.items(item, (*path, at), findings) for at, item in enumerate(value)]
        if isinstance(value, float) and self.type == "integer" and value.is_integer():
            return int(value)
        if type(value) is int and self.type == "number":
            return float(value)
        return value

    def _object(self, value: dict[str, Any], path: Path, findings: list[Finding]) -> dict[str, Any]:
        complete: dict[str, Any] = {}
        for key, item in value.items():
            sub = self.properties.get(key, self.extra)
            if sub is None:
                if self.type == "object":
                    findings.append(_unknown_key(key, list(self.properties), path))
            elif item is not None or sub.nullable:
                complete[key] = sub(item, (*path, key), findings)
        for key, default in self.defaults.items():
            if key not in complete:
                complete[key] = self.properties[key](default, (*path, key), findings)
        return complete


def _unknown_key(key: str, known: list[str], path: Path) -> Finding:
    hint = did_you_mean(key, known) or f"; known here: {', '.join(known)}"
    return Finding((*path, key), f"unknown key{hint}")


def _translated(schema: Schema) -> Schema:
    """The same schema for jsonschema; unknown keys are gone before it is asked."""
    same = {key: schema[key] for key in SAME_IN_JSON_SCHEMA if key in schema}
    if "pattern" in schema:
        # In RE2, $ is the end of the text; in Python it also matches before a final newline.
        same["pattern"] = re.sub(r"(?<!\\)\$$", r"\\Z", schema["pattern"])
        same["x-pattern"] = schema["pattern"]
    if schema.get("nullable"):
        same["type"] = [schema["type"], "null"]
    if "properties" in schema:
        same["properties"] = {key: _translated(sub) for key, sub in schema["properties"].items()}
    if "items" in schema:
        same["items"] = _translated(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        same["additionalProperties"] = _translated(schema["additionalProperties"])
    return same


def _explained(error: ValidationError) -> Iterator[Finding]:
    """A jsonschema error as findings with sentences of ours."""
    path: Path = tuple(error.absolute_path)
    schema: Schema = error.schema  # type: ignore[assignment]
    limit: Any = error.validator_value
    value: Any = error.instance
    if error.validator == "required":
        for name in limit:
            if name not in value:
                about = schema.get("properties", {}).get(name, {}).get("description", "")
                yield Finding((*path, name), f"is missing. {about}".rstrip(". ") + ".")
        return
    quote = error.validator == "type" and limit == "string" and _is_scalar(value)
    yield Finding(path, _sentence(str(error.validator), limit, value, schema), quote=quote)


def _sentence(keyword: str, limit: Any, value: Any, schema: Schema) -> str:
    match keyword:
        case "type":
            text = f"must be {_TYPE_WORDS[limit]}, is {shown(value)}{_type_hint(limit, value)}"
        case "enum":
            near = did_you_mean(value, limit) if isinstance(value, str) else ""
            text = f"must be {listed(limit)}, is {shown(value)}{near}"
        case "minimum" | "maximum":
            text = f"must be at {_BOUNDS[keyword[:3]]} {shown(limit)}, is {shown(value)}"
        case "pattern":
            about = schema.get("description", "")
            text = f"{shown(value)} does not match {schema['x-pattern']}. {about}".rstrip()
        case "format":
            text = f"{shown(value)} is no {limit}; write for example 2026-01-31T06:30:00Z"
        case _:
            bound, word = _BOUNDS[keyword[:3]], _COUNTED[keyword[3:]]
            text = f"must have at {bound} {_plural(limit, word)}, has {len(value)}"
    return text


_BOUNDS = {"min": "least", "max": "most"}
_COUNTED = {"Length": "character", "Items": "item", "Properties": "key"}
_TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _type_hint(wanted: str, value: Any) -> str:
    """The way out for the usual mix-ups of lists, numbers and booleans."""
    if wanted == "array" and not isinstance(value, list):
        return '; write each item on a line that begins with "- "'
    if isinstance(value, str):
        numeric = wanted in ("integer", "number") and re.fullmatch(r"[-+]?\d+(\.\d+)?", value)
        if numeric or (wanted == "boolean" and value.lower() in ("true", "false")):
            return "; remove the quotes"
    return ""


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _repeated_list_keys(schema: Schema, value: Any, path: Path) -> Iterator[Finding]:
    """Items of map-type lists that repeat the key of an earlier one."""
    if isinstance(value, dict):
        for key, sub in schema.get("properties", {}).items():
            if key in value:
                yield from _repeated_list_keys(sub, value[key], (*path, key))
    elif isinstance(value, list) and "items" in schema:
        if schema.get("x-kubernetes-list-type") == "map":
            yield from _repeats(schema["x-kubernetes-list-map-keys"], value, path)
        for at, item in enumerate(value):
            yield from _repeated_list_keys(schema["items"], item, (*path, at))


def _repeats(keys: list[str], items: list[Any], path: Path) -> Iterator[Finding]:
    first: dict[tuple[Any, ...], int] = {}
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        identity = tuple(str(item.get(key)) for key in keys)
        if identity in first:
            what = ", ".join(f"{key} {shown(item.get(key))}" for key in keys)
            yield Finding((*path, at), f"{what} is there already as item [{first[identity]}]")
        else:
            first[identity] = at
