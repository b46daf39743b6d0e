"""`pumpjack demo`: a small simulated oil field, and everything that reads it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli import up
from pumpjack_cli.output import Output, OutputOption
from pumpjack_core.errors import PumpjackError, SetupError

if TYPE_CHECKING:
    import asyncio

    from pumpjack_cli.checked import Result
    from pumpjack_cli.local.progress import Progress
    from pumpjack_cli.local.system import LocalSystem, Settings

EXAMPLE = """
pumpjack demo
pumpjack demo --open
pumpjack demo --check
"""
REST_PORT, WS_PORT = 4000, 4001
FREE = "127.0.0.1:0"
SUBJECT = "demo-operator"


def demo(
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Verify that readings arrive everywhere, that a command over each protocol is "
            "read back and that an alarm is raised; print counts and latencies, and end: exit "
            "code 0 when all is well, 1 with what failed. Uses free ports and a folder that it "
            "removes, unless --data-dir is given.",
        ),
    ] = False,
    open_screens: Annotated[
        bool, typer.Option("--open", help="Open the screens in a browser as soon as it runs.")
    ] = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For its data.", show_default=".pumpjack"),
    ] = None,
    rest_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where REST listens; port 0 takes a free one.",
            show_default=f"127.0.0.1:{REST_PORT}",
        ),
    ] = None,
    ws_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the WebSocket listens; port 0 takes a free one.",
            show_default=f"127.0.0.1:{WS_PORT}",
        ),
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Run a small oil field on this machine: 5 wells of 2 tenants, from the device to the screen.

    Simulated devices that speak Modbus TCP, OPC UA and MQTT, embedded PostgreSQL and Valkey, a
    worker for each connection, the gateway: the same programs that run in a cluster. Its
    manifests are copied to the data folder, where an edit is applied while it runs. Ctrl-C stops
    everything; a second start keeps the data.
    """
    import asyncio

    from pumpjack_cli.local.datadir import DataDir
    from pumpjack_cli.local.progress import Progress
    from pumpjack_cli.local.run import Stores, run

    if check:
        _check(data_dir, rest_address, ws_address, output)
        return
    progress = Progress()
    folder = data_dir or Path(".pumpjack")

    async def until_stopped(system: LocalSystem, stop: asyncio.Event) -> None:
        for line in what_next(system):
            progress.console.print(line, soft_wrap=True)
        if open_screens and (why := await asyncio.to_thread(_open, system)) is not None:
            progress.warn(why)
        await stop.wait()

    run(
        lambda: _settings(
            folder,
            rest_address or f"127.0.0.1:{REST_PORT}",
            ws_address or f"127.0.0.1:{WS_PORT}",
            progress,
        ),
        Stores(),
        DataDir(folder),
        progress,
        until_stopped,
    )


def _open(system: LocalSystem) -> str | None:
    """Open the first tenant's screens; why that could not be done, if so."""
    from pumpjack_cli.local import screens

    first = next(iter(screens.links(system, subject=SUBJECT).values()))
    return screens.open_in_browser(first, system.data.root)


def _check(
    data_dir: Path | None, rest_address: str | None, ws_address: str | None, output: Output
) -> None:
    """Run it, check it, print the result. Raises SetupError with what failed."""
    import asyncio

    import msgspec
    from rich.console import Console

    from pumpjack_cli.check import Check
    from pumpjack_cli.checked import Result, lines_of, tables_of
    from pumpjack_cli.local.datadir import DataDir
    from pumpjack_cli.local.progress import Progress
    from pumpjack_cli.local.run import Stores, run

    progress = Progress(Console(stderr=output is Output.json, highlight=False))

    async def verify(system: LocalSystem, stop: asyncio.Event) -> Result | None:
        checking = asyncio.create_task(Check(system, progress).run(), name="check")
        stopped = asyncio.create_task(stop.wait(), name="signal")
        await asyncio.wait((checking, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if checking.done():
            return checking.result()
        checking.cancel()
        return None

    try:
        with _folder(data_dir) as folder:
            result = run(
                lambda: _settings(folder, rest_address or FREE, ws_address or FREE, progress),
                Stores(),
                DataDir(folder),
                progress,
                verify,
            )
    except PumpjackError as error:
        if output is Output.json:
            typer.echo(msgspec.json.encode(Result(False, (), (), (str(error),))).decode())
        raise
    if result is None:
        raise KeyboardInterrupt
    if output is Output.json:
        typer.echo(msgspec.json.encode(result).decode())
    else:
        for table in tables_of(result):
            progress.console.print()
            progress.console.print(table)
        progress.console.print()
        for line in lines_of(result):
            progress.console.print(line, markup=False)
    if not result.ok:
        raise CheckFailed(result.failures)


class CheckFailed(SetupError):
    """What the check found, a sentence each."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__("the check failed:\n" + "\n".join(f"  - {text}" for text in failures))


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, or one that goes when the check ends."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="pumpjack-check-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _settings(folder: Path, rest: str, websocket: str, progress: Progress) -> Settings:
    """The oil field's copy, its devices on ports that are free, and where the gateway listens."""
    from pumpjack_cli.local import oilfield
    from pumpjack_cli.local.addresses import parse
    from pumpjack_cli.local.plan import device_networks
    from pumpjack_cli.local.system import Settings

    manifests, kept = oilfield.copy_to(folder)
    if kept:
        progress.note(f"the oil field of {manifests} is used as it is; delete it for a fresh copy")
    for old, new in oilfield.move_devices(manifests).items():
        progress.note(f"port {old} is in use; the simulated device listens on {new} instead")
    return Settings(
        (manifests,),
        device_networks(["127.0.0.0/8"]),
        parse(rest, option="--rest-address"),
        parse(websocket, option="--ws-address"),
        (oilfield.simulators(manifests),),
    )


def _control(system: LocalSystem, tenant: str, well: str, where: str) -> list[str]:
    """What to try with alarms and commands."""
    config = next(c for c in system.plan.configs.values() if well in c.tags.wells)
    names = [tag.name for tag in config.tags.tags if tag.well_id == well and tag.write is not None]
    lines = [f"  pumpjack alarms list --tenant {tenant}{where}"]
    if "choke" in names:
        lines.append(
            f'  pumpjack command send {well} choke 0 --tenant {tenant} --reason "a test"{where}'
            "   (pressure rises, and there is an alarm)"
        )
    return lines


def what_next(system: LocalSystem) -> list[str]:
    """Where it is reached, a link for each tenant, and what to try, as lines with markup."""
    from pumpjack_cli.local import screens

    tenants = system.plan.tenant_ids
    where = "" if system.data.root == Path(".pumpjack") else f" --data-dir {system.data.root}"
    wells = {c.connection.tenant_id: c.tags.wells[0] for c in system.plan.configs.values()}
    lines = ["", *up.where_it_is(system), ""]
    lines += screens.lines(screens.links(system, subject=SUBJECT))
    first = tenants[0]
    return [
        *lines,
        "Try, in another terminal:",
        *(f"  pumpjack watch --tenant {tenant}{where}" for tenant in tenants),
        f"  TOKEN=$(pumpjack token --tenant {first}{where})",
        f'  curl -H "Authorization: Bearer $TOKEN" '
        f"'{system.rest_url}/api/scada/latest?wellId={wells[first]}'",
        *_control(system, first, wells[first], where),
        f"  edit {system.settings.manifests[0]}/*.yaml: the change is applied while it runs",
        "",
        "Ctrl-C stops everything; the data stays for the next start.",
        "",
    ]
