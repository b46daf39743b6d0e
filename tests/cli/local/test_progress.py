"""What a person sees while it starts."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pumpjack_cli.local.progress import Progress


def seen(*, terminal: bool) -> tuple[Progress, io.StringIO]:
    text = io.StringIO()
    console = Console(
        file=text, force_terminal=terminal, width=40, color_system=None, highlight=False
    )
    return Progress(console), text


def test_a_step_is_ticked_with_what_it_found_and_its_time() -> None:
    progress, text = seen(terminal=False)
    with progress.step("tenants") as step:
        step.detail = "bakken, permian"
    assert text.getvalue().startswith("✓ tenants  bakken, permian  0.")


def test_a_step_that_fails_is_crossed_out() -> None:
    progress, text = seen(terminal=False)
    with pytest.raises(RuntimeError), progress.step("gateway"):
        raise RuntimeError
    assert text.getvalue() == "✖ gateway\n"


def test_brackets_in_a_message_are_no_markup() -> None:
    progress, text = seen(terminal=False)
    progress.warn("spec.tags[3].range is [red]wrong[/]")
    assert text.getvalue() == "! spec.tags[3].range is [red]wrong[/]\n"


def test_lines_longer_than_the_terminal_are_not_cut() -> None:
    progress, text = seen(terminal=False)
    progress.note("x" * 100)
    assert "x" * 100 in text.getvalue()


def test_the_live_line_is_drawn_on_a_terminal_only() -> None:
    progress, text = seen(terminal=False)
    progress.line("2 connected")
    progress.end_line()
    assert text.getvalue() == ""
    progress, text = seen(terminal=True)
    progress.line("2 connected")
    progress.warn("a worker was restarted")
    progress.end_line()
    assert "2 connected" in text.getvalue()
    assert "a worker was restarted" in text.getvalue()
