"""values.schema.json: every value is described, and no key is taken that nobody reads."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from jsonschema import Draft7Validator

from pumpjack_gateway.settings import Settings
from tests.charts.helm import CHART, INSTALLATIONS

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
VALIDATOR = Draft7Validator(SCHEMA)
SET_BY_OTHER_VALUES = {
    "database_url",
    "redis_url",
    "rest_address",
    "ws_address",
    "jwt_issuers",
    "jwt_secret",
    "origins",
    "screens",
    "screens_dir",  # of the image
    "web_socket_url",
    "oidc_issuer",
    "oidc_client_id",
    "oidc_scopes",
    "oidc_origins",
    "token_sign_in",
    "templates_dir",
    "cursor_secret",
    "webhooks",
    "tls_cert_file",
    "tls_key_file",
    "log_level",
}


def problems(values: dict[str, Any]) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(values)]


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """As helm merges values."""
    found: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(found.get(key), dict)
            found[key] = merged(found[key], value) if both else value
    return found


def objects(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object, with where it is."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield place, schema
        for key, value in schema.items():
            yield from objects(value, f"{place}/{key}")
    elif isinstance(schema, list):
        for at, value in enumerate(schema):
            yield from objects(value, f"{place}/{at}")


def test_the_schema_is_one():
    Draft7Validator.check_schema(SCHEMA)


def test_the_defaults_are_valid():
    assert problems(DEFAULTS) == []


@pytest.mark.parametrize("file", INSTALLATIONS.values(), ids=list(INSTALLATIONS))
def test_the_values_of_every_installation_are_valid(file: Path):
    assert problems(merged(DEFAULTS, yaml.safe_load(file.read_text()))) == []


def test_no_object_takes_an_unknown_key():
    for place, schema in objects(SCHEMA):
        if place != "/properties/global":  # helm's own
            assert "additionalProperties" in schema, place
            assert schema["additionalProperties"] is not True, place


def test_everything_is_described():
    for place, schema in objects(SCHEMA):
        assert schema.get("description"), place
        for name, each in schema.get("properties", {}).items():
            assert each.get("description") or "settings" in place, f"{place}/{name}"


def levels(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every mapping in the values that has keys of the chart's own."""
    if isinstance(values, dict) and values:
        yield path
        for key, value in values.items():
            yield from levels(value, (*path, key))


def is_ours(path: tuple[str, ...]) -> bool:
    """Not a mapping whose keys are the user's, or the cluster's."""
    return path[-1:] not in (("labels",), ("requests",), ("limits",))


@pytest.mark.parametrize("path", list(filter(is_ours, levels(DEFAULTS))), ids="/".join)
def test_a_misspelt_key_is_refused_at_every_level(path: tuple[str, ...]):
    values = copy.deepcopy(DEFAULTS)
    at = values
    for step in path:
        at = at[step]
    at["misspelt"] = {}
    assert any("misspelt" in problem for problem in problems(values))


def test_the_defaults_and_the_schema_name_the_same_values():
    def keys(values: Any, schema: dict[str, Any], place: str = "") -> None:
        schema = resolved(schema)
        if not isinstance(values, dict) or "properties" not in schema or not values:
            return
        missing = set(schema["properties"]) - set(values) - {"global"}
        assert not missing, f"values.yaml lacks {missing} of {place or 'the top'}"
        for key, value in values.items():
            keys(value, schema["properties"][key], f"{place}/{key}")

    keys(DEFAULTS, SCHEMA)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The definition that a schema refers to; optional members of it need no default."""
    if "$ref" not in schema:
        return schema
    return {"definition": schema["$ref"]}


def test_the_gateway_settings_are_those_of_the_gateway():
    def camel(name: str) -> str:
        head, *tail = name.split("_")
        return head + "".join(part.capitalize() for part in tail)

    known = {camel(name) for name in get_type_hints(Settings) if name not in SET_BY_OTHER_VALUES}
    given = SCHEMA["properties"]["gateway"]["properties"]["settings"]["properties"]
    assert set(given) == known
