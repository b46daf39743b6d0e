"""`pumpjack migrate`: bring a database to the schema of this version."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

EXAMPLE = """
pumpjack migrate --database-url postgresql://owner:secret@db.example/wells
pumpjack migrate --check --output json
"""


class Level(StrEnum):
    """What a database can be made for."""

    plain = "plain"
    apache = "apache"
    community = "community"


def migrate(
    *,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL",
            help="The database, as a superuser or as its owner with CREATEROLE.",
        ),
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; say what is missing.")
    ] = False,
    level: Annotated[
        Level | None,
        typer.Option(help="Make a new database for a lower level than its server carries."),
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Make the tables, functions, views and roles of this version, or bring older ones up to it.

    TimescaleDB is used when the database has the extension, with its community features when its
    licence allows; else plain PostgreSQL 16 or newer does. Tables, views and answers are the same.
    Safe to repeat, and to run twice at once.

    Exit codes: 0 the database is of this version, 1 it is not (with --check: something is
    missing), 2 wrong usage.
    """
    import asyncio

    import msgspec

    from pumpjack_core.storage import migrate as storage

    def say(line: str) -> None:
        typer.echo(line, err=output is Output.json)

    if check:
        report = asyncio.run(storage.check(database_url))
    else:
        report = asyncio.run(
            storage.migrate(database_url, progress=say, level=level.value if level else None)
        )
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        for note in report.notes:
            typer.echo(f"note: {note}")
        if check:
            for name in report.applied:
                typer.echo(f"missing {name}")
        missing = check and report.applied
        typer.echo(
            f"version {report.version}, level {report.level}"
            + (f": {len(report.applied)} to apply, run `pumpjack migrate`" if missing else "")
        )
    raise typer.Exit(1 if check and report.applied else 0)
