"""What a person sees while a local system starts, runs and stops."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text


class Progress:
    """Steps with ticks and times, notes and warnings, and one live line below them.

    On a terminal the step under way and the live line are drawn in place; elsewhere every line
    is printed once, and the live line only when it says something new.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._live: Live | None = None

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step: a spinner while it runs, a tick and its time when it is done."""
        started = time.monotonic()
        step = Step()
        waiting = (
            self.console.status(escape(title)) if self._can_draw() else contextlib.nullcontext()
        )
        try:
            with waiting:
                yield step
        except BaseException:
            self.console.print(f"[red]✖[/] {escape(title)}", soft_wrap=True)
            raise
        took = time.monotonic() - started
        detail = f"  {escape(step.detail)}" if step.detail else ""
        self.console.print(
            f"[green]✓[/] {escape(title)}{detail}  [dim]{took:.1f} s[/]", soft_wrap=True
        )

    def note(self, text: str) -> None:
        """Something went as it should."""
        self.console.print(f"  {escape(text)}", soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something a person should know."""
        self.console.print(f"[yellow]![/] {escape(text)}", soft_wrap=True)

    def line(self, text: str) -> None:
        """Show this as the live line."""
        if not self.console.is_terminal:
            return
        if self._live is None:
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(Text(text, style="dim", overflow="ellipsis", no_wrap=True), refresh=True)

    def end_line(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _can_draw(self) -> bool:
        return self.console.is_terminal and self._live is None


class Step:
    """What a step found out, shown behind its tick."""

    detail = ""
