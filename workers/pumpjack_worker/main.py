"""Run one worker: a connection from the device to the stores.

Told by its environment (settings.py). A change of tags in its folder is applied while it runs;
a change of anything else ends it with RESTART, and whoever started it starts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from concurrent.futures import Future

from msgspec.structs import replace

from pumpjack_core import config as configuration
from pumpjack_core import log
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import CONNECTION_FILE, Connection, WorkerConfig
from pumpjack_core.errors import ManifestError, PumpjackError, leaves
from pumpjack_core.storage.commands import Orders
from pumpjack_core.storage.ingest import Ingest
from pumpjack_worker.adapters.contract import Adapter, Surroundings
from pumpjack_worker.adapters.registry import adapter_class
from pumpjack_worker.pipeline.metrics import Metrics
from pumpjack_worker.pipeline.pipeline import Pipeline
from pumpjack_worker.pipeline.status import Status
from pumpjack_worker.settings import Settings, read
from pumpjack_worker.status_server import StatusServer

RESTART = 75
"""Exit code that asks to be started again at once (EX_TEMPFAIL of sysexits.h)."""
UNDRAINED = 3
"""Exit code after a stop that leaves readings in the journal: the operator keeps its volume."""
RELOAD_S = 0.5
ANSWER_S = 5.0
"""A worker that does not say for so long what it does is stuck."""
_log = log.get_logger("worker")


def main() -> None:
    """Run until SIGTERM or SIGINT; exit 0 when all is stored, UNDRAINED when some waits."""
    code = 1
    try:
        settings = read()
        log.configure(level=settings.log_level)
        code = _run(settings)
    except* PumpjackError as group:
        for sentence in dict.fromkeys(str(error) for error in leaves(group)):
            print(f"error: {log.redact(sentence)}", file=sys.stderr)
    sys.exit(code)


def _run(settings: Settings) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(run(settings))
    return uvloop.run(run(settings))


async def run(settings: Settings) -> int:
    """Run the worker of one folder. Returns the exit code."""
    config = configuration.load(settings.config_dir)
    connection = config.connection
    clock = SystemClock()
    metrics = Metrics(
        tenant_id=connection.tenant_id,
        protocol=connection.spec.protocol,
        connection_id=connection.connection_id,
    )

    async def connect() -> Ingest:
        return await Ingest.connect(settings.database_url)

    async def connect_orders() -> Orders:
        return await Orders.connect(settings.database_url)

    def adapter(memos: tuple[bytes, ...]) -> Adapter:
        return adapter_class(connection.spec.protocol)(
            connection, config.tags, clock, surroundings(connection, settings, memos)
        )

    pipeline = await Pipeline.open(
        config,
        adapter,
        settings.journal_dir,
        connect,
        redis_url=settings.redis_url,
        clock=clock,
        metrics=metrics,
    )
    pipeline.take_commands(connect_orders, settings.redis_url)
    loop = asyncio.get_running_loop()
    server = StatusServer(
        settings.status_address, metrics.registry, lambda: _ask(pipeline, loop).result(ANSWER_S)
    )
    try:
        return await _run_until_told(pipeline, config, settings)
    finally:
        await asyncio.to_thread(server.stop)


def surroundings(
    connection: Connection, settings: Settings, memos: tuple[bytes, ...]
) -> Surroundings:
    """What the adapter finds around it. Raises ManifestError for a Secret that is not mounted."""
    secrets = settings.secrets_dir
    named = connection.spec.credentials_secret_ref
    if named is not None and secrets is None:
        raise ManifestError(
            f"{connection.connection_id} names the Secret {named.name}, and PUMPJACK_SECRETS_DIR "
            "does not say where it is mounted"
        )
    return Surroundings(
        secrets=secrets if named is not None else None,
        state=settings.journal_dir / "device",
        memos=memos,
    )


def _ask(pipeline: Pipeline, loop: asyncio.AbstractEventLoop) -> Future[Status]:
    """Ask from another thread, in the loop: a stuck worker answers nothing."""

    async def status() -> Status:
        return pipeline.status()

    return asyncio.run_coroutine_threadsafe(status(), loop)


async def _run_until_told(pipeline: Pipeline, config: WorkerConfig, settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, pipeline.stop, settings.drain_s)
    async with asyncio.TaskGroup() as tasks:
        reload = tasks.create_task(_reload_forever(pipeline, config, settings), name="reload")
        reload.add_done_callback(lambda _task: pipeline.stop(0.0))
        drained = await pipeline.run()
        if not drained:
            _log.info("what is not stored waits in the journal for the next start")
        changed = reload.done()
        reload.cancel()
    if changed:
        return RESTART
    return 0 if drained else UNDRAINED


async def _reload_forever(pipeline: Pipeline, config: WorkerConfig, settings: Settings) -> None:
    """Apply changes of tags; return when something else was changed."""
    path = settings.config_dir / CONNECTION_FILE
    seen = None  # it may have been changed since it was read
    problem = ""
    while True:
        await asyncio.sleep(RELOAD_S)
        version = _version(path)
        if version == seen:
            continue
        try:
            found = configuration.load(settings.config_dir)
        except ManifestError as error:
            if str(error) != problem:  # tried again at each look, told once
                _log.warning(f"the changed configuration is not whole yet: {error}")
            problem = str(error)
            continue
        seen, problem = version, ""
        if not _differs_in_tags_only(found, config):
            _log.info("the connection was changed; starting again with it")
            return
        if found.tags.full_hash != config.tags.full_hash:
            pipeline.apply(found)
            _log.info("the tags were changed", tags=len(found.tags))
        config = found


def _version(path: os.PathLike[str]) -> tuple[int, int]:
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(path)  # noqa: PTH116 - follows the links of a mounted ConfigMap
        return (found.st_mtime_ns, found.st_ino)
    return (0, 0)


def _differs_in_tags_only(one: WorkerConfig, other: WorkerConfig) -> bool:
    same_tags = other.connection.tags_hash
    return replace(one.connection, tags_hash=same_tags) == other.connection
