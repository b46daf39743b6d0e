"""`pumpjack test-connection`: what is wrong with the way to a device, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.device_network import DeviceNetworkOption
from pumpjack_cli.output import Output, OutputOption
from pumpjack_core.errors import PumpjackError, SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pumpjack_cli.local.plan import Plan
    from pumpjack_cli.probing.result import Result
    from pumpjack_core.config import WorkerConfig

EXAMPLE = """
pumpjack test-connection wells/
pumpjack test-connection wells/ --connection pad-a --timeout 30
pumpjack test-connection wells/ --output json
"""
AT_ONCE = 8


def test_connection(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|FOLDER…", help="Manifests, with the Secrets that they name."),
    ],
    *,
    connection: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only this connection, by name or namespace/name."),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1, max=86_400, help="Seconds to wait for a reading of every tag, once connected."
        ),
    ] = 10.0,
    device_network: DeviceNetworkOption = None,
    data_dir: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="That of `pumpjack up`: its OPC UA certificates are used, and made there where "
            "they are missing, so that a device has to trust one certificate only.",
        ),
    ] = Path(".pumpjack"),
    output: OutputOption = Output.text,
) -> None:
    """Connect to each device as its worker would, read every tag once, and say what is wrong.

    Each step is told with the time that it took: the name's address, the connection, encryption,
    login, subscription. One line at the end says what is wrong (the name, a refused connection,
    certificates, the login, a wrong unit id, a node that is not there), or that all is well.

    Nothing is stored, and the worker that may read the same device is not disturbed: with MQTT
    another client id is used, so the broker keeps a session of its own. A suspended connection is
    tested only when --connection names it.

    Exit codes: 0 all is well, 1 something is wrong, 2 wrong usage.
    """
    import asyncio

    from rich.console import Console
    from rich.markup import escape

    from pumpjack_cli.local.plan import DEFAULT_NETWORKS, device_networks, make_plan
    from pumpjack_cli.probing.screen import lines
    from pumpjack_cli.quiet import quiet_logs

    quiet_logs()
    errors = Console(stderr=True, highlight=False)
    try:
        plan = make_plan(files, device_networks(device_network or DEFAULT_NETWORKS))
        for remark in plan.remarks:
            errors.print(f"[yellow]![/] {escape(remark)}", soft_wrap=True)
        chosen = _chosen(plan, connection)
    except PumpjackError as error:
        _print_end([], output, str(error))
        raise
    results: list[Result] = []
    screen = Console(highlight=False, quiet=output is Output.json)

    def tell(result: Result) -> None:
        results.append(result)
        for line in lines(result):
            screen.print(line, soft_wrap=True)
        screen.print()

    with errors.status(f"testing {len(chosen)} connections"):
        asyncio.run(_test_all(plan, chosen, data_dir, timeout, tell))
    _print_end(results, output)
    raise typer.Exit(0 if all(result.ok for result in results) else 1)


def _chosen(plan: Plan, wanted: str | None) -> Mapping[str, WorkerConfig]:
    """The connections to test, by id. Raises SetupError when there is none."""
    from pumpjack_cli.naming import named

    found = {
        name: plan.configs[name]
        for name in named(plan.configs, wanted)
        if wanted is not None or not plan.configs[name].connection.spec.suspend
    }
    if not found:
        raise SetupError(
            "the manifests declare no connection that is not suspended; name one with --connection "
            f"to test it all the same: {', '.join(plan.configs)}"
        )
    return found


async def _test_all(
    plan: Plan,
    chosen: Mapping[str, WorkerConfig],
    data_dir: Path,
    timeout_s: float,
    tell: Callable[[Result], None],
) -> None:
    """Test several devices at a time, and each by itself; tell the results in their order."""
    import asyncio
    from collections import defaultdict

    from pumpjack_cli.probing.probe import endpoint_of

    places = asyncio.Semaphore(AT_ONCE)
    devices: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def one(name: str, config: WorkerConfig) -> Result:
        device = endpoint_of(config.connection.spec).partition(" ")[0]
        async with devices[device], places:  # many devices take one client at a time
            return await _test(name, config, plan, data_dir, timeout_s)

    async with asyncio.TaskGroup() as tasks:
        for task in [tasks.create_task(one(name, config)) for name, config in chosen.items()]:
            tell(await task)


async def _test(
    name: str, config: WorkerConfig, plan: Plan, data_dir: Path, timeout_s: float
) -> Result:
    import tempfile

    from pumpjack_cli.local import credential_files
    from pumpjack_cli.probing.judgement import judge
    from pumpjack_cli.probing.probe import probe
    from pumpjack_cli.probing.result import result_of
    from pumpjack_cli.probing.state import state_folder

    with tempfile.TemporaryDirectory(prefix="pumpjack-test-") as folder:
        secrets = Path(folder) / "secrets" if name in plan.secrets else None
        if secrets is not None:
            credential_files.replace(secrets, plan.secrets[name])
        state = state_folder(config.connection, data_dir, Path(folder))
        observed = await probe(config, secrets=secrets, state=state, read_s=timeout_s)
    return result_of(observed, judge(observed, config))


def _print_end(results: list[Result], output: Output, error: str | None = None) -> None:
    """error: why nothing could be tested."""
    import msgspec

    if output is Output.json:
        ok = error is None and all(result.ok for result in results)
        told = {"ok": ok, "error": error, "connections": results}
        typer.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    elif len(results) > 1:
        well = sum(result.ok for result in results)
        typer.echo(f"{well} of {len(results)} connections are well")
