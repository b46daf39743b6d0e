"""Paths into JSON: the short way and the library's find the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath import JSONPathEnvironment

from pumpjack_core.errors import AddressError
from pumpjack_worker.adapters.mqtt.paths import MISSING, compile_path

LIBRARY = JSONPathEnvironment(strict=True)
NAMES = st.sampled_from(["a", "b", "c_1", "tubing pressure", "ä", "0", "", "x-y"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
STEPS = st.one_of(
    st.sampled_from([".a", ".b", ".c_1"]),
    NAMES.map(lambda name: f"['{name}']"),
    st.integers(-5, 5).map(lambda at: f"[{at}]"),
)
PLAIN = st.lists(STEPS, max_size=4).map(lambda steps: "$" + "".join(steps))


@given(DOCUMENTS, PLAIN)
def test_a_plain_path_finds_what_the_library_finds(document: Any, text: str) -> None:
    path = compile_path(text)
    assert path.steps is not None
    assert path.is_one
    found = LIBRARY.compile(text).findall(document)
    assert path.all(document) == found
    assert path.one(document) is (found[0] if found else MISSING)


@given(DOCUMENTS, st.sampled_from(["$..a", "$.*", "$[*].b", "$[0,1]", "$[0:2]", "$[?@.a]"]))
def test_any_other_path_is_the_library_s(document: Any, text: str) -> None:
    path = compile_path(text)
    assert path.steps is None
    found = [] if isinstance(document, str) else LIBRARY.compile(text).findall(document)
    assert path.all(document) == found


@pytest.mark.parametrize("text", ["[7]", '{"a": 7}', "["])
def test_json_within_a_text_is_text(text: str) -> None:
    assert compile_path("$.*").all(text) == []


@pytest.mark.parametrize("text", ["$.ä", '$["a"]', "$ .a", "$['\\u0061']", "$.a-b['x']"])
def test_what_is_no_plain_path_is_left_to_the_library(text: str) -> None:
    assert compile_path(text).steps is None


def test_one_member_of_the_outermost_object_is_known_by_its_name() -> None:
    assert [compile_path(text).key for text in ("$.casing", "$.a.b", "$[0]", "$")] == [
        "casing",
        None,
        None,
        None,
    ]


def test_a_path_by_what_stands_beside() -> None:
    document = json.loads('{"wells": [{"id": "w1", "p": 1}, {"id": "w2", "p": 2}]}')
    assert compile_path("$.wells[?@.id=='w2'].p").all(document) == [2]


@pytest.mark.parametrize("text", ["$[?@.p > 1e400]", "$[?@.p == -1e999]"])
def test_a_number_that_is_none_costs_only_its_own_tag(text: str) -> None:
    with pytest.raises(AddressError, match="no JSONPath"):
        compile_path(text)


def test_a_document_without_end_is_told() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(ValueError, match="cannot be followed"):
        compile_path("$..a").all(deep)
