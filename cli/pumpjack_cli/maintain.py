"""`pumpjack maintain`: roll-ups, partitions and retention, where the database does not do them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

if TYPE_CHECKING:
    from pumpjack_core.storage.maintain import Upkeep

EXAMPLE = """
pumpjack maintain --database-url postgresql://pumpjack_maintain:secret@db.example/wells
pumpjack maintain --once --output json
"""


def maintain(
    *,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL", help="The database, as the login pumpjack_maintain."
        ),
    ],
    once: Annotated[bool, typer.Option("--once", help="Do one pass and end.")] = False,
    interval: Annotated[str, typer.Option(help="Time between passes: 30s, 5m.")] = "1m",
    output: OutputOption = Output.text,
) -> None:
    """Keep a database in order: roll readings up, make partitions ahead, remove what is old.

    Runs until it is stopped. On TimescaleDB with community features the server's own jobs do most
    of it. How long things are kept is in the table pumpjack.settings. Two at once take turns.

    Exit codes: 0 done, 1 with --once: the pass could not be done or a step was missed, 2 wrong
    usage.
    """
    import asyncio

    import msgspec

    from pumpjack_core.storage import maintain as storage
    from pumpjack_core.units import seconds

    def report(done: Upkeep) -> None:
        if output is Output.json:
            typer.echo(msgspec.json.encode(done).decode())
            return
        typer.echo(
            f"{done.hours} hours rolled up, {done.changed} partitions or policies changed, "
            f"{done.removed} rows removed"
        )
        for sentence in done.missed:
            typer.echo(f"missed: {sentence}", err=True)

    done = asyncio.run(
        storage.maintain(
            database_url,
            once=once,
            interval_s=seconds(interval),
            progress=lambda line: typer.echo(line, err=True),
            report=report,
        )
    )
    raise typer.Exit(1 if done.missed else 0)
