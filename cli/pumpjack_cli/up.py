"""`pumpjack up`: the whole system on one machine, from manifests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.device_network import DeviceNetworkOption, WriteNetworkOption

if TYPE_CHECKING:
    import asyncio

    from pumpjack_cli.local.system import LocalSystem

EXAMPLE = """
pumpjack up -f wells/
pumpjack up -f wells/ --database-url postgresql://admin@db.example/wells --redis-url redis://cache
"""


def up(
    *,
    file: Annotated[
        list[Path],
        typer.Option(
            "--file",
            "-f",
            metavar="PATH",
            help="Manifest, or folder of manifests; may be given several times.",
        ),
    ],
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL",
            metavar="URL",
            help="PostgreSQL 16 or newer, with or without TimescaleDB, as a login that may make "
            "roles, and a database that no other Pumpjack uses. An embedded one when not given.",
            show_default=False,
        ),
    ] = None,
    redis_url: Annotated[
        str | None,
        typer.Option(
            envvar="PUMPJACK_REDIS_URL",
            metavar="URL",
            help="Redis 6 or Valkey 7 or newer. An embedded one when not given.",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="For journals, secrets, logs and the embedded stores."),
    ] = Path(".pumpjack"),
    device_network: DeviceNetworkOption = None,
    write_network: WriteNetworkOption = None,
    rest_address: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where REST listens; port 0 takes a free one.")
    ] = "127.0.0.1:4000",
    ws_address: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", help="Where the WebSocket listens; port 0 takes a free one."
        ),
    ] = "127.0.0.1:4001",
) -> None:
    """Run everything on this machine: a worker for each connection, the gateway, the stores.

    The manifests are those of Kubernetes. They are followed while it runs: an edit is applied
    within seconds, without a restart and without losing a reading of the tags that stay; an edit
    that is wrong is refused with what is wrong, and what ran before goes on.

    Ctrl-C stops all in order: workers store what they have, readings that could not be stored
    wait in the journal for the next start. A second Ctrl-C does not wait. All data stays in the
    data folder.
    """
    from pumpjack_cli.local.addresses import parse
    from pumpjack_cli.local.datadir import DataDir
    from pumpjack_cli.local.plan import DEFAULT_NETWORKS, DEFAULT_WRITE_NETWORKS, device_networks
    from pumpjack_cli.local.progress import Progress
    from pumpjack_cli.local.run import Stores, run
    from pumpjack_cli.local.system import Settings

    progress = Progress()

    def settings() -> Settings:
        return Settings(
            tuple(file),
            device_networks(device_network or DEFAULT_NETWORKS),
            parse(rest_address, option="--rest-address"),
            parse(ws_address, option="--ws-address"),
            writable=device_networks(
                write_network or DEFAULT_WRITE_NETWORKS, option="--write-network"
            ),
        )

    async def until_stopped(system: LocalSystem, stop: asyncio.Event) -> None:
        for line in what_next(system):
            progress.console.print(line, soft_wrap=True)
        await stop.wait()

    run(settings, Stores(database_url, redis_url), DataDir(data_dir), progress, until_stopped)


def what_next(system: LocalSystem) -> list[str]:
    """Where it is reached, a link for each tenant, and what to try, as lines with markup."""
    from pumpjack_cli.local import screens

    tenants = system.plan.tenant_ids
    where = "" if system.data.root == Path(".pumpjack") else f" --data-dir {system.data.root}"
    return [
        "",
        *where_it_is(system),
        "",
        *screens.lines(screens.links(system, subject="local-operator")),
        "Try, in another terminal:",
        *(f"  pumpjack watch --tenant {tenant}{where}" for tenant in tenants),
        f'  curl -H "Authorization: Bearer $(pumpjack token --tenant {tenants[0]}{where})" '
        f"{system.rest_url}/api/scada/wells",
        "",
        "Edit a manifest, and it is applied. Ctrl-C stops everything; the data stays.",
        "",
    ]


def where_it_is(system: LocalSystem) -> list[str]:
    """Addresses and tenants, as lines with markup."""
    return [
        f"[bold]REST[/]       {system.rest_url}   (its description: {system.rest_url}/docs)",
        f"[bold]WebSocket[/]  {system.websocket_url}",
        f"[bold]tenants[/]    {', '.join(system.plan.tenant_ids)}",
    ]
