"""The page of all fields of both resources, docs/manifest-fields.md, from crds/."""

from __future__ import annotations

from collections.abc import Iterator

from pumpjack_core.manifests.crds import Schema, load_crds

HEAD = """\
<!-- Generated from crds/ by make types; do not edit. -->
# Fields of the resources

How they work together is told in [manifests.md](manifests.md). On a cluster,
`kubectl explain scadaconnection.spec` shows the same.
"""
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
}


def markdown() -> str:
    """The whole page."""
    parts = [HEAD]
    for crd in load_crds().values():
        parts.append(f"## {crd.kind}\n\n`apiVersion: {crd.api_version}`\n")
        parts.append(f"{crd.schema['description']}\n")
        rows = ["| field | value | when not set | |", "| --- | --- | --- | --- |"]
        for part in ("spec", "status"):
            rows += _rows(crd.schema["properties"][part], part)
        parts.append("\n".join(rows) + "\n")
        parts.append("Rules beyond types and limits:\n")
        parts.append("".join(f"- {line}\n" for line in dict.fromkeys(_rules(crd.schema, ""))))
    return "\n".join(parts)


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = schema.get("required", ())
    for key, sub in schema.get("properties", {}).items():
        place = f"{path}.{key}"
        unset = _unset(sub, key in required)
        text = sub["description"].replace("|", "\\|")
        yield f"| `{place}` | {_kind(sub)} | {unset} | {text} |"
        yield from _rows(sub, place)
        yield from _rows(sub.get("items", {}), f"{place}[]")


def _unset(schema: Schema, required: bool) -> str:
    default = schema.get("default")
    if default is None:
        return "**required**" if required else ""
    if default == {}:
        return "as below"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _kind(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = _KINDS[schema["type"]]
    if "additionalProperties" in schema:
        kind = "texts by name"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {low} to {high}"
    if low is not None:
        return f"{kind}, {low} or more"
    return kind


def _rules(schema: Schema, path: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"`{path}`: {rule['message']}"
    for key, sub in schema.get("properties", {}).items():
        yield from _rules(sub, f"{path}.{key}" if path else key)
    if "items" in schema:
        yield from _rules(schema["items"], f"{path}[]")
