"""`pumpjack validate`: the API server's verdict on manifests, without an API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption
from pumpjack_core.errors import ManifestError

if TYPE_CHECKING:
    from pumpjack_cli.verdict import Verdict
    from pumpjack_core.manifests.problems import Problem, Severity

EXAMPLE = """
pumpjack validate examples/oilfield
kubectl get scada,tagmap -A -o yaml | pumpjack validate - --output json
"""

UNREADABLE = 2
_COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "bright_black"}


def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER…",
            help="YAML or JSON files, folders with all below them, - for standard input.",
        ),
    ],
    *,
    output: OutputOption = Output.text,
) -> None:
    """Check manifests as the API server would, and show which tags would be read.

    Each problem names the file and line, the object, the field and the way out. Beyond what the
    API server checks, mappings are applied to the connections of the same files: tags that would
    be rejected (an address that cannot be read, a label that is missing, a second claim on the
    same tag of a well) are errors here.

    Exit codes: 0 valid (there may be warnings), 1 something is wrong, 2 a file cannot be read.
    """
    import msgspec

    from pumpjack_cli.verdict import judge
    from pumpjack_core.manifests.load import load_paths

    try:
        loaded = load_paths(files)
    except ManifestError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(UNREADABLE) from error
    verdict = judge(loaded)
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(verdict)).decode())
    else:
        _print_text(verdict)
    raise typer.Exit(0 if verdict.valid else 1)


def _print_text(verdict: Verdict) -> None:
    for problem in verdict.problems:
        _print_problem(problem)
    if verdict.problems and verdict.connections:
        typer.echo()
    if verdict.connections:
        _print_table(verdict)
    counts = verdict.objects
    found = (
        f"{_counted(counts['connections'], 'connection')}, "
        f"{_counted(counts['mappings'], 'mapping')}, "
        f"{_counted(sum(row.accepted for row in verdict.connections), 'tag')}"
    )
    errors, warnings = (
        sum(problem.severity == severity for problem in verdict.problems)
        for severity in ("error", "warning")
    )
    typer.echo()
    if verdict.valid:
        more = f", {_counted(warnings, 'warning')}" if warnings else ""
        typer.secho(f"valid: {found}{more}", fg="green")
    else:
        typer.secho(f"not valid: {_counted(errors, 'error')}; what is left: {found}", fg="red")


def _print_problem(problem: Problem) -> None:
    place = f"{problem.file}:{problem.line}: " if problem.line else ""
    parts = (problem.object, problem.path, problem.message)
    typer.echo(place, nl=False)
    typer.secho(f"{problem.severity}: ", fg=_COLOURS[problem.severity], nl=False)
    typer.echo(": ".join(part for part in parts if part))


def _print_table(verdict: Verdict) -> None:
    rows = [("connection", "tenant", "tags", "rejected", "wells")]
    for summary in verdict.connections:
        wells = ", ".join(summary.wells) or "-"
        counts = (str(summary.accepted), str(summary.rejected))
        rows.append((summary.connection, summary.tenant or "-", *counts, wells))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        left = f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}"
        typer.echo(f"{left}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
