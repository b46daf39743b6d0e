"""One well of an overview, from readings alone."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from pumpjack_core.wire import Position, Reading
from pumpjack_gateway.overview.rows import TAGS_MAX, Row


def reading(name: str, quality: str = "GOOD", *, second: int = 0, value: float = 1.0) -> Reading:
    reason = None if quality == "GOOD" else "anomaly"
    return Reading(name, value, quality, reason, f"2026-01-31T06:30:{second:02}.000000Z")


def row(*keys: str) -> Row:
    made = Row("pad7-3", 0.0)
    made.show(keys)
    made.settled()
    return made


def change(made: Row) -> dict[str, Any]:
    """What is told of it now."""
    decoded: dict[str, Any] = msgspec.json.decode(made.change(made.settled(), []))
    return decoded


def now(made: Row) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(made.now([]))
    return decoded


def test_only_keys_that_changed_are_told_by_their_place() -> None:
    made = row("a", "b")
    made.take([reading("a"), reading("b"), reading("c")])
    assert set(change(made)["values"]) == {"0", "1"}
    made.take([reading("b", second=1, value=7.0), reading("c", second=1)])
    told = change(made)
    assert told == {
        "wellId": "pad7-3",
        "values": {"1": [7.0, "GOOD", None, "2026-01-31T06:30:01.000000Z"]},
    }


def test_the_same_reading_again_is_no_news() -> None:
    made = row("a")
    made.take([reading("a")])
    made.settled()
    made.take([reading("a")])
    assert made.settled() == 0
    assert not made.has_news


def test_a_tag_that_is_no_key_changes_counts_only_with_its_quality() -> None:
    made = row("a")
    made.take([reading("z", second=0)])
    assert change(made)["counts"] == {"good": 1, "uncertain": 0, "bad": 0}
    made.take([reading("z", second=1, value=9.0)])
    assert made.settled() == 0
    made.take([reading("z", "BAD", second=2)])
    told = change(made)
    assert told["counts"] == {"good": 0, "uncertain": 0, "bad": 1}
    assert told["worst"]["tagName"] == "z"


def test_bad_is_worse_than_uncertain_and_a_key_is_named_before_others() -> None:
    made = row("m", "k")
    made.take([reading("a", "UNCERTAIN")])
    assert now(made)["worst"]["tagName"] == "a"
    made.take([reading("z", "BAD"), reading("b", "BAD")])
    assert now(made)["worst"]["tagName"] == "b"
    made.take([reading("k", "BAD"), reading("m", "BAD")])
    assert now(made)["worst"]["tagName"] == "m"


def test_the_end_of_the_worst_is_told_as_null() -> None:
    made = row("a")
    made.take([reading("a", "BAD")])
    made.settled()
    made.take([reading("a", second=1)])
    assert change(made)["worst"] is None


@pytest.mark.parametrize("quality", ["", "WORSE", "good"])
def test_a_quality_that_nobody_knows_is_not_good(quality: str) -> None:
    made = row()
    made.take([reading("a", quality)])
    assert now(made)["counts"] == {"good": 0, "uncertain": 0, "bad": 1}
    assert now(made)["worst"]["tagName"] == "a"


def test_keys_that_change_are_shown_from_what_is_known() -> None:
    made = row("a")
    made.take([reading("a", value=1.0), reading("b", value=2.0)])
    assert made.show(("b", "a"))
    assert not made.show(("b", "a"))
    assert [value[0] for value in now(made)["values"]] == [2.0, 1.0]


def test_a_snapshot_adds_what_is_newer_and_takes_nothing_away() -> None:
    made = row("a", "b")
    made.take([reading("a", second=5, value=5.0), reading("b", second=5, value=5.0)])
    position = {"ops/a": Position("e", 3)}
    made.take_snapshot([reading("a", second=1, value=1.0)], position)
    assert [value[0] for value in now(made)["values"]] == [5.0, 5.0]
    assert made.positions.current() == position


def test_a_well_has_so_many_tags_and_no_more() -> None:
    made = row()
    made.take(reading(f"t{number}") for number in range(TAGS_MAX + 10))
    assert now(made)["counts"]["good"] == TAGS_MAX


@pytest.mark.parametrize("seed", range(20))
def test_counts_and_worst_are_those_of_the_newest_readings_whatever_came(seed: int) -> None:
    dice = random.Random(seed)
    made = row("t0", "t1")
    newest: dict[str, Reading] = {}
    for _ in range(300):
        name, second = f"t{dice.randrange(6)}", dice.randrange(60)
        if dice.random() < 0.05:
            made.drop_tags([name])
            newest.pop(name, None)
            continue
        one = reading(name, dice.choice(["GOOD", "UNCERTAIN", "BAD"]), second=second)
        made.take([one])
        if name not in newest or one.timestamp >= newest[name].timestamp:
            newest[name] = one
        told = now(made)
        counts = Counter(each.quality.lower() for each in newest.values())
        assert told["counts"] == {level: counts[level] for level in ("good", "uncertain", "bad")}
        suspects = {each.quality for each in newest.values()} - {"GOOD"}
        assert (told["worst"] is None) == (not suspects)
        if suspects:
            assert told["worst"]["quality"] == min(suspects)  # BAD before UNCERTAIN
