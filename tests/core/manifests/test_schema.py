from __future__ import annotations

from typing import Any

import pytest

from pumpjack_core.manifests.schema import StructuralSchema, is_date_time

CLOCK = {
    "type": "object",
    "default": {},
    "properties": {
        "source": {"type": "string", "default": "device"},
        "maxAge": {"type": "string"},
    },
}


def complete(value: Any, **properties: Any) -> Any:
    done, unknown = StructuralSchema({"type": "object", "properties": properties}).complete(value)
    assert unknown == []
    return done


def test_defaults_are_filled_in_also_inside_of_defaults() -> None:
    assert complete({}, clock=CLOCK) == {"clock": {"source": "device"}}
    assert complete({"clock": {"maxAge": "1h"}}, clock=CLOCK) == {
        "clock": {"maxAge": "1h", "source": "device"}
    }


def test_filling_in_leaves_the_original_and_the_schema_alone() -> None:
    original: dict[str, Any] = {"clock": {}}
    first = complete(original, clock=CLOCK)
    first["clock"]["source"] = "changed"
    assert original == {"clock": {}}
    assert complete({}, clock=CLOCK) == {"clock": {"source": "device"}}


def test_null_counts_as_absent_where_it_is_not_allowed() -> None:
    assert complete({"clock": None, "unit": None}, clock=CLOCK, unit={"type": "string"}) == {
        "clock": {"source": "device"}
    }
    assert complete({"unit": None}, unit={"type": "string", "nullable": True}) == {"unit": None}


def test_a_field_that_may_be_null_passes_as_null() -> None:
    schema = StructuralSchema({"type": "string", "nullable": True, "maxLength": 2})
    assert schema.findings(None) == []
    assert [found.message for found in schema.findings("abc")] == [
        "must have at most 2 characters, has 3"
    ]


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [("integer", 5.0, 5), ("integer", 5.5, 5.5), ("number", 5, 5.0), ("number", True, True)],
)
def test_numbers_become_what_rules_compare(kind: str, given: Any, value: Any) -> None:
    done = complete({"n": given}, n={"type": kind})["n"]
    assert done == value
    assert type(done) is type(value)


def test_one_value_of_the_wrong_type_is_one_finding() -> None:
    schema = StructuralSchema({"type": "string", "enum": ["a"], "pattern": "^a$"})
    assert [found.message for found in schema.findings(5)] == ["must be text, is 5"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026-01-31T06:30:00Z", True),
        ("2026-01-31t06:30:00.123456+05:30", True),
        ("2026-01-31", False),
        ("2026-01-31T25:00:00Z", False),
        ("2026-01-31T06:30:00", False),
    ],
)
def test_times_are_those_of_rfc_3339(text: str, is_one: bool) -> None:
    assert is_date_time(text) is is_one
    found = StructuralSchema({"type": "string", "format": "date-time"}).findings(text)
    assert (found == []) is is_one
