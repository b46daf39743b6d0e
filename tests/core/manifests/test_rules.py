from __future__ import annotations

from typing import Any

from pumpjack_core.manifests.problems import Path
from pumpjack_core.manifests.rules import Rules, with_parents


def broken(schema: dict[str, Any], value: Any, *wrong: Path) -> list[tuple[Path, str]]:
    found = Rules(schema).findings(value, with_parents(wrong))
    return [(finding.path, finding.message) for finding in found]


def rule(text: str, **more: str) -> dict[str, Any]:
    return {"x-kubernetes-validations": [{"rule": text, "message": "no", **more}]}


def test_a_rule_is_asked_where_it_stands_at_any_depth() -> None:
    schema = {
        "properties": {
            "tags": {"items": {"properties": {"interval": rule("duration(self) > duration('1s')")}}}
        }
    }
    value = {"tags": [{"interval": "2s"}, {"interval": "500ms"}, {}]}
    assert broken(schema, value) == [(("tags", 1, "interval"), "no")]


def test_field_path_moves_the_place() -> None:
    schema = rule("has(self.a)", fieldPath=".a.b['c.d']")
    assert broken(schema, {}) == [(("a", "b", "c.d"), "no")]


def test_a_rule_about_a_change_is_not_asked_of_a_new_object() -> None:
    assert broken(rule("self.protocol == oldSelf.protocol"), {"protocol": "x"}) == []


def test_a_rule_is_not_asked_about_what_the_schema_refused() -> None:
    schema = rule("self.min < self.max")
    assert broken(schema, {"min": 2.0, "max": "x"}, ("max",)) == []
    assert broken(schema, {"min": 2.0, "max": 1.0}, ("other",)) == [((), "no")]


def test_a_rule_about_members_is_not_asked_of_what_has_none() -> None:
    assert broken(rule("self.min < self.max"), None) == []


def test_rules_of_one_value_are_asked_each_for_itself() -> None:
    schema = {
        "x-kubernetes-validations": [
            {"rule": "self.a < self.b", "message": "rises"},
            {"rule": "self.all(k, k != 'c')", "message": "no c"},
            {"rule": "!has(self.c)", "message": "c is not there"},
        ]
    }
    assert broken(schema, {"a": 1.0, "b": 2.0}) == []
    assert [what for _, what in broken(schema, {"a": 3.0, "b": 2.0, "c": 1.0})] == [
        "rises",
        "no c",
        "c is not there",
    ]
    assert [what for _, what in broken(schema, {"a": 3.0, "b": "x"}, ("b",))] == []


def test_a_rule_that_fails_to_answer_is_a_problem_and_not_a_pass() -> None:
    ((_, message),) = broken(rule("duration(self) > duration('1s')"), "soon")
    assert message.startswith("the rule duration(self) > duration('1s') cannot be asked: ")


def test_whole_numbers_and_fractions_compare_as_numbers() -> None:
    schema = rule("self.min < self.max")
    assert broken(schema, {"min": 9007199254740992.0, "max": 9007199254740994.0}) == []
    assert broken(schema, {"min": -0.0, "max": 0.0}) == [((), "no")]
