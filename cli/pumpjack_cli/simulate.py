"""pumpjack simulate: devices to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pumpjack_core.protocols import PROTOCOLS

EXAMPLE = """
pumpjack simulate modbus-tcp --wells 10 --write-manifests wells.yaml
pumpjack simulate opcua --write-manifests wells.yaml
pumpjack simulate mqtt --wells 100 --tick 0.05
pumpjack simulate -f examples/oilfield
pumpjack simulate modbus-tcp -f examples/oilfield --connection pad-a
"""


LISTED = ", ".join(PROTOCOLS)


def _known(protocol: str | None) -> str | None:
    if protocol is not None and protocol not in PROTOCOLS:
        raise typer.BadParameter(f"{protocol!r} is not one of {LISTED}")
    return protocol


def simulate(
    *,
    protocol: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROTOCOL]",
            callback=_known,
            help=f"What the devices speak: {LISTED}. With -f it may be left out: then all of the "
            "manifests' connections are simulated.",
            show_default=False,
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "-f",
            "--file",
            metavar="FILE",
            help="File or folder of manifests: each connection is served on its port, with "
            "registers, nodes or topics as its tags say. Without it, wells of the simulator's own "
            "are served.",
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
        typer.Option(min=1, max=65535, help="Port, instead of the connection's own."),
    ] = None,
    wells: Annotated[
        int | None,
        typer.Option(min=1, help="Wells of its own (without -f).", show_default="3"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another field.")] = 1,
    tick: Annotated[
        float, typer.Option(min=0.01, max=60, help="Seconds between two changes of the field.")
    ] = 0.2,
    silent_unit: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=255,
            help="modbus-tcp: a unit that does not answer, as if its power were off; repeatable.",
        ),
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(
            min=0, max=60, help="modbus-tcp: seconds before each answer, as of a slow line."
        ),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="mqtt: publish to this broker instead of serving one."
        ),
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="mqtt, opcua: files username and password, which clients are asked for.",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="opcua: keep the server's certificate there; a new one each time when not given.",
        ),
    ] = None,
    flaws: Annotated[
        bool | None,
        typer.Option(
            "--flaws",
            help="mqtt: mix in bad messages: text for numbers, truncated JSON, NaN.",
            show_default=False,
        ),
    ] = None,
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
    if files and (write_manifests is not None or wells is not None):
        raise typer.BadParameter(
            "--wells and --write-manifests are for the simulator's own wells, without -f"
        )
    if connection is not None and not files:
        raise typer.BadParameter("--connection picks one of the manifests; give them with -f")
    if protocol is None and not files:
        raise typer.BadParameter(
            f"say what the devices speak ({LISTED}), or give manifests with -f"
        )
    shared = {
        "files": tuple(files or ()),
        "connection": connection,
        "host": host,
        "seed": seed,
        "tick_s": tick,
    }
    own: dict[str, tuple[str, Any]] = {
        "port": ("--port", port),
        "wells": ("--wells", wells),
        "silent_units": ("--silent-unit", tuple(silent_unit) if silent_unit else None),
        "delay_s": ("--delay", delay),
        "broker": ("--broker", broker),
        "credentials": ("--credentials", credentials),
        "state": ("--state", state),
        "flaws": ("--flaws", flaws),
        "ledger": ("--ledger", ledger),
        "write_manifests": ("--write-manifests", write_manifests),
    }
    given = {name: pair for name, pair in own.items() if pair[1] is not None}
    from pumpjack_cli.simulation.protocols import protocols_of
    from pumpjack_worker.adapters.registry import simulator

    speaking = [protocol] if protocol is not None else protocols_of(files or (), connection)
    if len(speaking) == 1:
        module = simulator(speaking[0])
        _refuse_what_is_not_known(module.Options.__struct_fields__, given, speaking[0])
        module.run(module.Options(**shared, **{name: pair[1] for name, pair in given.items()}))
        return
    _refuse_what_is_not_known((), given, " and ".join(speaking) + " together")
    from pumpjack_cli.simulation.together import run

    run(speaking, shared)


def _refuse_what_is_not_known(
    known: tuple[str, ...], given: dict[str, tuple[str, Any]], what: str
) -> None:
    for name, (option, _) in given.items():
        if name not in known:
            raise typer.BadParameter(f"{option} is not for {what}; leave it out")
