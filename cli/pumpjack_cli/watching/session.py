"""One run of `pumpjack watch`: where the gateway is, which wells, and the loop that shows them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.live import Live

from pumpjack_cli.local.access import local_token
from pumpjack_cli.local.datadir import DataDir
from pumpjack_cli.local.reached import only_tenant, running
from pumpjack_cli.watching.client import Event, Lost, Rest, Well, follow
from pumpjack_cli.watching.model import ConnectionView, RowView, Table
from pumpjack_cli.watching.screen import render
from pumpjack_core.errors import PumpjackError, SetupError
from pumpjack_gateway.live.messages import Problem

LOCAL_TOKEN_S = 3600.0
REDRAW_S = 0.25
ONCE_LIMIT_S = 20.0
LOOK_AGAIN_S = 15.0
SETTLE_S = 1.0


@dataclass(frozen=True)
class Gateway:
    """Where it is and how to sign in; token is asked anew at each connection."""

    rest: str
    websocket: str
    token: Callable[[], str]


def where(
    folder: Path,
    *,
    tenant: str | None,
    token: str | None,
    websocket: str | None,
    rest: str | None,
) -> Gateway:
    """Find the gateway: the one named, or the local one. Raises SetupError saying what to give."""
    data = DataDir(folder)
    if not (websocket and rest):
        found = running(data)
        websocket, rest = websocket or found.websocket, rest or found.rest
    if token is not None:
        return Gateway(rest, websocket, lambda: token)
    chosen = tenant or only_tenant(data)

    def mint() -> str:
        return local_token(
            data, tenant_id=chosen, role="viewer", lifetime_s=LOCAL_TOKEN_S, subject="watch"
        )

    mint()  # an unknown tenant is told now, not at the first connection
    return Gateway(rest, websocket, mint)


class Session:
    """The table of one run and the wells that it shows."""

    def __init__(self, gateway: Gateway, wanted: Sequence[str]) -> None:
        self.table = Table()
        self.lost = ""
        """Why there is no connection now."""
        self.wells: tuple[str, ...] = tuple(wanted)
        self._choosing = not wanted
        self._gateway = gateway
        self._rest = Rest(gateway.rest, gateway.token)

    async def look(self) -> None:
        """Ask REST for the wells and their units. Raises PumpjackError."""
        found = await self._rest.wells()
        self.table.name_units(units_of(found))
        if self._choosing:
            self.wells = tuple(well.well_id for well in found)

    async def look_forever(self) -> None:
        """Notice wells that are added while it runs."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            with contextlib.suppress(PumpjackError):  # the table says that the gateway is away
                await self.look()

    async def messages(self) -> AsyncGenerator[tuple[Event, str]]:
        """Take in what comes, and pass it on with its text. Raises AuthError, PumpjackError."""
        coming = follow(self._gateway.websocket, self._gateway.token, lambda: self.wells)
        async with contextlib.aclosing(coming):
            async for event, text in coming:
                self._take(event)
                yield event, text

    def _take(self, event: Event) -> None:
        match event:
            case Problem(code="FORBIDDEN_WELL"):
                raise PumpjackError(event.message)
            case Lost():
                self.lost = f"{event.reason}; trying again"
                self.table.went_offline()
            case _:
                self.table.apply(event, time.time())


def units_of(wells: Sequence[Well]) -> dict[tuple[str, str], str]:
    """Units by well and tag."""
    return {(well.well_id, tag.tag_name): tag.unit for well in wells for tag in well.tags}


async def show(gateway: Gateway, wanted: Sequence[str]) -> None:
    """The live table, until Ctrl-C. Raises SetupError where there is no terminal."""
    console = Console()
    if not console.is_terminal:
        raise SetupError("there is no terminal to draw on; use --once or --output json")
    session = Session(gateway, wanted)
    await session.look()
    with Live(console=console, auto_refresh=False, screen=True) as live:

        async def receive() -> None:
            async with contextlib.aclosing(session.messages()) as messages:
                async for _ in messages:
                    pass

        async def redraw() -> None:
            while True:
                screen = render(
                    session.table, time.time(), lost=session.lost, height=console.height
                )
                live.update(screen, refresh=True)
                await asyncio.sleep(REDRAW_S)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(receive(), name="receive")
            tasks.create_task(redraw(), name="redraw")
            tasks.create_task(session.look_forever(), name="wells")


async def print_messages(gateway: Gateway, wanted: Sequence[str]) -> None:
    """Each message as it came, one a line, until Ctrl-C or until the reader has enough."""
    session = Session(gateway, wanted)
    await session.look()
    looking = asyncio.create_task(session.look_forever(), name="wells")
    try:
        async with contextlib.aclosing(session.messages()) as messages:
            async for _, text in messages:
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough; the interpreter must not fail at its last flush either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        looking.cancel()


async def print_once(gateway: Gateway, wanted: Sequence[str], *, as_json: bool) -> None:
    """The values now. Raises PumpjackError when they do not come in time."""
    session = Session(gateway, wanted)
    await session.look()
    messages = session.messages()
    try:
        async with asyncio.timeout(ONCE_LIMIT_S):
            while not session.table.knows(session.wells):
                await anext(messages)
        async with asyncio.timeout(SETTLE_S):  # what is known of the connections follows
            while not session.table.connections():
                await anext(messages)
    except TimeoutError:
        if not session.table.knows(session.wells):
            why = session.lost or session.table.problem or "it sent no snapshot"
            raise PumpjackError(f"no values came from {gateway.websocket}: {why}") from None
    finally:
        await messages.aclose()
    rows, connections = session.table.rows(time.time()), session.table.connections()
    if as_json:
        sys.stdout.write(msgspec.json.encode(Snapshot(rows, connections)).decode() + "\n")
    else:
        Console().print(render(session.table, time.time()))


class Snapshot(Struct, frozen=True):
    """What --once --output json prints."""

    readings: list[RowView]
    connections: list[ConnectionView]
