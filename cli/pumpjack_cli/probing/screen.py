"""The result of a look at a connection, as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.markup import escape

from pumpjack_cli.output import plain
from pumpjack_cli.probing.result import Result, State, StepResult, TagResult

READ = "read"
VALUES_SHOWN = 5
TROUBLE_SHOWN = 20
_WORDS: dict[State, str] = {
    "good": "good",
    "not-good": "not good",
    "rejected": "rejected",
    "quarantined": "quarantined",
    "missing": "without a reading",
}


def lines(result: Result) -> Iterator[str]:
    """Lines with markup."""
    where = escape(plain(f"{result.protocol} {result.endpoint}"))
    yield f"[bold]{escape(result.connection_id)}[/]  {where}"
    for step in result.steps:
        yield _step(step)
    if result.tags and any(step.step == READ for step in result.steps):
        counts = Counter(tag.state for tag in result.tags)
        told = ", ".join(
            f"{counts[state]} {word}" for state, word in _WORDS.items() if counts[state]
        )
        yield f"  tags: {told}"
        yield from _tags([tag for tag in result.tags if tag.state == "good"], VALUES_SHOWN)
        yield from _tags([tag for tag in result.tags if tag.state != "good"], TROUBLE_SHOWN)
    for note in result.notes:
        yield f"  [yellow]![/] {escape(plain(note))}"
    mark = "[green]✓[/]" if result.ok else "[red]✗[/]"
    yield f"{mark} {escape(result.connection_id)}: {escape(plain(result.message))}"


def _step(step: StepResult) -> str:
    mark = "[green]✓[/]" if step.ok else "[red]✗[/]"
    return f"  {mark} {step.step:<9} {step.ms:>7.0f} ms"


def _tags(tags: list[TagResult], shown: int) -> Iterator[str]:
    for tag in tags[:shown]:
        yield "    " + escape(plain(_tag(tag)))
    if len(tags) > shown:
        yield f"    … and {len(tags) - shown} more"


def _tag(tag: TagResult) -> str:
    if tag.state == "missing":
        return f"{tag.well_id} {tag.tag}: nothing came ({tag.address})"
    if tag.state in ("rejected", "quarantined"):
        return f"{tag.well_id} {tag.tag}: {tag.state}: {tag.reason}"
    value = "no value" if tag.value is None else f"{tag.value:.6g} {tag.unit}".rstrip()
    quality = "" if tag.state == "good" else f"  {tag.quality} {tag.reason}".rstrip()
    return f"{tag.well_id} {tag.tag} = {value}{quality}"
