"""`pumpjack watch`: the live table in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

if TYPE_CHECKING:
    from pumpjack_cli.watching.session import Gateway

EXAMPLE = """
pumpjack watch --tenant permian
pumpjack watch --tenant permian --well permian-a1 --once
pumpjack watch --ws wss://scada.example.com --rest https://scada.example.com --token "$TOKEN"
"""


def watch(
    *,
    well: Annotated[
        list[str] | None,
        typer.Option(
            "--well", "-w", metavar="WELL", help="Only this well; may be given several times."
        ),
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(
            metavar="TENANT",
            help="Whose wells, of the local gateway; not needed when it has one tenant.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="PUMPJACK_TOKEN",
            metavar="TOKEN",
            help="Sign in with this token instead of a local one.",
            show_default=False,
        ),
    ] = None,
    ws: Annotated[
        str | None,
        typer.Option(metavar="URL", help="WebSocket address; the local gateway's when not given."),
    ] = None,
    rest: Annotated[
        str | None,
        typer.Option(metavar="URL", help="REST address; the local gateway's when not given."),
    ] = None,
    data_dir: Annotated[
        Path, typer.Option(metavar="FOLDER", help="That of `pumpjack up` or `demo`.")
    ] = Path(".pumpjack"),
    once: Annotated[bool, typer.Option("--once", help="Print the values now and end.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Show wells live: value, unit, quality, age, and what is missing or stale.

    It reads the gateway's WebSocket. When the connection is lost, the values stay and are marked,
    it connects again by itself and says whether readings were missed. With --output json each
    message of the gateway is printed as it came, one a line.
    """
    import asyncio

    from pumpjack_cli.watching.session import print_messages, print_once, show, where

    gateway: Gateway = where(data_dir, tenant=tenant, token=token, websocket=ws, rest=rest)
    if once:
        asyncio.run(print_once(gateway, well or [], as_json=output is Output.json))
    elif output is Output.json:
        asyncio.run(print_messages(gateway, well or []))
    else:
        asyncio.run(show(gateway, well or []))
