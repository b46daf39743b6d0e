"""pumpjack simulate: devices to try things on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = """
pumpjack simulate modbus-tcp --wells 10 --write-manifests wells.yaml
pumpjack simulate modbus-tcp -f examples/oilfield --connection pad-a
"""


class Protocol(StrEnum):
    """What can be simulated."""

    modbus_tcp = "modbus-tcp"


def simulate(
    *,
    _protocol: Annotated[
        Protocol, typer.Argument(metavar="PROTOCOL", help="What it speaks: modbus-tcp.")
    ],
    files: Annotated[
        list[str] | None,
        typer.Option(
            "-f",
            "--file",
            metavar="FILE",
            help="File or folder of manifests: each connection is served on its port, with "
            "registers as its tags say. Without it, wells of the simulator's own are served.",
        ),
    ] = None,
    connection: Annotated[
        str | None, typer.Option(help="Only this connection of the manifests.", metavar="NAME")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anyone who reaches it can read it.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Port, instead of the connection's own (15020 for own wells)."
        ),
    ] = None,
    wells: Annotated[
        int, typer.Option(min=1, max=247, help="Wells of its own, each a unit (without -f).")
    ] = 3,
    seed: Annotated[int, typer.Option(help="Another seed makes another field.")] = 1,
    tick: Annotated[
        float, typer.Option(min=0.01, max=60, help="Seconds between two changes of the field.")
    ] = 0.2,
    silent_unit: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=255,
            help="A unit that does not answer, as if its power were off; repeatable.",
        ),
    ] = None,
    delay: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds before each answer, as of a slow line.")
    ] = 0.0,
    ledger: Annotated[
        Path | None, typer.Option(help="CSV file that every served value is written to.")
    ] = None,
    write_manifests: Annotated[
        Path | None,
        typer.Option(help="Write manifests that read the simulator's own wells (without -f)."),
    ] = None,
) -> None:
    """Simulate the devices of an oil field, until Ctrl-C.

    Wells with believable behaviour: pressures that drift, rates that follow the pump, tanks that
    fill and are hauled off, a pump that trips and restarts, a spike now and then, a sensor that
    dies for a while.
    """
    if files and write_manifests is not None:
        raise typer.BadParameter("--write-manifests is for the simulator's own wells, without -f")
    if connection is not None and not files:
        raise typer.BadParameter("--connection picks one of the manifests; give them with -f")
    from pumpjack_worker.adapters.modbus_tcp.simulator import Options, run

    run(
        Options(
            files=tuple(files or ()),
            connection=connection,
            host=host,
            port=port,
            wells=wells,
            seed=seed,
            tick_s=tick,
            silent_units=tuple(silent_unit or ()),
            delay_s=delay,
            ledger=ledger,
            write_manifests=write_manifests,
        )
    )
