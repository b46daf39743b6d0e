"""Simulated devices of an oil field that publish by MQTT, and a small broker for them.

    python -m pumpjack_worker.adapters.mqtt.simulator -f examples/oilfield

serves a broker for each mqtt connection of the manifests, on its port, and publishes on the topics
of their tags, with payloads as their addresses say; `pumpjack simulate mqtt` is the same. With
--broker it publishes to a broker that is there already. It listens on the loopback address unless
told otherwise: without --credentials anybody who reaches it can read and write.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from msgspec import Struct

from pumpjack_core import credentials
from pumpjack_core.errors import ManifestError, PumpjackError
from pumpjack_worker.adapters.mqtt.simulated_broker import Broker
from pumpjack_worker.adapters.mqtt.simulated_devices import SimulatedDevices
from pumpjack_worker.adapters.mqtt.simulated_publisher import Publisher
from pumpjack_worker.adapters.mqtt.simulated_wells import (
    PLAIN_PORT,
    manifests,
    own_wells,
    placed_by_port,
    with_tls,
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

DEFAULT_PORT = 11_883

Publish = Callable[[str, bytes], None]


class Options(Struct, frozen=True):
    """What to simulate.

    files            manifests whose connections are served; none: wells of the simulator's own
    connection       only this one of them
    port             instead of the connection's own, when it is only one
    wells            how many wells of its own
    tick_s           time between two steps of the field
    broker           host:port of a broker to publish to, instead of serving one
    credentials      folder with the username and password that the broker asks for
    flaws            whether bad messages are mixed in, see simulated_flaws
    ledger           file that every published value is written to, see simulation.ledger
    write_manifests  file for the manifests that read the simulator's own wells
    """

    files: tuple[str, ...] = ()
    connection: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    wells: int = 3
    seed: int = 1
    tick_s: float = 0.2
    broker: str | None = None
    credentials: Path | None = None
    flaws: bool = False
    ledger: Path | None = None
    write_manifests: Path | None = None


def devices_of(options: Options) -> dict[int, SimulatedDevices]:
    """The devices to simulate, by the port of their broker. Raises ManifestError."""
    if options.broker is not None and options.port is not None:
        raise ManifestError("--port is for the simulator's own broker; leave it or --broker out")
    if options.files:
        placed = placed_by_port(options.files, options.connection)
        if options.broker is not None:
            placed = {
                address_of(options.broker)[1]: [one for all_ in placed.values() for one in all_]
            }
        elif tls := with_tls(options.files, options.connection):
            raise ManifestError(
                f"{', '.join(tls)}: the simulator's broker has no TLS; set tls: false in spec.mqtt "
                "to try it out, or publish to a broker of your own with --broker"
            )
        placed = on_port(placed, options.port, "broker")
    else:
        placed = {own_address(options)[1]: own_wells(options.wells)}
    return {
        port: SimulatedDevices(tags, seed=options.seed, flaws=options.flaws)
        for port, tags in placed.items()
    }


def own_address(options: Options) -> tuple[str, int]:
    """Where the simulator's own wells are read."""
    if options.broker is not None:
        return address_of(options.broker)
    return "127.0.0.1", DEFAULT_PORT if options.port is None else options.port


def address_of(broker: str) -> tuple[str, int]:
    """Host and port of --broker. Raises ManifestError."""
    host, colon, port = broker.rpartition(":")
    if not colon:
        host, port = broker, str(PLAIN_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ManifestError(f"--broker {broker!r} is no address; write host:port")
    return host, int(port)


async def serve(
    devices: Mapping[int, SimulatedDevices], options: Options, stop: asyncio.Event
) -> None:
    """Publish until stop is set. Raises PumpjackError for a busy port."""
    login = _login(options.credentials)
    async with contextlib.AsyncExitStack() as stack:
        ways: list[tuple[SimulatedDevices, Publish]] = []
        for port, published in devices.items():
            if options.broker is not None:
                publish = await stack.enter_async_context(
                    _to_broker(options.broker, login, published)
                )
                where = f"publishes to {options.broker}:"
            else:
                logins = dict([login]) if login else None
                broker = Broker(host=options.host, port=port, logins=logins, tell=say)
                publish = (await stack.enter_async_context(broker)).publish
                broker.routing.on_publish = published.command
                where = f"{broker.host}:{broker.port} serves"
            counts = f"{len(published.placed) - len(published.left_out)} tags"
            wells, topics = len(published.field.wells), len(published.topics)
            say(f"{where} {counts}, {wells} wells, {topics} topics")
            for reason in published.left_out.values():
                say(f"  {reason}")
            ways.append((published, publish))
        say("Ctrl-C stops it")

        def step(now_us: int) -> None:
            for published, publish in ways:
                for topic, payload in published.step(now_us):
                    publish(topic, payload)

        step(time.time_ns() // 1000)
        await step_until(stop, options.tick_s, step)


@contextlib.asynccontextmanager
async def _to_broker(
    broker: str, login: tuple[str, str] | None, devices: SimulatedDevices
) -> AsyncIterator[Publish]:
    host, port = address_of(broker)
    publisher = Publisher(
        host,
        port,
        "pumpjack-simulator",
        login=login,
        tell=say,
        topics=devices.commands,
        on_message=devices.command,
    )
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher.publish
        await publisher.finish()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def run(options: Options) -> None:
    """Simulate until SIGINT or SIGTERM. Raises PumpjackError when it cannot begin."""
    devices = devices_of(options)
    if options.write_manifests is not None:
        host, port = own_address(options)
        write_manifests(options.write_manifests, manifests(options.wells, port, host))
    with opened_ledger(options.ledger) as ledger:
        for one in devices.values():
            one.ledger = ledger
        run_until_signalled(lambda stop: serve(devices, options, stop))


def _login(folder: Path | None) -> tuple[str, str] | None:
    held = credentials.read(folder)
    if folder is not None and (held.username is None or held.password is None):
        raise PumpjackError(f"{folder} must hold the files username and password")
    return None if held.username is None else (held.username, held.password or "")


def main() -> None:
    """The simulator by itself, without the rest of the command line."""
    parser = arguments("Simulated devices of an oil field, MQTT.")
    parser.add_argument("--broker", help="host:port of a broker to publish to")
    parser.add_argument("--credentials", type=Path, help="folder with username and password")
    parser.add_argument("--flaws", action="store_true", help="mix bad messages in")
    parser.add_argument("--write-manifests", type=Path, help="manifests that read its own wells")
    given = parser.parse_args()
    options = Options(
        **given_to_all(given),
        broker=given.broker,
        credentials=given.credentials,
        flaws=given.flaws,
        write_manifests=given.write_manifests,
    )
    run_or_say(lambda: run(options))


if __name__ == "__main__":
    main()
