"""The program `python -m pumpjack_worker` as its users run it, against a simulated PLC."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import redis.asyncio
import structlog

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core import config, wire
from pumpjack_core.config import Connection
from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.types import CredentialsSecretRef, ModbusTcp, ScadaConnectionSpec
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import ensure_tenant, writer_role
from pumpjack_core.tags import Tag, TagTable, WellFacts
from pumpjack_worker import main
from pumpjack_worker.adapters.modbus_tcp.address import Area
from pumpjack_worker.adapters.modbus_tcp.simulated_device import DeviceServer, SimulatedDevice
from pumpjack_worker.main import RESTART, UNDRAINED, surroundings
from pumpjack_worker.pipeline.pipeline import Pipeline
from pumpjack_worker.settings import Settings
from tests.workers.pipeline.scripted import until

pytestmark = pytest.mark.servers

TENANT = "permian"
CONNECTION = "ops/plc"
REGISTERS = 10


def register(number: int, **more: Any) -> Tag:
    return Tag("a1", f"r{number}", f"holding:@{number}", "uint16", 0.1, **more)


class Site:
    """A PLC that counts its polls in its registers, the stores, and workers between them."""

    def __init__(self, folder: Path, database: asyncpg.Connection, writer_url: str) -> None:
        self.folder, self.database, self.writer_url = folder, database, writer_url
        self.redis_url = ""
        self.plc_port = 0
        self.status_port = free_ports(1)[0]
        self.device = SimulatedDevice()
        self.device.on_read = self._count
        self.polls = 0
        self._client = httpx.AsyncClient(timeout=60)
        self._running: list[asyncio.subprocess.Process] = []
        self._show()

    def _count(self, *_: object) -> None:
        self.polls += 1
        self._show()

    def _show(self) -> None:
        shown = self.polls.to_bytes(2, "big") * REGISTERS
        self.device.memory(1, Area.HOLDING).write(0, shown)

    def configure(self, *tags: Tag, **spec: Any) -> None:
        target = ModbusTcp(host="127.0.0.1", port=self.plc_port, unit_id=1)
        config.save(
            config.worker_config(
                tenant_id=TENANT,
                connection_id=CONNECTION,
                spec=ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=target, **spec),
                allowed_networks=("127.0.0.0/8",),
                tags=TagTable(tags),
            ),
            self.folder / "config",
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("PUMPJACK_")},
            "PUMPJACK_CONFIG_DIR": str(self.folder / "config"),
            "PUMPJACK_JOURNAL_DIR": str(self.folder / "journal"),
            "PUMPJACK_DATABASE_URL": self.writer_url,
            "PUMPJACK_REDIS_URL": self.redis_url,
            "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{self.status_port}",
        }

    async def start(self, **settings: str) -> asyncio.subprocess.Process:
        """A worker that reads the PLC."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pumpjack_worker",
            env={**self.environment, **settings},
            stderr=(self.folder / "worker.log").open("ab"),
        )
        self._running.append(process)
        await until(self.is_reading)
        return process

    async def is_reading(self) -> bool:
        try:
            answer = await self.get("/status")
        except httpx.TransportError:
            return False
        if not answer.is_success:
            return False
        return answer.json()["state"] == "connected" and answer.json()["readings"] > 0

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(f"http://127.0.0.1:{self.status_port}{path}")

    async def stored(self, name: str = "r0") -> list[float | None]:
        rows = await self.database.fetch(
            "SELECT r.value FROM pumpjack.reading r JOIN pumpjack.series s USING (tag_id)"
            " WHERE s.tag_name = $1 ORDER BY r.ts",
            name,
        )
        return [row["value"] for row in rows]

    async def has_stored(self, count: int, name: str = "r0") -> None:
        async def enough() -> bool:
            return len(await self.stored(name)) >= count

        await until(enough)

    async def end(self) -> None:
        await self._client.aclose()
        for process in self._running:
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture
async def site(tmp_path: Path, empty_database: str, valkey: Any) -> AsyncIterator[Site]:
    await migrate(empty_database)
    database = await asyncpg.connect(empty_database)
    await ensure_tenant(database, TENANT)
    login = empty_database.replace("postgres@", f"{writer_role(TENANT)}@")
    site = Site(tmp_path, database, login)
    site.redis_url = valkey.url
    async with DeviceServer({0: site.device}) as server:
        site.plc_port = server.ports[0]
        site.configure(*(register(number) for number in range(3)))
        yield site
        await site.end()
    await database.close()


async def exit_code(process: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(process.wait(), 60)


def no_value_twice(values: list[float | None]) -> bool:
    """The PLC shows another number at each poll: one that is stored twice was not read twice."""
    numbers = [value for value in values if value is not None]
    return numbers == sorted(set(numbers))


async def test_it_tells_what_it_does_and_on_sigterm_stores_what_was_read_and_exits_0(
    site: Site,
) -> None:
    worker = await site.start()
    status = (await site.get("/status")).json()
    assert (status["tenantId"], status["connectionId"], status["tags"]) == (TENANT, CONNECTION, 3)
    assert status["configHash"] == config.load(site.folder / "config").hash
    assert (await site.get("/healthz")).json() == {"status": "ok"}
    assert (await site.get("/readyz")).status_code == 200
    assert (await site.get("/nowhere")).status_code == 404
    text = (await site.get("/metrics")).text
    labels = f'connection_id="{CONNECTION}",tenant_id="{TENANT}"'
    good = f'protocol="modbus-tcp",quality="GOOD",tenant_id="{TENANT}"'
    for line in (
        f"scada_readings_ingested_total{{{good}}}",
        f'scada_end_to_end_latency_seconds_bucket{{le="0.05",tenant_id="{TENANT}"}}',
        f'scada_readings_per_second{{tenant_id="{TENANT}"}}',
        f'scada_active_connections{{protocol="modbus-tcp",tenant_id="{TENANT}"}} 1.0',
        f"scada_journal_batches{{{labels}}}",
        f"scada_journal_oldest_seconds{{{labels}}}",
        f"scada_readings_duplicate_total{{{labels}}}",
        f"scada_readings_quarantined_total{{{labels}}}",
        "# TYPE scada_validation_errors_total counter",
    ):
        assert line in text

    worker.send_signal(signal.SIGTERM)
    assert await exit_code(worker) == 0
    values = await site.stored()
    assert values
    assert no_value_twice(values)
    beat = await _heartbeat(site)
    assert beat.state == "stopped"
    assert beat.journal_batches == 0
    assert set(beat.wells) == {"a1"}


async def test_without_its_stores_it_reads_and_the_next_start_stores_it_all(site: Site) -> None:
    nobody = free_ports(1)[0]
    worker = await site.start(
        PUMPJACK_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{nobody}/none",
        PUMPJACK_REDIS_URL=f"redis://127.0.0.1:{nobody}/0",
        PUMPJACK_DRAIN_S="0.2",
    )

    async def told() -> bool:
        problems = " ".join((await site.get("/status")).json()["problems"])
        return "database takes no readings" in problems and "Redis" in problems

    await until(told)
    worker.send_signal(signal.SIGTERM)
    assert await exit_code(worker) == UNDRAINED == 3
    assert await site.stored() == []
    read = site.polls
    await site.start()
    await site.has_stored(read)
    assert no_value_twice(await site.stored())


async def test_tags_change_without_a_restart_and_the_connection_with_one(site: Site) -> None:
    worker = await site.start()
    site.configure(register(7), register(0))
    await site.has_stored(3, "r7")
    site.configure(register(0), poll_interval="2s")
    assert await exit_code(worker) == RESTART == 75

    await site.start()  # stores what the restart left in the journal

    async def all_stored() -> bool:
        return len(await site.stored()) >= site.polls - 2

    await until(all_stored)
    assert (site.folder / "worker.log").read_text().count('"connected"') == 2
    kept = [value for value in await site.stored() if value is not None]
    assert no_value_twice(kept)
    assert (await site.stored("r1"))[-1] is not None


async def test_kill_minus_9_and_a_new_start_store_everything_once(site: Site) -> None:
    feed = redis.asyncio.from_url(site.redis_url)

    async def position() -> wire.Position:
        raw = await feed.hget(wire.latest_key(TENANT, "a1"), "@" + CONNECTION)
        return msgspec.json.decode(raw or b'{"epoch": "", "seq": 0}', type=wire.Position)

    async def shown() -> bool:
        return (await position()).seq > 0

    async def goes_on() -> bool:
        return (await position()).seq > before.seq

    worker = await site.start()
    await site.has_stored(3)
    await until(shown)
    worker.kill()
    await worker.wait()
    before, safe = await position(), await site.stored()
    worker = await site.start()
    await until(goes_on)
    assert (await position()).epoch == before.epoch
    await feed.aclose()

    worker.send_signal(signal.SIGTERM)
    assert await exit_code(worker) == 0
    values = [value for value in await site.stored() if value is not None]
    assert no_value_twice(values)
    assert set(safe) <= set(values)
    assert values[-1] >= site.polls - 2  # one poll may be on its way when it is stopped


async def _heartbeat(site: Site) -> wire.Heartbeat:
    feed = redis.asyncio.from_url(site.redis_url)
    found = wire.decode_message(await feed.hget(wire.heartbeat_key(TENANT), CONNECTION))
    await feed.aclose()
    assert isinstance(found, wire.Heartbeat)
    return found


# Watching the folder of its configuration


class Told(Pipeline):
    """Only remembers which configurations it was told to apply."""

    def __init__(self) -> None:
        self.applied: list[tuple[str, ...]] = []

    def apply(self, config: config.WorkerConfig) -> None:
        self.applied.append(tuple(tag.name for tag in config.tags.tags))


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Begins to watch a folder: watched(folder) gives the pipeline that is told."""
    monkeypatch.setattr(main, "RELOAD_S", 0.01)
    tasks = []

    async def watch(folder: Path, known: Path | None = None) -> tuple[Told, asyncio.Task[None]]:
        told = Told()
        settings = Settings(folder, tmp_path, "", "")
        read = config.load(known or folder)
        task = asyncio.create_task(main._reload_forever(told, read, settings))
        tasks.append(task)
        await asyncio.sleep(0.05)
        return told, task

    yield watch
    for task in tasks:
        task.cancel()


def written(folder: Path, *tags: Tag, **spec: Any) -> Path:
    site = Site(folder, None, "")  # type: ignore[arg-type]
    site.configure(*tags, **spec)
    return folder / "config"


async def test_a_mounted_configmap_is_followed_when_its_link_is_swapped(
    tmp_path: Path, watched: Any
) -> None:
    written(tmp_path / "first", register(0))
    written(tmp_path / "second", register(5))
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to("../first/config")
    for name in ("connection.json", "tags-000.json.gz"):
        (mounted / name).symlink_to(f"..data/{name}")
    told, task = await watched(mounted)
    (mounted / "..data_tmp").symlink_to("../second/config")
    (mounted / "..data_tmp").rename(mounted / "..data")
    await until(lambda: told.applied == [("r5",)])
    assert not task.done()


async def test_a_change_while_the_worker_starts_is_not_missed(tmp_path: Path, watched: Any) -> None:
    before = written(tmp_path / "before", register(0))
    told, _ = await watched(written(tmp_path / "now", register(0), register(1)), before)
    await until(lambda: told.applied == [("r0", "r1")])


async def test_what_is_said_of_wells_alone_is_applied_without_a_start(
    tmp_path: Path, watched: Any
) -> None:
    folder = written(tmp_path, register(0))
    told, task = await watched(folder)
    before = config.load(folder)
    for title in ("Permian A-1", "Permian A-2"):
        known = len(told.applied)
        said = TagTable(before.tags.tags, (WellFacts("a1", title=title),))
        connection = msgspec.structs.replace(before.connection, tags_hash=said.full_hash)
        config.save(config.WorkerConfig(connection, said), folder)
        await until(lambda known=known: len(told.applied) > known)
    assert not task.done()


async def test_a_configuration_that_is_broken_for_a_while_stops_nothing_and_is_told_once(
    tmp_path: Path, watched: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [""]

    def warnings() -> int:
        said[0] += capsys.readouterr().out
        return said[0].count("not whole yet")

    folder = written(tmp_path, register(0))
    told, task = await watched(folder)
    (folder / "connection.json").write_bytes(b"{")
    await until(lambda: warnings() == 1)
    written(tmp_path, register(0), register(1))
    await until(lambda: len(told.applied) == 1)
    tags = folder / "tags-000.json.gz"
    tags.write_bytes(tags.read_bytes()[:12] + b"\xff" * 8)
    os.utime(folder / "connection.json")
    await until(lambda: warnings() == 2)
    assert not task.done()
    written(tmp_path, register(6))
    await until(lambda: told.applied == [("r0", "r1"), ("r6",)])
    assert warnings() == 2


# A start that cannot be


def said(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """What a worker says that ends by itself with exit code 1."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code == 1
    return capsys.readouterr().err.splitlines()


@pytest.fixture(autouse=True)
def _logging_of_this_test_only() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    """An environment with which it would start, if there were stores."""
    site = Site(tmp_path, None, "postgresql://w@127.0.0.1:1/none")  # type: ignore[arg-type]
    site.plc_port, site.redis_url = 1, "redis://127.0.0.1:1/0"
    site.configure(register(0))
    return site.environment


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"PUMPJACK_DATABASE_URL": ""}, "PUMPJACK_DATABASE_URL is not set"),
        ({"PUMPJACK_DRAIN_S": "soon"}, "not a number of seconds"),
        ({"PUMPJACK_REDIS_URL": "redis.example"}, "begins with redis://"),
        ({"PUMPJACK_CONFIG_DIR": "/nowhere"}, "/nowhere/connection.json"),
        ({"PUMPJACK_JOURNAL_DIR": "/proc/journal"}, "/proc/journal"),
        ({"PUMPJACK_STATUS_ADDRESS": "127.0.0.1:99999"}, "free host:port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_environment_gets_one_sentence(
    told: dict[str, str],
    change: dict[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (line,) = said({**told, **change}, monkeypatch, capsys)
    assert line.startswith("error: ")
    assert sentence in line


def test_a_busy_status_port_gets_one_sentence(told: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "pumpjack_worker"],
            env={**told, "PUMPJACK_STATUS_ADDRESS": address},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert address in line


def test_a_secret_that_is_named_and_not_mounted_is_told(tmp_path: Path) -> None:
    spec = ScadaConnectionSpec(
        protocol="modbus-tcp",
        modbus_tcp=ModbusTcp(host="plc"),
        credentials_secret_ref=CredentialsSecretRef("plc-login"),
    )
    connection = Connection("permian", "ops/plc", spec, (), "")
    settings = Settings(tmp_path, tmp_path, "postgresql://w@db/p", "redis://r")
    with pytest.raises(ManifestError, match=r"plc-login.*PUMPJACK_SECRETS_DIR"):
        surroundings(connection, settings, ())
    mounted = msgspec.structs.replace(settings, secrets_dir=tmp_path / "login")
    assert surroundings(connection, mounted, ()).secrets == tmp_path / "login"


def test_a_secret_that_the_connection_does_not_name_is_not_given_to_the_device(
    tmp_path: Path,
) -> None:
    spec = ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="plc"))
    connection = Connection("permian", "ops/plc", spec, (), "")
    settings = Settings(
        tmp_path, tmp_path, "postgresql://w@db/p", "redis://r", secrets_dir=tmp_path
    )
    assert surroundings(connection, settings, ()).secrets is None
