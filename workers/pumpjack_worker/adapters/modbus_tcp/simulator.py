"""Simulated PLCs of an oil field.

    python -m pumpjack_worker.adapters.modbus_tcp.simulator -f examples/oilfield

serves each modbus-tcp connection of the manifests on its port, laid out as their tags say;
`pumpjack simulate modbus-tcp` is the same. It listens on the loopback address unless told
otherwise: a simulator needs no password, so nobody else should find it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer
from pumpjack_worker.adapters.modbus_tcp.simulated_plc import SimulatedPlc
from pumpjack_worker.adapters.modbus_tcp.simulated_wells import (
    manifests,
    own_wells,
    placed_by_port,
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

DEFAULT_PORT = 15_020


class Options(Struct, frozen=True):
    """What to simulate.

    files            manifests whose connections are served; none: wells of the simulator's own
    connection       only this one of them
    port             instead of the connection's own, when it is only one
    wells            how many wells of its own
    tick_s           time between two steps of the field
    silent_units     units that do not answer, as if their power were off
    delay_s          before each answer
    ledger           file that every served value is written to, see simulation.ledger
    write_manifests  file for the manifests that read the simulator's own wells
    """

    files: tuple[str, ...] = ()
    connection: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    wells: int = 3
    seed: int = 1
    tick_s: float = 0.2
    silent_units: tuple[int, ...] = ()
    delay_s: float = 0.0
    ledger: Path | None = None
    write_manifests: Path | None = None


def plcs_of(options: Options) -> dict[int, SimulatedPlc]:
    """The PLCs to simulate, by port. Raises ManifestError."""
    if options.files:
        placed = placed_by_port(options.files, options.connection)
        placed = on_port(placed, options.port, "device")
    else:
        placed = {DEFAULT_PORT if options.port is None else options.port: own_wells(options.wells)}
    plcs = {port: SimulatedPlc(tags, seed=options.seed) for port, tags in placed.items()}
    for plc in plcs.values():
        plc.device.silent.update(options.silent_units)
        if options.delay_s:
            plc.device.delay_s.update(dict.fromkeys(plc.device.units, options.delay_s))
    return plcs


async def serve(plcs: Mapping[int, SimulatedPlc], options: Options, stop: asyncio.Event) -> None:
    """Serve the PLCs until stop is set, and step them. Raises PumpjackError for a busy port."""
    _step(plcs, time.time_ns() // 1000)
    devices = {port: plc.device for port, plc in plcs.items()}
    async with DeviceServer(devices, host=options.host) as server:
        for port, plc in zip(server.ports, plcs.values(), strict=True):
            counts = f"{len(plc.shown)} tags, {len(plc.field.wells)} wells"
            say(f"{options.host}:{port} serves {counts}, {len(plc.device.units)} units")
        say("Ctrl-C stops it")
        await step_until(stop, options.tick_s, lambda now_us: _step(plcs, now_us))


def run(options: Options) -> None:
    """Simulate until SIGINT or SIGTERM. Raises PumpjackError when it cannot begin."""
    plcs = plcs_of(options)
    if options.write_manifests is not None:
        port = next(iter(plcs))
        write_manifests(options.write_manifests, manifests(options.wells, port))
    with opened_ledger(options.ledger) as ledger:
        if ledger is not None:
            for plc in plcs.values():
                plc.attach(ledger)
        run_until_signalled(lambda stop: serve(plcs, options, stop))


def _step(plcs: Mapping[int, SimulatedPlc], now_us: int) -> None:
    for plc in plcs.values():
        plc.step(now_us)


def main() -> None:
    """The simulator by itself, without the rest of the command line."""
    parser = arguments("Simulated PLCs of an oil field, Modbus TCP.")
    given = parser.parse_args()
    options = Options(**given_to_all(given))
    run_or_say(lambda: run(options))


if __name__ == "__main__":
    main()
