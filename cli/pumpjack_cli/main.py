"""The `pumpjack` command. A subcommand is one module of its own name:

pumpjack_cli.NAME.NAME     the function; its docstring is the help, its annotated parameters the
                           options (a command's - is _ in both)
pumpjack_cli.NAME.EXAMPLE  a command line that shows its use, printed below the help

A command with parts (`pumpjack journal drain`) is one module, too, and listed in GROUPS:

pumpjack_cli.NAME.NAME_PART  the function of a part (here, too, a - is _)
pumpjack_cli.NAME.EXAMPLES   part to its examples; the module's docstring is the help of the whole

A module imports only the standard library, typer and pumpjack_core.errors at its top, the rest
inside its functions, so that `pumpjack --help` answers at once.

Exit codes: 0 done, 1 could not be done (one sentence on stderr), 2 wrong usage, 130 Ctrl-C.
PUMPJACK_DEBUG=1 shows the traceback of an error.
"""

from __future__ import annotations

import errno
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer

from pumpjack_core.errors import PumpjackError

COMMANDS = (
    *("demo", "up", "validate", "test-connection", "browse", "watch", "token"),
    *("migrate", "maintain", "reconcile", "simulate", "bench"),
)
GROUPS = {
    "journal": ("status", "drain"),
    "alarms": (
        *("list", "history", "figures", "acknowledge", "shelve", "unshelve", "reset"),
        *("out-of-service", "in-service"),
    ),
    "command": ("send", "list", "show", "decide", "tags"),
    "audit": ("list", "verify"),
    "quarantine": ("list", "explain", "replay"),
    "storage": ("status",),
}
"""Commands with parts, and their parts."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What a disk says that cannot be written to; no fault of ours."""

app = typer.Typer(
    name="pumpjack",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"pumpjack {metadata.version('pumpjack')}")
        raise typer.Exit


@app.callback(epilog="Example:\n\npumpjack demo")
def pumpjack(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Read oil and gas wells: from field devices to a historian and to live screens."""


def help_text(function: Callable[..., object] | ModuleType) -> str:
    """The docstring, with each paragraph on one line, for the terminal to break."""
    text = inspect.getdoc(function) or ""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def epilog(example: str) -> str:
    """The examples, a line each, below the help."""
    lines = [line.strip().replace("[", "\\[") for line in example.strip().splitlines()]
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines])


def _register() -> None:
    for name in COMMANDS:
        part = name.replace("-", "_")
        module = import_module(f"pumpjack_cli.{part}")
        function = getattr(module, part)
        app.command(name, help=help_text(function), epilog=epilog(module.EXAMPLE))(function)
    for name, parts in GROUPS.items():
        module = import_module(f"pumpjack_cli.{name}")
        group = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
        for part in parts:
            function = getattr(module, f"{name}_{part.replace('-', '_')}")
            example = epilog(module.EXAMPLES[part])
            group.command(part, help=help_text(function), epilog=example)(function)
        app.add_typer(group, name=name, help=help_text(module))


_register()


def sentences(error: BaseException) -> Iterator[str]:
    """What a person is told of an error, a sentence each; groups are opened."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from sentences(inner)
    elif isinstance(error, PumpjackError):
        yield str(error)
    elif isinstance(error, OSError) and error.errno in FULL:
        where = error.filename or "what is written to"
        yield f"{where} takes no more: {error.strerror}; make room there, or write elsewhere"
    else:
        yield (
            f"{type(error).__name__}: {error} (this is a fault of pumpjack; "
            "PUMPJACK_DEBUG=1 shows where it is)"
        )


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="pumpjack")
    except Exception as error:
        if os.environ.get("PUMPJACK_DEBUG"):
            raise
        for sentence in dict.fromkeys(sentences(error)):
            typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
            typer.echo(sentence, err=True)
        _let_go_of_output()
        sys.exit(1)


def _let_go_of_output() -> None:
    """Forget what standard output does not take, or Python's exit fails on it with a code of its
    own.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
