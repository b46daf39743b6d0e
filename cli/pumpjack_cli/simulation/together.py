"""Simulators of several protocols side by side, in one process and one event loop.

python -m pumpjack_cli.simulation.together -f FOLDER

simulates every connection of the manifests; `pumpjack simulate -f FOLDER` is the same.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pumpjack_cli.simulation.protocols import protocols_of
from pumpjack_core.errors import PumpjackError
from pumpjack_worker.adapters.registry import declared, simulator
from pumpjack_worker.simulation.program import run_until_signalled


def run(protocols: Sequence[str], options: Mapping[str, Any]) -> None:
    """Simulate until SIGINT or SIGTERM. Raises PumpjackError when one cannot begin."""
    modules = {protocol: simulator(protocol) for protocol in protocols}
    made = []
    for protocol, module in modules.items():
        given = module.Options(**options)
        made.append((module.serve, getattr(module, declared(protocol).simulated)(given), given))

    async def serve(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for serve_one, devices, given in made:
                tasks.create_task(serve_one(devices, given, stop))

    run_until_signalled(serve)


def main() -> None:
    """All connections of manifests."""
    parser = argparse.ArgumentParser(description="Simulated devices of an oil field.")
    parser.add_argument("-f", "--file", action="append", default=[], help="manifests to serve")
    given = parser.parse_args()
    said = ""
    try:
        run(protocols_of(given.file), {"files": tuple(given.file)})
    except* PumpjackError as group:
        said = "\n".join(f"error: {error}" for error in group.exceptions)
    if said:
        sys.exit(said)


if __name__ == "__main__":
    main()
