"""Simulated OPC UA servers of an oil field.

    python -m pumpjack_worker.adapters.opcua.simulator -f examples/oilfield

serves each opcua connection of the manifests on the port of its endpoint, with nodes as the tags'
addresses say and the security that the connection asks for; `pumpjack simulate opcua` is the same.
It listens on the loopback address unless told otherwise: without --credentials, or a Secret among
the manifests, everybody who reaches it can read it.

Values come with the time of their change, the last minutes can be read back as history, and a
sensor that died is BadSensorFailure.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_core import credentials
from pumpjack_core.errors import ManifestError
from pumpjack_worker.adapters.opcua.certificates import thumbprint
from pumpjack_worker.adapters.opcua.channel import quiet_asyncua
from pumpjack_worker.adapters.opcua.simulated_field import Places, SimulatedField
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from pumpjack_worker.adapters.opcua.simulated_wells import (
    Wanted,
    manifests,
    own_tags,
    wanted_by_port,
)
from pumpjack_worker.simulation.connections import on_port
from pumpjack_worker.simulation.program import (
    arguments,
    given_to_all,
    opened_ledger,
    run_or_say,
    run_until_signalled,
    say,
    step_until,
    write_manifests,
)

DEFAULT_PORT = 14_840
HISTORY_KEPT = 240
"""Values of a node that can be read back: four minutes at one a second, some 120 kB."""


class Options(Struct, frozen=True):
    """What to simulate.

    files            manifests whose connections are served; none: wells of the simulator's own
    connection       only this one of them
    port             instead of the connection's own, when it is only one
    wells            how many wells of its own
    tick_s           time between two steps of the field
    credentials      folder with the username and password that clients must give
    state            folder that its certificate is kept in; none: a new one each time
    ledger           file that every shown value is written to, see simulation.ledger
    write_manifests  file for the manifests that read the simulator's own wells
    """

    files: tuple[str, ...] = ()
    connection: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    wells: int = 3
    seed: int = 1
    tick_s: float = 0.2
    credentials: Path | None = None
    state: Path | None = None
    ledger: Path | None = None
    write_manifests: Path | None = None


class Simulated(Struct, frozen=True):
    """A server and the field behind it."""

    server: SimulatedServer
    field: SimulatedField
    places: Places


def servers_of(options: Options) -> dict[int, Simulated]:
    """The servers to simulate, by port; none listens yet. Raises ManifestError."""
    if options.files:
        wanted = wanted_by_port(options.files, options.connection)
        wanted = on_port(wanted, options.port, "server")
    else:
        port = DEFAULT_PORT if options.port is None else options.port
        wanted = {port: Wanted(tuple(own_tags(options.wells)))}
    users = _users(options.credentials)
    return {port: _simulated(port, one, users, options) for port, one in wanted.items()}


async def serve(servers: Mapping[int, Simulated], options: Options, stop: asyncio.Event) -> None:
    """Serve until stop is set, and step the fields. Raises PumpjackError for a busy port."""

    async def step(now_us: int) -> None:
        for one in servers.values():
            for change in one.field.step(now_us):
                await one.server.write(
                    change.node, change.value, status=change.status, source_us=now_us
                )

    quiet_asyncua()
    async with contextlib.AsyncExitStack() as stack:
        for one in servers.values():
            await stack.enter_async_context(one.server)
            one.server.on_write(one.field.command)
        await step(time.time_ns() // 1000)
        for one in servers.values():
            _introduce(one)
        say("Ctrl-C stops it")
        await step_until(stop, options.tick_s, step)


def run(options: Options) -> None:
    """Simulate until SIGINT or SIGTERM. Raises PumpjackError when it cannot begin."""
    servers = servers_of(options)
    if options.write_manifests is not None:
        port = next(iter(servers))
        write_manifests(options.write_manifests, manifests(options.wells, port))
    with opened_ledger(options.ledger) as ledger:
        for one in servers.values():
            one.field.ledger = ledger
        run_until_signalled(lambda stop: serve(servers, options, stop))


def _simulated(
    port: int, wanted: Wanted, users: dict[str, str] | None, options: Options
) -> Simulated:
    places = Places(wanted.tags)
    server = SimulatedServer(
        places.nodes,
        host=options.host,
        port=port,
        security=(wanted.security,),
        policy=wanted.policy,
        folder=options.state,
        users=users or wanted.users,
        namespaces=places.namespaces,
        history_kept=HISTORY_KEPT,
    )
    return Simulated(server, SimulatedField(places.placed, seed=options.seed), places)


def _introduce(one: Simulated) -> None:
    server, field = one.server, one.field
    counts = f"{len(field.placed)} tags, {len(field.field.wells)} wells"
    say(f"{server.host}:{server.port} serves {counts}")
    for address, reason in one.places.left_out.items():
        say(f"  not {address}: {reason}")
    if server.identity is not None:
        say(f"  its certificate has the SHA-1 thumbprint {thumbprint(server.identity.der)}")


def _users(folder: Path | None) -> dict[str, str] | None:
    if folder is None:
        return None
    given = credentials.read(folder)
    if given.username is None:
        raise ManifestError(f"{folder} holds no file username; write one, and one password")
    return {given.username: given.password or ""}


def main() -> None:
    """The simulator by itself, without the rest of the command line."""
    parser = arguments("Simulated OPC UA servers of an oil field.")
    parser.add_argument(
        "--credentials", type=Path, help="folder with the files username and password of clients"
    )
    parser.add_argument("--state", type=Path, help="folder that its certificate is kept in")
    given = parser.parse_args()
    options = Options(**given_to_all(given), credentials=given.credentials, state=given.state)
    run_or_say(lambda: run(options))


if __name__ == "__main__":
    main()
