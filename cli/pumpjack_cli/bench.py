"""`pumpjack bench`: runs the measurements of tests/bench/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pumpjack_cli.output import Output, OutputOption
from pumpjack_core.errors import SetupError

EXAMPLE = """
pumpjack bench --list
pumpjack bench pipeline
pumpjack bench pipeline -- --seconds 10
"""
FOLDER = Path(__file__).parents[2] / "tests" / "bench"


def scripts(folder: Path = FOLDER) -> dict[str, Path]:
    """The measurements that are there, by name. Raises SetupError outside a checkout."""
    if not folder.is_dir():
        raise SetupError(
            "the measurements are not part of the installed package; get them with "
            "`git clone` and run `make bench` there (docs/benchmarks.md has the results)"
        )
    return {
        path.stem: path
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith("_") and "def main(" in path.read_text()
    }


def first_sentence(path: Path) -> str:
    """What a script says of itself."""
    import ast

    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return text.split("\n", 1)[0]


def bench(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Which to run, all when none is named; after -- options of theirs."),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Show what there is.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Measure the parts and the whole on this machine, as docs/benchmarks.md does.

    Each starts the servers it needs and takes from seconds to minutes. Results go to stdout,
    with --output json as one JSON object a line.
    """
    known = scripts()
    if list_only:
        for name, path in known.items():
            typer.echo(f"{name:<16}{first_sentence(path)}")
        return
    wanted, options = split(names or [], known)
    failed = [name for name in wanted if _run(known[name], options, output) != 0]
    if failed:
        raise SetupError(f"did not finish: {', '.join(failed)}; the reason is above")


def split(words: list[str], known: dict[str, Path]) -> tuple[list[str], list[str]]:
    """Names first, then what is passed on. Raises SetupError for a name that is none."""
    at = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    names, options = words[:at], words[at:]
    for name in names:
        if name not in known:
            raise SetupError(f"{name!r} is no measurement; there are {', '.join(known)}")
    if options and len(names) != 1:
        raise SetupError("options after -- go to one measurement; name exactly one")
    return names or list(known), options


def _run(script: Path, options: list[str], output: Output) -> int:
    """In a process of its own, so that one cannot disturb the next; returns its exit code."""
    import subprocess
    import sys

    extra = ["--output", "json"] if output is Output.json else []
    module = f"tests.bench.{script.stem}"
    call = f"import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
    typer.secho(f"== {script.stem}: {first_sentence(script)}", err=True, bold=True)
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", call, *extra, *options], cwd=script.parents[2], check=False
    ).returncode
