"""What every simulator is as a program: steps of its field in time, until a signal ends it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from pumpjack_core.errors import PumpjackError, SetupError
from pumpjack_worker.simulation.ledger import Ledger

Step = Callable[[int], Awaitable[None] | None]
"""Moves the field on to this time [µs since the epoch] and shows it."""


def arguments(description: str) -> argparse.ArgumentParser:
    """The command line that all simulators have; each adds its own to it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("-f", "--file", action="append", default=[], help="manifests to serve")
    parser.add_argument("--connection", help="only this connection of the manifests")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, help="port, instead of the connection's own")
    parser.add_argument("--wells", type=int, default=3, help="wells of its own, without -f")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another field")
    parser.add_argument("--tick", type=float, default=0.2, help="seconds between two steps")
    parser.add_argument("--ledger", type=Path, help="CSV file for every value that is shown")
    return parser


def given_to_all(given: argparse.Namespace) -> dict[str, Any]:
    """What arguments() reads, by the names that each simulator's Options has for it."""
    return {
        "files": tuple(given.file),
        "connection": given.connection,
        "host": given.host,
        "port": given.port,
        "wells": given.wells,
        "seed": given.seed,
        "tick_s": given.tick,
        "ledger": given.ledger,
    }


def run_or_say(run: Callable[[], None]) -> None:
    """Run; what goes wrong on purpose ends the program with its sentence."""
    try:
        run()
    except PumpjackError as error:
        sys.exit(f"error: {error}")


def say(text: str) -> None:
    """Tell the person who started the simulator."""
    print(text, file=sys.stderr, flush=True)


async def step_until(stop: asyncio.Event, tick_s: float, step: Step) -> None:
    """Step every tick_s until stop is set; steps that are late are left out, not made up for."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stop.is_set():
        due = max(due + tick_s, loop.time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await stop.wait()
        done = step(time.time_ns() // 1000)
        if done is not None:
            await done


def run_until_signalled(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run serve; SIGINT and SIGTERM set the event that it gets."""

    async def serve_until_signalled() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await serve(stop)

    asyncio.run(serve_until_signalled())


@contextlib.contextmanager
def opened_ledger(path: Path | None) -> Iterator[Ledger | None]:
    """The ledger in this file, None where none is wanted. Raises SetupError."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", buffering=1)
    except OSError as error:
        raise _unwritable(path, error) from error
    with file:
        yield Ledger(file)


def write_manifests(path: Path, text: str) -> None:
    """Write the manifests that read a simulator's own wells. Raises SetupError."""
    try:
        path.write_text(text)
    except OSError as error:
        raise _unwritable(path, error) from error
    say(f"manifests that read it: {path}")


def _unwritable(path: Path, error: OSError) -> SetupError:
    return SetupError(f"{path} cannot be written: {error.strerror}; choose another file")
