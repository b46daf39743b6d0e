"""Writes docs/cli.md from the commands themselves.

python -m pumpjack_cli.reference > docs/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer.main
from typer.core import TyperCommand, TyperGroup

from pumpjack_cli.main import app

HEAD = """\
# The command line

What `pumpjack --help` says of each command. Made by `python -m pumpjack_cli.reference`; a test
fails when it is out of date.

Every command ends with 0 when it did what it was asked, with 1 and one sentence when it could not,
with 2 when it was called wrongly, with 130 after Ctrl-C; `up` and `demo` end with 0 when they were
stopped. `PUMPJACK_DEBUG=1` shows the traceback of an error.
"""


def page() -> str:
    """The whole page as Markdown."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    parts = [HEAD]
    for name, command in _commands(group):
        parts.append("\n".join(_section(name, command)))
    return "\n".join(parts)


def _commands(group: TyperGroup) -> Iterator[tuple[str, TyperCommand]]:
    """Every command by its words; one with parts is its parts."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((f"{name} {part}", inner) for part, inner in _commands(command))
        else:
            assert isinstance(command, TyperCommand)
            yield name, command


def _section(name: str, command: TyperCommand) -> Iterator[str]:
    context = command.make_context(f"pumpjack {name}", [], resilient_parsing=True)
    yield f"## pumpjack {name}"
    yield ""
    yield command.help or ""
    yield ""
    yield "```console"
    yield f"$ {context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    yield "```"
    yield ""
    records = [param.get_help_record(context) for param in command.get_params(context)]
    rows = [record for record in records if record is not None and "--help" not in record[0]]
    if rows:
        yield "| option | |"
        yield "| --- | --- |"
        for option, text in rows:
            yield f"| `{option.replace('|', chr(92) + '|')}` | {' '.join(text.split())} |"
        yield ""
    _, *examples = (command.epilog or "").replace("\\[", "[").split("\n\n")
    yield "```console"
    yield from (f"$ {example}" for example in examples)
    yield "```"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
