"""The live table as a person sees it."""

from __future__ import annotations

import pytest
from rich.console import Console

from pumpjack_cli.watching.screen import age, number, render
from tests.cli.watching.test_model import T0, connected, reading, snapshot, status, table

VALUES = {
    "nothing": (None, "-"),
    "a whole number": (1.0, "1"),
    "a large whole number": (123456.0, "123456"),
    "a pressure": (250.456, "250.5"),
    "a large rate": (12345.678, "12345.7"),
    "a small one": (0.012345, "0.01235"),
    "zero": (0.0, "0"),
    "beyond counting": (1e300, "1e+300"),
}


def screen(*messages, **options) -> str:  # type: ignore[no-untyped-def]
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(render(table(*messages), T0 + 1, **options))
    return capture.get()


@pytest.mark.parametrize(("value", "text"), VALUES.values(), ids=VALUES)
def test_values_are_written_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_ages_are_written_for_people() -> None:
    assert [age(s) for s in (0.26, 61, 7300, 200_000)] == ["0.3 s", "1 min", "2 h", "2 d"]


def test_quality_is_a_shape_and_a_word_without_any_colour() -> None:
    shown = screen(
        connected(),
        snapshot(
            reading("a"),
            reading("b", quality="UNCERTAIN", reason="anomaly"),
            reading("c", None, quality="BAD", reason="comm_failure"),
        ),
    )
    assert "● GOOD" in shown
    assert "▲ UNCERTAIN anomaly" in shown
    assert "✖ BAD comm_failure" in shown


def test_a_stale_connection_and_its_values_are_marked_in_words() -> None:
    shown = screen(connected(), snapshot(reading()), status(stale=True, message="no heartbeat"))
    assert "✖ STALE permian-ops/pad-a" in shown
    assert "no heartbeat" in shown
    assert shown.rstrip().endswith("STALE")


def test_the_first_line_says_that_nothing_is_live_and_why() -> None:
    shown = screen(snapshot(reading()), lost="no gateway answers; trying again")
    assert shown.startswith("✖ not connected  no gateway answers; trying again")
    assert "OFFLINE" in shown


def test_more_tags_than_lines_are_counted_not_dropped_silently() -> None:
    many = [reading(f"tag{n:02}") for n in range(30)]
    assert "… 21 more tags; choose with --well" in screen(connected(), snapshot(*many), height=16)
