"""`pumpjack browse`: from an unknown device to a TagMapping to edit."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.device_network import DeviceNetworkOption
from pumpjack_core.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pumpjack_cli.browsing.target import Device

EXAMPLE = """
pumpjack browse opc.tcp://10.1.7.20:4840 --match 'Pad7/*' --well pad7-3 -o pad7.yaml
pumpjack browse modbus-tcp://10.1.7.21:502/3 --within holding:40001-40200
pumpjack browse wells/ --connection pad7-plc --within 'ns=2;s=Pad7'
"""
PASSWORD = "PUMPJACK_DEVICE_PASSWORD"  # noqa: S105 - the name of a variable
WELL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}|.*\{\{.*")


class Security(StrEnum):
    """How an OPC UA server is spoken to."""

    none = "None"
    sign = "Sign"
    sign_and_encrypt = "SignAndEncrypt"


def browse(
    device: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL",
            help="Manifest with the connection (and its Secret), or opc.tcp://HOST:PORT/PATH, or "
            "modbus-tcp://HOST:PORT/UNIT.",
        ),
    ],
    *,
    within: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="Where to look: a node id (ns=2;s=Pad7), or registers (holding:40001-40100, "
            "input:@0-@63;unit=7). An OPC UA server is looked at from its Objects folder on, a "
            "Modbus device from holding:40001 to 40100 when not given.",
            show_default=False,
        ),
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which connection of FILE; with a URL, the name that the new one gets.",
        ),
    ] = None,
    match: Annotated[
        str | None,
        typer.Option(
            metavar="GLOB",
            help="Only what has such a path (Pad7/Well1/*) or such a name (*pressure*), letters "
            "of any case.",
        ),
    ] = None,
    well: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="The well that the tags belong to; the connection's name if not."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after so many tags.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write there instead of to standard output; a file that exists is not touched.",
        ),
    ] = None,
    security: Annotated[
        Security | None,
        typer.Option(help="Of an OPC UA server by URL; None if not given."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Log in to an OPC UA server by URL. The password comes from {PASSWORD}, or it "
            "is asked for.",
        ),
    ] = None,
    device_network: DeviceNetworkOption = None,
    data_dir: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="That of `pumpjack up`, for OPC UA certificates."),
    ] = Path(".pumpjack"),
) -> None:
    """Look at a device and write what it has as a TagMapping to edit.

    Names are made from the paths on the device, with address, data type, unit and range where
    the device tells them, and what each read as a comment. What cannot be a tag (text) is listed
    as comments. More than 500 tags become several TagMappings. With a URL the ScadaConnection is
    written as well, so that `pumpjack up -f` can read it at once.

    A Modbus device tells neither names nor types: every register that answers is listed as
    uint16, with a guess where two of them look like a float32.

    Ctrl-C leaves no file. Exit codes: 0 written, 1 could not be done, 2 wrong usage.
    """
    import asyncio

    from rich.console import Console

    from pumpjack_cli.browsing import gather as gathering
    from pumpjack_cli.browsing import manifest
    from pumpjack_cli.browsing.spool import Spool
    from pumpjack_cli.local.plan import DEFAULT_NETWORKS, device_networks
    from pumpjack_cli.local.progress import Progress
    from pumpjack_cli.quiet import quiet_logs

    quiet_logs()
    if well is not None and not WELL_ID.fullmatch(well):
        raise typer.BadParameter(
            "a well has 1 to 128 letters, digits, ., _ and -", param_hint="--well"
        )
    if out is not None:
        _refuse_where_nothing_can_be_written(out)
    networks = device_networks(device_network or DEFAULT_NETWORKS)
    found = _device(device, networks, connection, security, user)
    progress = Progress(Console(stderr=True, highlight=False))

    def tell(now: gathering.Progress) -> None:
        progress.line(f"looked at {now.seen:,}, found {now.tags:,} tags, {now.took_s:.0f} s")

    with Spool() as spool:
        try:
            wanted = gathering.Wanted(within, match, limit)
            done = asyncio.run(gathering.gather(found, wanted, spool, data_dir, tell))
        finally:
            progress.end_line()
        progress.note(gathering.summary(done, spool))
        if not spool.tags:
            raise SetupError(
                f"{found.target.where} has nothing there that could be a tag; look elsewhere with "
                "--within, or widen --match"
            )
        _write(manifest.lines(spool, found.target, well or found.target.name[:128]), out)


def _device(
    text: str,
    networks: tuple[str, ...],
    connection: str | None,
    security: Security | None,
    user: str | None,
) -> Device:
    from pumpjack_cli.browsing.target import OPCUA, from_file, from_url, is_url

    if not text.startswith(OPCUA) and (security is not None or user is not None):
        raise typer.BadParameter(f"--security and --user are for {OPCUA}… only")
    if not is_url(text):
        return from_file(Path(text), networks, name=connection)
    login = (user, _password(user)) if user is not None else None
    return from_url(
        text,
        networks,
        name=connection,
        security=security.value if security is not None else None,
        login=login,
    )


def _password(user: str) -> str:
    """From the environment, or from the person; never an argument, which others can see."""
    if (given := os.environ.get(PASSWORD)) is not None:
        return given
    from getpass import GetPassWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)  # it would show what is typed
            answer: str = typer.prompt(f"password of {user}", hide_input=True, err=True)
    except (EOFError, OSError, GetPassWarning, typer.Abort):
        raise SetupError(f"there is nobody to ask for the password; set {PASSWORD}") from None
    return answer


def _refuse_where_nothing_can_be_written(out: Path) -> None:
    """Before the device is asked, which may take minutes."""
    if out.is_symlink() or out.exists():
        raise SetupError(f"{out} exists; give another name, or remove it")
    if not out.parent.is_dir():
        raise SetupError(f"{out} cannot be written: there is no folder {out.parent}; make it first")
    if not os.access(out.parent, os.W_OK):
        raise SetupError(f"{out} cannot be written: you may not write to {out.parent}")


def _write(lines: Iterable[str], out: Path | None) -> None:
    """To standard output, or to a file that is whole or not there."""
    if out is None:
        for line in lines:
            typer.echo(line)
        return
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        part.replace(out)
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    typer.echo(f"  written: {out}", err=True)
