"""Names of tags from paths on a device."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from pumpjack_cli.browsing.names import MOST_CHARACTERS, Names, shared_steps
from pumpjack_core.manifests.crds import load_crds

_TAG = load_crds()["TagMapping"].schema["properties"]["spec"]["properties"]["tags"]["items"]
NAME = _TAG["properties"]["name"]


def names(*paths: tuple[str, ...]) -> list[str]:
    giver = Names(shared_steps(paths))
    return [giver.of(path) for path in paths]


def test_what_all_paths_share_is_left_out_and_the_rest_is_kept_as_the_device_calls_it() -> None:
    assert names(
        ("Plant", "Pad7", "Well1", "CasingPressure"), ("Plant", "Pad7", "Well2", "CasingPressure")
    ) == ["Well1.CasingPressure", "Well2.CasingPressure"]


def test_a_single_thing_has_its_own_name() -> None:
    assert names(("Plant", "Pad7", "Casing pressure [psi]")) == ["Casing_pressure_psi"]


def test_names_begin_with_a_letter_and_take_as_much_of_the_path_as_that_needs() -> None:
    assert names(("unit 1", "holding", "40001"), ("unit 1", "holding", "40002")) == [
        "holding.40001",
        "holding.40002",
    ]
    assert names(("1", "2")) == ["tag_1.2"]
    assert names(("°", "—")) == ["tag"]


def test_paths_that_make_the_same_name_are_told_apart() -> None:
    assert names(("a b",), ("a-b",), ("a/b",), ("a_b",), ("a_b_2",)) == [
        "a_b",
        "a-b",
        "a_b_2",
        "a_b_3",
        "a_b_2_2",
    ]


def test_letters_of_other_alphabets_become_plain_ones_where_there_are_any() -> None:
    assert names(("Wärmetauscher", "Öl"), ("Wärmetauscher", "水"), ("x",)) == [
        "Warmetauscher.Ol",
        "Warmetauscher",
        "x",
    ]


def test_a_name_that_is_too_long_keeps_its_end() -> None:
    (name, other) = names(("a" * 200, "CasingPressure"), ("a" * 200 + "b", "CasingPressure"))
    assert len(name) == MOST_CHARACTERS
    assert name.endswith(".CasingPressure")
    assert other != name


def test_many_equal_names_take_no_endless_time() -> None:
    giver = Names(0)
    given_names = [giver.of(("Value",)) for _ in range(100_000)]
    assert given_names[-1] == "Value_100000"
    assert len(set(given_names)) == len(given_names)


@given(st.lists(st.lists(st.text(), min_size=1, max_size=4).map(tuple), max_size=30))
@example([("a_2",), ("a",), ("a",), ("a",)])
def test_every_name_is_one_that_a_mapping_may_have_and_unique(
    paths: list[tuple[str, ...]],
) -> None:
    found = names(*paths)
    assert len(set(found)) == len(found)
    for name in found:
        assert re.fullmatch(NAME["pattern"], name)
        assert len(name) <= NAME["maxLength"]
