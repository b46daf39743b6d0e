from __future__ import annotations

from typing import Any

import pytest

from pumpjack_core.manifests.documents import (
    MOST_DEPTH,
    MOST_VALUES,
    Document,
    read_json,
    read_yaml,
)

MAPPING = """\
# a comment
spec:
  tags:
    - name: a
      range: {min: 0,
              max: 5}
    - name: b
"""


def only(text: str) -> Document:
    (document,) = read_yaml(text)
    return document


def said(text: str) -> list[tuple[int, str]]:
    return [
        (line, finding.message)
        for document in read_yaml(text)
        for line, finding in document.findings
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("spec",), 2),
        (("spec", "tags", 0, "range"), 5),
        (("spec", "tags", 0, "range", "max"), 6),
        (("spec", "tags", 1), 7),
        (("spec", "tags", 1, "name"), 7),
    ],
)
def test_a_path_leads_to_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert only(MAPPING).line(path) == line


@pytest.mark.parametrize("path", [("spec", "tags", 1, "address"), ("spec", "tags", 1, "name", "x")])
def test_what_is_missing_is_at_the_line_of_what_it_is_missing_from(
    path: tuple[str | int, ...],
) -> None:
    assert only(MAPPING).line(path) == 7


def test_what_is_past_the_end_of_a_list_is_at_the_line_of_the_list() -> None:
    assert only(MAPPING).line(("spec", "tags", 9)) == 3


def test_lines_of_a_later_document_count_from_the_top_of_the_file() -> None:
    first, second = read_yaml("a: 1\n---\nb: 1\nc: 2\n")
    assert first.line(("a",)) == 1
    assert second.line(("c",)) == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [1\nb: 2\n", 2, "(column 2)"),
        ("a: b: c\n", 1, "mapping values are not allowed"),
        ("a: *nowhere\n", 1, "found undefined alias"),
        ("a: \x00\n", 1, "this is no YAML: "),
    ],
)
def test_broken_syntax_is_told_with_line_and_column(text: str, line: int, message: str) -> None:
    ((at, what),) = said(text)
    assert at == line
    assert message in what


def test_documents_before_broken_syntax_are_read() -> None:
    first, broken = read_yaml("a: 1\n---\nb: [\n")
    assert first.value == {"a": 1}
    assert first.sound
    assert not broken.sound


def test_a_key_that_is_there_twice_is_told_with_both_lines() -> None:
    assert said("a: 1\nb: 2\na: 3\n") == [
        (3, "the key is there twice, first in line 1; remove one")
    ]


def test_a_merge_brings_what_is_not_there() -> None:
    document = only("base: &base {unit: psi, scale: 2}\ntag: {<<: *base, scale: 3}\n")
    assert document.value["tag"] == {"unit": "psi", "scale": 3}
    assert document.sound


def test_of_several_merged_objects_the_first_wins() -> None:
    document = only("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nc: {<<: [*a, *b]}\n")
    assert document.value["c"] == {"k": 1, "l": 2}


def test_merging_what_is_no_object_is_told() -> None:
    assert said("a: {<<: 5}\n") == [(1, "<< takes an object or a list of them, not 5")]


def test_keys_become_text_as_in_json() -> None:
    assert only("{1: a, 2.5: b, no: c}").value == {"1": "a", "2.5": "b", "false": "c"}


def test_a_key_that_yaml_reads_as_a_boolean_is_warned_of() -> None:
    document = only("labels:\n  on: x\n")
    ((line, finding),) = document.findings
    assert (line, finding.severity) == (2, "warning")
    assert finding.message == 'YAML reads the key on as true; write "on"'
    assert document.sound


@pytest.mark.parametrize("text", ["? [a, b]\n: 1\n", "~: 1\n"])
def test_a_key_that_cannot_be_text_is_told(text: str) -> None:
    assert said(text) == [(1, "a key must be text; quote it")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("!!int '5'", 5),
        ('"5"', "5"),
        ("'no'", "no"),
        ("|-\n  yes", "yes"),
        ("!custom 5", "5"),
    ],
)
def test_quotes_and_tags_decide_the_type(text: str, value: Any) -> None:
    found = only(f"v: {text}\n").value["v"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["!!int five", "!!bool 5", "!!int true", "!!null 0"])
def test_a_tag_that_its_value_contradicts_is_told(text: str) -> None:
    ((_, message),) = said(f"v: {text}\n")
    assert "remove the tag or change the value" in message


@pytest.mark.parametrize("text", [".nan", ".inf", "-.Inf"])
def test_a_number_that_json_cannot_carry_is_told(text: str) -> None:
    ((_, message),) = said(f"v: {text}\n")
    assert message == f"{text} is no number that JSON can carry; write a number"


def test_an_alias_that_contains_itself_is_told() -> None:
    assert said("a: &a [*a]\n") == [
        (1, "an alias contains itself; write the value out"),
    ]


def test_aliases_that_grow_without_end_are_told() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    bomb = "\n".join(["l0: &l0 [x]", *levels]) + "\n"
    ((_, message),) = said(bomb)
    assert message == f"aliases expand to more than {MOST_VALUES:,} values; write them out"


@pytest.mark.parametrize("depth", [MOST_DEPTH + 1, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("- ", ""), ("{a: ", "}")])
def test_values_nested_without_end_are_told(opening: str, closing: str, depth: int) -> None:
    ((_, message),) = said(opening * depth + "x" + closing * depth)
    assert message == f"values are nested more than {MOST_DEPTH} deep; this is no manifest"


def test_aliases_that_nest_without_end_are_told() -> None:
    levels = [f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 200)]
    ((_, message),) = said("\n".join(["l0: &l0 [x]", *levels]) + "\n")
    assert "nested more than" in message


def test_json_nested_without_end_is_told() -> None:
    for depth in (MOST_DEPTH + 1, 200_000):
        ((_, finding),) = read_json('{"a":' * depth + "1" + "}" * depth).findings
        assert "nested more than" in finding.message


def test_only_an_unquoted_scalar_is_told_as_written() -> None:
    document = only("a: no\nb: 'no'\nc: [no]\n")
    assert document.as_written(("a",)) == "no"
    assert document.as_written(("b",)) is None
    assert document.as_written(("c",)) is None
    assert document.as_written(("d",)) is None


def test_json_has_lines_too() -> None:
    document = read_json('{\n  "spec": {\n\t"tags": [1,\n 2]}}')
    assert document.value == {"spec": {"tags": [1, 2]}}
    assert document.line(("spec", "tags", 1)) == 4


def test_a_key_of_json_that_is_there_twice_is_told() -> None:
    document = read_json('{"a": 1,\n "a": 2}')
    assert not document.sound


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{"a": 1,\n}', 2, "column 1"),
        ('{"a": NaN}', 1, "NaN is no JSON number"),
        ("", 1, "this is no JSON"),
    ],
)
def test_broken_json_is_told_with_its_line(text: str, line: int, message: str) -> None:
    ((at, finding),) = read_json(text).findings
    assert at == line
    assert message in finding.message


def test_json_that_is_no_yaml_is_read_without_lines() -> None:
    document = read_json('{"a": "\\ud83d\\ude00",\n "a": 1}')
    assert document.value == {"a": 1}
    assert not document.sound
    assert read_json('{"a": "\\ud83d\\ude00"}').sound
    assert document.line(("a",)) == 1
