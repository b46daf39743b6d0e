"""Simulated S7 controllers of an oil field.

    python -m pumpjack_worker.adapters.s7.simulator --wells 3

serves wells of its own, or with -f each s7 connection of the manifests on its port, laid out as
their tags say; `pumpjack simulate s7` is the same. It listens on the loopback address unless told
otherwise: a simulator needs no password, so nobody else should find it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_worker.adapters.s7.simulated_plc import SimulatedPlc, placed
from pumpjack_worker.adapters.s7.simulated_wells import manifests, own_tags, placed_by_port
from pumpjack_worker.simulation.connections import on_port
from pumpjack_worker.simulation.program import (
    arguments,
    given_to_all,
    run_or_say,
    run_until_signalled,
    say,
    step_until,
    write_manifests,
)

DEFAULT_PORT = 15_102


class Options(Struct, frozen=True):
    """What to simulate.

    files            manifests whose connections are served; none: wells of the simulator's own
    connection       only this one of them
    port             instead of the connection's own, when it is only one
    wells            how many wells of its own
    tick_s           time between two steps of the field
    write_manifests  file for the manifests that read the simulator's own wells
    """

    files: tuple[str, ...] = ()
    connection: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    wells: int = 3
    seed: int = 1
    tick_s: float = 0.2
    write_manifests: Path | None = None


def plcs_of(options: Options) -> dict[int, SimulatedPlc]:
    """The controllers to simulate, by port; none listens yet. Raises ManifestError."""
    if options.files:
        found = placed_by_port(options.files, options.connection)
        found = on_port(found, options.port, "device")
    else:
        port = DEFAULT_PORT if options.port is None else options.port
        found = {port: placed(own_tags(options.wells))}
    return {port: SimulatedPlc(tags, seed=options.seed) for port, tags in found.items()}


async def serve(plcs: Mapping[int, SimulatedPlc], options: Options, stop: asyncio.Event) -> None:
    """Serve until stop is set, and step the fields. Raises PumpjackError for a busy port."""
    with contextlib.ExitStack() as stack:
        for port, plc in plcs.items():
            plc.step(time.time_ns() // 1000)
            plc.listen(options.host, port)
            stack.enter_context(plc)
            counts = f"{len(plc.tags)} tags, {len(plc.field.wells)} wells"
            say(f"{options.host}:{port} serves {counts}")
        say("Ctrl-C stops it")

        def step(now_us: int) -> None:
            for plc in plcs.values():
                plc.step(now_us)

        await step_until(stop, options.tick_s, step)


def run(options: Options) -> None:
    """Simulate until SIGINT or SIGTERM. Raises PumpjackError when it cannot begin."""
    plcs = plcs_of(options)
    if options.write_manifests is not None:
        port = next(iter(plcs))
        write_manifests(options.write_manifests, manifests(options.wells, port))
    run_until_signalled(lambda stop: serve(plcs, options, stop))


def main() -> None:
    """The simulator by itself, without the rest of the command line."""
    given = arguments("Simulated S7 controllers of an oil field.").parse_args()
    run_or_say(lambda: run(Options(**given_to_all(given))))


if __name__ == "__main__":
    main()
