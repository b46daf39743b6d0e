"""The CRDs keep the rules that an API server has for them, and those of this project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import cel
import pytest
import yaml

from pumpjack_core.manifests.crds import Schema, load_crds
from pumpjack_core.manifests.rules import PROVEN_FUNCTIONS
from pumpjack_core.manifests.schema import SAME_IN_JSON_SCHEMA, StructuralSchema

UNDERSTOOD = {
    *SAME_IN_JSON_SCHEMA,
    "pattern",
    "default",
    "properties",
    "items",
    "additionalProperties",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
}
GIVEN_BY_KUBERNETES = {"apiVersion", "kind", "metadata"}
BEYOND_RE2 = re.compile(r"\(\?[=!<]|\(\?P=|\\[1-9ZGX]|\\[dDwWsSbB]|[*+?}][+]")


def nodes() -> Iterator[tuple[str, Schema]]:
    """Every schema of every CRD by its path, without the three fields that Kubernetes defines."""

    def below(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
        yield path, schema
        for key, sub in schema.get("properties", {}).items():
            if path.count(".") or key not in GIVEN_BY_KUBERNETES:
                yield from below(f"{path}.{key}", sub)
        if "items" in schema:
            yield from below(f"{path}[]", schema["items"])
        if "additionalProperties" in schema:
            yield from below(f"{path}{{}}", schema["additionalProperties"])

    for crd in load_crds().values():
        yield from below(crd.kind, crd.schema)


NODES = dict(nodes())
RULES = {
    f"{path}: {rule['rule']}": (schema, rule)
    for path, schema in NODES.items()
    for rule in schema.get("x-kubernetes-validations", ())
}


def test_there_are_both_resources() -> None:
    assert list(load_crds()) == ["ScadaConnection", "TagMapping"]


@pytest.mark.parametrize("crd", load_crds().values(), ids=lambda crd: crd.kind)
def test_names_belong_together(crd: Any) -> None:
    manifest = yaml.safe_load(crd.file.read_text())
    names = manifest["spec"]["names"]
    assert manifest["metadata"]["name"] == f"{names['plural']}.{crd.group}"
    assert crd.file.name == f"{names['plural']}.{crd.group}.yaml"
    assert names["singular"] == crd.kind.lower()
    assert names["listKind"] == f"{crd.kind}List"
    (version,) = manifest["spec"]["versions"]
    assert version["served"]
    assert version["storage"]
    assert version["subresources"] == {"status": {}}


@pytest.mark.parametrize("crd", load_crds().values(), ids=lambda crd: crd.kind)
def test_every_column_shows_a_field_that_exists(crd: Any) -> None:
    manifest = yaml.safe_load(crd.file.read_text())
    for column in manifest["spec"]["versions"][0]["additionalPrinterColumns"]:
        first, second = re.findall(r"\w+", column["jsonPath"])[:2]
        if first != "metadata":
            assert second in crd.schema["properties"][first]["properties"], column


def where(bad: Callable[[Schema], bool]) -> list[str]:
    """Paths of the schemas that break a rule."""
    return [path for path, schema in NODES.items() if bad(schema)]


def test_only_keywords_that_the_offline_validator_understands_are_used() -> None:
    assert where(lambda schema: bool(set(schema) - UNDERSTOOD)) == []


def test_every_field_says_what_it_is_for() -> None:
    silent = where(lambda schema: not schema.get("description", "").endswith("."))
    assert [path for path in silent if not path.endswith("{}")] == []


def test_schemas_are_structural() -> None:
    def loose(schema: Schema) -> bool:
        match schema:
            case {"type": "object"}:
                return ("properties" in schema) == ("additionalProperties" in schema)
            case {"type": "array"}:
                return "items" not in schema
        return schema.get("type") not in ("string", "integer", "number", "boolean")

    assert where(loose) == []


def test_everything_that_can_grow_has_a_limit() -> None:
    def endless(schema: Schema) -> bool:
        match schema:
            case {"type": "string"}:
                return not schema.keys() & {"maxLength", "enum", "format"}
            case {"type": "array"}:
                return "maxItems" not in schema
            case {"additionalProperties": _}:
                return "maxProperties" not in schema
        return False

    assert where(endless) == []


def test_required_fields_and_list_keys_exist() -> None:
    def dangling(schema: Schema) -> bool:
        keys = set(schema.get("x-kubernetes-list-map-keys", ()))
        missing = set(schema.get("required", ())) - set(schema.get("properties", ()))
        return bool(missing) or not keys <= set(schema.get("items", {}).get("required", ()))

    assert where(dangling) == []


def test_defaults_are_valid_themselves() -> None:
    def contradicts(schema: Schema) -> bool:
        if "default" not in schema:
            return False
        structural = StructuralSchema(schema)
        complete, unknown = structural.complete(schema["default"])
        return bool(unknown or structural.findings(complete))

    assert where(contradicts) == []


def test_patterns_mean_the_same_to_kubernetes_and_to_python() -> None:
    def ambiguous(schema: Schema) -> bool:
        pattern = schema.get("pattern", "^$")
        re.compile(pattern)
        inside = re.sub(r"\[.*?\]", "", pattern[1:-1])
        anchored = pattern[0] == "^" and pattern[-1] == "$" and not set("^$") & set(inside)
        return not anchored or BEYOND_RE2.search(pattern) is not None

    assert where(ambiguous) == []


@pytest.mark.parametrize(("schema", "rule"), RULES.values(), ids=list(RULES))
def test_rules_are_ones_that_can_be_asked_offline(schema: Schema, rule: Schema) -> None:
    program = cel.compile(rule["rule"])
    assert set(program.functions()) <= PROVEN_FUNCTIONS
    bound = set(re.findall(r"\.(?:all|exists)\((\w+),", rule["rule"]))
    assert set(program.variables()) <= {"self", "oldSelf", *bound}
    assert set(rule) <= {"rule", "message", "fieldPath"}
    read = re.findall(r"self\.(\w+)", rule["rule"], re.IGNORECASE)
    assert set(read) <= set(schema.get("properties", ()))
    if "fieldPath" in rule:
        assert rule["fieldPath"].removeprefix(".") in schema["properties"]
