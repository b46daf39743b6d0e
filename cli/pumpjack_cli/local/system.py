"""A running local system: one worker a connection, one gateway, upkeep; follows its manifests."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pumpjack_cli.local import credential_files, journals, programs
from pumpjack_cli.local.addresses import Address, free_ports
from pumpjack_cli.local.database import Database
from pumpjack_cli.local.datadir import DataDir, Lock, Running
from pumpjack_cli.local.edits import Edits
from pumpjack_cli.local.plan import DEFAULT_WRITE_NETWORKS, Plan, changes, make_plan
from pumpjack_cli.local.programs import GATEWAY, SIMULATOR, WORKER
from pumpjack_cli.local.progress import Progress
from pumpjack_cli.local.status import WorkerStatus, fetch_all, http_get, news, status_line
from pumpjack_cli.local.supervisor import Program, Supervisor
from pumpjack_core import config as configuration
from pumpjack_core.config import WorkerConfig
from pumpjack_core.errors import SetupError, StorageError
from pumpjack_core.storage.maintain import maintain

STATUS_S = 2.0
START_LIMIT_S = 90.0
START_LIMIT_A_WORKER_S = 1.0
UPKEEP_AGAIN_S = 300.0
LOOK_S = 0.1


@dataclass(frozen=True)
class Settings:
    """What is to run.

    manifests   files and folders; they are followed while it runs
    networks    CIDRs that workers may reach
    simulators  devices to start first, with the ports that they listen on
    writable    CIDRs where workers may write commands
    """

    manifests: tuple[Path, ...]
    networks: tuple[str, ...]
    rest: Address
    websocket: Address
    simulators: tuple[tuple[Program, tuple[int, ...]], ...] = ()
    writable: tuple[str, ...] = DEFAULT_WRITE_NETWORKS

    def plan(self) -> Plan:
        """Read the manifests. Raises as make_plan()."""
        return make_plan(self.manifests, self.networks, self.writable)


class LocalSystem:
    """Everything but the stores. Entering starts it, leaving stops it in order."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        *,
        data: DataDir,
        lock: Lock,
        database: Database,
        redis_url: str,
        progress: Progress,
    ) -> None:
        self.settings = settings
        self.plan = plan
        self.data = data
        self.database = database
        self.redis_url = redis_url
        self.supervisor = Supervisor(data.root, progress)
        self.statuses: dict[str, WorkerStatus | None] = {}
        self._lock = lock
        self._progress = progress
        self._ports: dict[str, int] = {}
        self._running: dict[str, WorkerConfig] = {}
        self._secrets: dict[str, Mapping[str, bytes]] = {}
        self.started = False
        self._stack = AsyncExitStack()

    @property
    def rest_url(self) -> str:
        """Where REST is reached from this machine."""
        return f"http://{self.settings.rest.reached_at}"

    @property
    def websocket_url(self) -> str:
        """Where the WebSocket is reached from this machine."""
        return f"ws://{self.settings.websocket.reached_at}"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            await self._prepare_database()
            await starting.enter_async_context(self.supervisor)
            starting.push_async_callback(self._stop_children)
            self.supervisor.start(
                programs.gateway(
                    data=self.data,
                    database=self.database,
                    redis_url=self.redis_url,
                    rest=self.settings.rest,
                    websocket=self.settings.websocket,
                )
            )
            await self._start_simulators()
            self._say_what_is_abandoned()
            await self._start_workers()
            await self._wait_for_gateway()
            tasks = await starting.enter_async_context(asyncio.TaskGroup())
            edits = Edits(self.settings.manifests, self.settings.plan, self.apply, self._progress)
            for coroutine, name in (
                (edits.follow(), "edits"),
                (self._follow_statuses(), "statuses"),
                (self._keep_database(), "upkeep"),
            ):
                task = tasks.create_task(coroutine, name=name)
                starting.callback(task.cancel)
            self._say_where()
            self._stack = starting.pop_all()
        self.started = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._progress.end_line()
        await self._stack.__aexit__(kind, error, tb)

    # Starting

    async def _prepare_database(self) -> None:
        with self._progress.step("database schema") as step:
            report = await self.database.prepare()
            step.detail = report.level + (
                f", {len(report.applied)} files" if report.applied else ""
            )
        with self._progress.step("tenants") as step:
            await self._make_tenants(self.plan)
            step.detail = ", ".join(self.plan.tenant_ids) or "none"

    async def _make_tenants(self, plan: Plan) -> None:
        self.data.remember_tenants(plan.tenants)
        await self.database.ensure_tenants(plan.tenant_ids)

    async def _start_simulators(self) -> None:
        if not self.settings.simulators:
            return
        with self._progress.step("simulated devices") as step:
            ports = [port for _, listening in self.settings.simulators for port in listening]
            for program, _ in self.settings.simulators:
                self.supervisor.start(program)
            await self._until(lambda: _listen(ports), START_LIMIT_S, SIMULATOR)
            step.detail = ", ".join(f"127.0.0.1:{port}" for port in ports)

    async def _start_workers(self) -> None:
        names = list(self.plan.configs)
        with self._progress.step("workers") as step:
            folders = [self.data.credentials(name) for name in self.plan.secrets]
            credential_files.keep_only(self.data.devices, {folder.name for folder in folders})
            for name in names:
                self._start_worker(name, self.plan)
            limit_s = START_LIMIT_S + START_LIMIT_A_WORKER_S * len(names)
            await self._until(self._workers_answer, limit_s, WORKER)
            step.detail = f"{len(names)} connections"

    async def _wait_for_gateway(self) -> None:
        with self._progress.step("gateway") as step:
            await self._until(self._gateway_is_ready, START_LIMIT_S, GATEWAY)
            step.detail = f"{self.rest_url}, {self.websocket_url}"

    def _start_worker(self, connection_id: str, plan: Plan) -> None:
        config = plan.configs[connection_id]
        configuration.save(config, self.data.config(connection_id))
        self._keep_secret(connection_id, plan)
        (self._ports[connection_id],) = free_ports(1)
        self._running[connection_id] = config
        self.supervisor.start(
            programs.worker(
                connection_id,
                config.connection.tenant_id,
                data=self.data,
                database=self.database,
                redis_url=self.redis_url,
                status_port=self._ports[connection_id],
                has_secret=connection_id in plan.secrets,
            )
        )

    def _keep_secret(self, connection_id: str, plan: Plan) -> None:
        """Write what a connection's Secret holds; its worker reads it at each connect."""
        values = plan.secrets.get(connection_id)
        credential_files.replace(self.data.credentials(connection_id), values)
        if values is None:
            self._secrets.pop(connection_id, None)
        else:
            self._secrets[connection_id] = values

    async def _gateway_is_ready(self) -> bool:
        try:
            code, _ = await http_get(
                self.settings.rest.port, "/readyz", host=self.settings.rest.reached_host
            )
        except (OSError, TimeoutError):
            return False
        return code == 200

    async def _workers_answer(self) -> bool:
        self.statuses = await fetch_all(self._ports)
        return all(status is not None for status in self.statuses.values())

    async def _until(
        self, condition: Callable[[], Awaitable[bool]], limit_s: float, kind: str
    ) -> None:
        """Wait for a condition. Raises SetupError with the log of what did not come up."""
        limit = time.monotonic() + limit_s
        while not await condition():
            if time.monotonic() > limit:
                raise SetupError(
                    f"the {kind} did not start within {limit_s:.0f} s; "
                    f"{self.data.logs}/{kind}*.log says why"
                )
            await asyncio.sleep(LOOK_S)

    def _say_where(self) -> None:
        """Let `pumpjack watch` and `token` find us."""
        self._lock.say(
            Running(os.getpid(), self.rest_url, self.websocket_url, tuple(self.plan.tenant_ids))
        )

    # Running

    async def apply(self, plan: Plan) -> None:
        """Bring what runs to another plan. Workers of changed connections go on running.

        Raises PumpjackError or OSError half-way; the next call continues from there.
        """
        for remark in plan.remarks:
            if remark not in self.plan.remarks:
                self._progress.warn(remark)
        found = changes(self._running, plan.configs)
        if found:
            await self._make_tenants(plan)
        await self._stop_workers(found.removed)
        for name in plan.secrets:
            if name in self._secrets and plan.secrets[name] != self._secrets[name]:
                self._keep_secret(name, plan)
                self._progress.note(f"{name}: its Secret was changed; used at the next connect")
        for name in found.changed:
            await self._change_worker(name, plan)
        for name in found.added:
            self._start_worker(name, plan)
            self._progress.note(f"{name}: added, {len(plan.configs[name].tags)} tags")
        self.plan = plan
        self._say_where()

    async def _change_worker(self, name: str, plan: Plan) -> None:
        config = plan.configs[name]
        if (name in plan.secrets) == (name in self._secrets):
            self._running[name] = config
            configuration.save(config, self.data.config(name))
        else:  # only a new process learns where the Secret is
            await self.supervisor.stop([(WORKER, name)])
            self._start_worker(name, plan)
        self._progress.note(f"{name}: changed, {len(config.tags)} tags")

    async def _stop_workers(self, names: Sequence[str]) -> None:
        await self.supervisor.stop([(WORKER, name) for name in names])
        for name in names:
            del self._running[name], self._ports[name]
            self._secrets.pop(name, None)
            credential_files.replace(self.data.credentials(name), None)
            self.statuses.pop(name, None)
            self._progress.note(f"{name}: removed")
            self._say_what_waits([name])

    async def _keep_database(self) -> None:
        """Roll-ups, partitions and retention, as `pumpjack maintain` does them elsewhere."""
        while True:
            try:
                await maintain(self.database.maintain, progress=self._progress.warn)
            except StorageError as error:
                self._progress.warn(f"upkeep of the database: {error}")
            await asyncio.sleep(UPKEEP_AGAIN_S)

    async def _follow_statuses(self) -> None:
        while True:
            found = await fetch_all(self._ports)
            for name, status in found.items():
                for text in news(self.statuses.get(name), status):
                    self._progress.warn(text)
            self.statuses.update(
                (name, status) for name, status in found.items() if name in self._ports
            )
            restarts = sum(map(self.supervisor.restarts, self.supervisor.keys(WORKER)))
            self._progress.line(status_line(self.statuses.values(), restarts))
            await asyncio.sleep(STATUS_S)

    def _say_what_is_abandoned(self) -> None:
        for folder, count in journals.abandoned(self.data, self.plan.configs):
            self._progress.warn(
                f"{count} readings wait in {folder}, whose connection is declared no more; they "
                "are stored when it is declared again (suspend: true leaves its device alone)"
            )

    # Stopping

    async def _stop_children(self) -> None:
        """Workers first, so that they can store what they have; devices last."""
        self._progress.end_line()
        with self._progress.step("stopping the workers"):
            await self.supervisor.stop(self.supervisor.keys(WORKER))
        self._say_what_waits(self._running)
        with self._progress.step("stopping the gateway"):
            await self.supervisor.stop(self.supervisor.keys(GATEWAY))
        await self.supervisor.stop(self.supervisor.keys(SIMULATOR))

    def _say_what_waits(self, connection_ids: Iterable[str]) -> None:
        """Readings of stopped workers that the database did not take yet."""
        for name in connection_ids:
            if count := journals.waiting(self.data.journal(name)):
                self._progress.warn(
                    f"{name}: {count} readings wait in {self.data.journal(name)}; they are stored "
                    "when this connection runs again"
                )


async def _listen(ports: Sequence[int]) -> bool:
    """Whether a server answers on each of the ports."""
    for port in ports:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
    return True
