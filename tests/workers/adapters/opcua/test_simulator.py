"""The simulated servers, read by the real adapter."""

from __future__ import annotations

import asyncio
import csv
import math
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.clock import SystemClock
from pumpjack_core.config import Connection
from pumpjack_core.errors import ManifestError, NotConnected, PumpjackError
from pumpjack_core.manifests.load import load_paths
from pumpjack_core.manifests.types import Opcua, ScadaConnectionSpec
from pumpjack_core.quality import BACKFILLED, GOOD, Level, Reason, quality
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.opcua.adapter import OpcuaAdapter
from pumpjack_worker.adapters.opcua.simulated_field import (
    BAD_SENSOR_FAILURE,
    Places,
    SimulatedField,
    raw_value,
    read_value,
)
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from pumpjack_worker.adapters.opcua.simulated_wells import manifests, own_tags, wanted_by_port
from pumpjack_worker.adapters.opcua.simulator import Options, Simulated, serve, servers_of
from pumpjack_worker.simulation.ledger import HEADER, Ledger
from tests.workers.adapters.contract import LOOPBACK, read, read_all

T0_US = 1_767_000_000_000_000
SECOND_US = 1_000_000
MODULE = "pumpjack_worker.adapters.opcua.simulator"


def adapter_for(simulated: Simulated, surroundings: Surroundings | None = None) -> OpcuaAdapter:
    """The real adapter on all tags of a simulated server."""
    security = simulated.server._security[0]
    endpoint = Opcua(endpoint=simulated.server.url, security=security, publishing_interval="20ms")
    spec = ScadaConnectionSpec(protocol="opcua", opcua=endpoint)
    tags = TagTable(tuple(one.tag for one in simulated.field.placed))
    connection = Connection("permian", "permian-ops/server", spec, LOOPBACK, tags.hash)
    return OpcuaAdapter(connection, tags, SystemClock(), surroundings or Surroundings())


async def while_it_serves(
    options: Options, use: Callable[[dict[int, Simulated]], Awaitable[None]]
) -> None:
    """Run the simulator in this loop, and use it."""
    servers = servers_of(options)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(servers, options, stop))
    try:
        async with asyncio.timeout(30):
            while not all(one.server.port and one.field.field.steps for one in servers.values()):
                await asyncio.sleep(0.01)
        await use(servers)
    finally:
        stop.set()
        await serving


async def test_the_adapter_reads_exactly_what_the_ledger_says_was_shown() -> None:
    got: set[tuple[str, str, int, float]] = set()
    ledger = Ledger()

    async def use(servers: dict[int, Simulated]) -> None:
        (simulated,) = servers.values()
        simulated.field.ledger = ledger
        adapter = adapter_for(simulated)
        await adapter.connect()
        await read_all(adapter, len(simulated.field.placed))
        ledger.entries.clear()
        while len({one.changed_us for one in ledger.entries}) < 4:
            batch = await read(adapter)
            for index, us, value in zip(batch.tag_index, batch.source_us, batch.value, strict=True):
                tag = batch.tags.tags[index]
                got.add((tag.well_id, tag.name, int(us), float(value)))
        await adapter.close()

    await while_it_serves(Options(port=free_ports(1)[0], wells=1, tick_s=0.02), use)
    shown = [
        (one.well_id, one.tag_name, one.changed_us, one.value)
        for one in ledger.entries
        if not math.isnan(one.value)
    ]
    last_read = max(us for _, _, us, _ in got)
    assert {one for one in shown if one[2] < last_read} <= got


async def test_a_dead_sensor_is_told_as_such() -> None:
    async def use(servers: dict[int, Simulated]) -> None:
        (simulated,) = servers.values()
        names = [one.tag.name for one in simulated.field.placed]
        adapter = adapter_for(simulated)
        await adapter.connect()
        await read_all(adapter, len(names))
        simulated.field.field.kill(names.index("casing_pressure"), until_s=math.inf)
        dead = None
        while dead is None:
            batch = await read(adapter)
            rows = zip(batch.tag_index, batch.value, batch.quality, strict=True)
            for index, value, code in rows:
                if names[index] == "casing_pressure" and code != GOOD:
                    dead = value, code
        await adapter.close()
        assert math.isnan(dead[0])
        assert dead[1] == quality(Level.BAD, Reason.SENSOR_FAILURE)

    await while_it_serves(Options(port=free_ports(1)[0], wells=1, tick_s=0.02), use)


def test_a_value_is_shown_once_in_its_interval_and_only_when_it_changes() -> None:
    field = SimulatedField(Places(own_tags(1)).placed)
    field.ledger = Ledger()
    assert len(field.step(T0_US)) == len(field.placed)
    assert field.step(T0_US + SECOND_US // 2) == []
    changed = {one.node for one in field.step(T0_US + SECOND_US)}
    assert "ns=2;s=well-1.casing_pressure" in changed
    assert "ns=2;s=well-1.esd_tripped" not in changed
    times = {one.changed_us for one in field.ledger.entries}
    assert times == {T0_US, T0_US + SECOND_US}


def test_a_sensor_that_dies_and_comes_back_is_told_both_times() -> None:
    field = SimulatedField(Places(own_tags(1)).placed)
    field.step(T0_US)
    node = field.placed[0].node
    field.field.kill(0, until_s=T0_US / 1e6 + 2.5)

    def told(second: int) -> list[int]:
        changes = field.step(T0_US + second * SECOND_US)
        return [one.status for one in changes if one.node == node]

    assert [told(1), told(2), told(3)] == [[BAD_SENSOR_FAILURE], [], [0]]


@pytest.mark.parametrize(
    ("data_type", "value", "raw", "read_back"),
    [
        ("float64", 812.5, 1625.0, 812.5),
        ("float32", 0.1, 0.2, 0.1),
        ("int16", 7.3, 15, 7.5),
        ("uint16", -4.0, 0, 0.0),
        ("int16", 1e9, 32_767, 16_383.5),
        ("bool", 1.0, True, 0.5),
    ],
)
def test_nodes_hold_what_a_client_must_read(
    data_type: str, value: float, raw: float, read_back: float
) -> None:
    tag = Tag("w1", "t", "ns=2;s=t", data_type, 1.0, scale=0.5)
    held = raw_value(tag, value)
    assert held == pytest.approx(raw)
    assert type(held) is type(raw)
    assert read_value(tag, held) == pytest.approx(read_back)


def test_addresses_of_all_kinds_have_their_nodes() -> None:
    addresses = [
        "ns=2;s=a",
        "ns=2;i=7",
        "nsu=urn:maker:plc;s=b",
        "ns=3;s=c",
        "ns=2;g=72962b91-fa75-4ae6-8d28-b404dc7daf63",
        "ns=2;b=AQI=",
    ]
    tags = [Tag("w1", f"t{at}", text, "int16", 1.0) for at, text in enumerate(addresses)]
    twice = msgspec.structs.replace(tags[0], name="again")
    wrong = Tag("w1", "wrong", "holding:40001", "int16", 1.0)
    places = Places([*tags, twice, wrong, Tag("w1", "clock", "i=2258", "int16", 1.0)])
    assert [one.node for one in places.placed] == [
        "ns=2;s=a",
        "ns=2;i=7",
        "ns=4;s=b",
        "ns=3;s=c",
        "ns=2;g=72962b91-fa75-4ae6-8d28-b404dc7daf63",
        "ns=2;b=0x0102",
    ]
    assert places.namespaces == ("urn:pumpjack:simulator:3", "urn:maker:plc")
    assert "another tag has the same node" in places.left_out["ns=2;s=a"]
    assert "is no node id" in places.left_out["holding:40001"]
    assert "the standard's own" in places.left_out["i=2258"]


def test_the_manifests_of_its_own_wells_are_valid_and_read_its_own_wells(tmp_path: Path) -> None:
    (tmp_path / "wells.yaml").write_text(manifests(3, 14_840))
    assert load_paths([tmp_path]).valid
    ((port, wanted),) = wanted_by_port([tmp_path]).items()
    assert port == 14_840
    assert wanted.security == "None"
    assert [(tag.well_id, tag.name, tag.address, tag.unit, tag.high) for tag in wanted.tags] == [
        (tag.well_id, tag.name, tag.address, tag.unit, tag.high) for tag in own_tags(3)
    ]


CONNECTION = """
apiVersion: pumpjack.dev/v1alpha1
kind: ScadaConnection
metadata: {{name: {name}, namespace: permian-ops}}
spec:
  protocol: opcua
  opcua: {{endpoint: "opc.tcp://{host}:{port}/plc", security: {security}}}
  credentialsSecretRef: {{name: login}}
---
apiVersion: pumpjack.dev/v1alpha1
kind: TagMapping
metadata: {{name: {name}, namespace: permian-ops}}
spec:
  connectionRef: {{name: {name}}}
  wellId: {name}
  tags:
    - {{name: oil_rate, address: "ns=2;s={name}.oil", dataType: float64, interval: 100ms}}
---
"""
SECRET = """
apiVersion: v1
kind: Secret
type: pumpjack.dev/device-credentials
metadata: {name: login, namespace: permian-ops}
stringData: {username: operator, password: correct horse}
---
apiVersion: v1
kind: Namespace
metadata: {name: permian-ops, labels: {pumpjack.dev/tenant: permian}}
"""


def written(folder: Path, *connections: str) -> tuple[str, ...]:
    (folder / "field.yaml").write_text("".join(connections) + SECRET)
    return (str(folder),)


async def test_a_connection_is_served_with_its_security_and_its_secrets_login(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    one = CONNECTION.format(name="a", host="127.0.0.1", port=port, security="SignAndEncrypt")

    async def use(servers: dict[int, Simulated]) -> None:
        simulated = servers[port]
        assert simulated.server.identity is not None
        mounted = tmp_path / "secret"
        mounted.mkdir()
        (mounted / "username").write_text("operator")
        (mounted / "password").write_text("correct horse")
        (mounted / "ca.crt").write_bytes((tmp_path / "state" / "own.pem").read_bytes())
        adapter = adapter_for(simulated, Surroundings(secrets=mounted))
        await adapter.connect()
        assert list(await read_all(adapter, 1)) == ["oil_rate"]
        await adapter.close()

    files = written(tmp_path, one)
    await while_it_serves(Options(files=files, state=tmp_path / "state", tick_s=0.02), use)


def test_two_connections_of_one_port_are_one_server(tmp_path: Path) -> None:
    both = [CONNECTION.format(name=name, host="plc", port=4840, security="Sign") for name in "ab"]
    ((port, wanted),) = wanted_by_port(written(tmp_path, *both)).items()
    assert port == 4840
    assert [tag.well_id for tag in wanted.tags] == ["a", "b"]
    assert wanted.users == {"operator": "correct horse"}
    assert "horse" not in repr(wanted)


@pytest.mark.parametrize(
    ("host", "security", "why"),
    [("other", "Sign", "are different servers"), ("plc", "None", "want different security")],
)
def test_connections_that_no_single_server_can_serve_are_told(
    tmp_path: Path, host: str, security: str, why: str
) -> None:
    files = written(
        tmp_path,
        CONNECTION.format(name="a", host="plc", port=4840, security="Sign"),
        CONNECTION.format(name="b", host=host, port=4840, security=security),
    )
    with pytest.raises(ManifestError, match=why):
        wanted_by_port(files)
    assert list(wanted_by_port(files, "b")) == [4840]


def test_a_port_is_for_one_server(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        CONNECTION.format(name="a", host="plc", port=4840, security="Sign"),
        CONNECTION.format(name="b", host="plc", port=4841, security="Sign"),
    )
    with pytest.raises(ManifestError, match="pick one with --connection"):
        servers_of(Options(files=files, port=1600))
    assert list(servers_of(Options(files=files, port=1600, connection="b"))) == [1600]


def test_credentials_without_a_username_are_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="holds no file username"):
        servers_of(Options(credentials=tmp_path))


async def test_a_busy_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = Options(port=port)
        with pytest.raises(PumpjackError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            await serve(servers_of(options), options, asyncio.Event())


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_as_a_program_and_a_signal_ends_it_cleanly(
    name: signal.Signals, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    ledger = tmp_path / "ledger.csv"
    command = [sys.executable, "-m", MODULE, "--port", str(port), "--ledger", str(ledger)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert f"127.0.0.1:{port} serves 42 tags, 3 wells" in program.stderr.readline()
        assert "Ctrl-C" in program.stderr.readline()
        program.send_signal(name)
        assert program.wait(60) == 0
        assert program.stderr.read() == ""
    with ledger.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == HEADER.strip().split(",")
    assert len(rows) >= 42


def test_a_busy_port_ends_the_program_with_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", MODULE, "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot listen on 127.0.0.1:{port}")


async def test_what_was_missed_can_be_read_back() -> None:
    """The server forgets the session while the adapter is away; its history has the values."""
    ledger = Ledger()
    got: set[tuple[str, int, float]] = set()
    backfilled = 0

    async def use(servers: dict[int, Simulated]) -> None:
        nonlocal backfilled
        (simulated,) = servers.values()
        adapter = adapter_for(simulated)
        await adapter.connect()
        await read_all(adapter, len(simulated.field.placed))
        simulated.field.ledger = ledger
        await simulated.server.forget_sessions()
        simulated.server.hang_up()
        while len({one.changed_us for one in ledger.entries}) < 2:
            await asyncio.sleep(0.05)
        with pytest.raises(NotConnected):
            while True:
                await read(adapter)
        await adapter.connect()
        last = {one.tag_name: one.changed_us for one in ledger.entries}  # comes live
        wanted = {
            (one.tag_name, one.changed_us, one.value)
            for one in ledger.entries
            if one.changed_us < last[one.tag_name] and not math.isnan(one.value)
        }
        assert wanted
        async with asyncio.timeout(30):
            while not wanted <= got:
                batch = await read(adapter)
                backfilled += int((batch.quality & BACKFILLED != 0).sum())
                names = [batch.tags.tags[index].name for index in batch.tag_index.tolist()]
                rows = zip(names, batch.source_us.tolist(), batch.value.tolist(), strict=True)
                got.update(rows)
        await adapter.close()

    await while_it_serves(Options(port=free_ports(1)[0], wells=1, tick_s=0.02), use)
    assert backfilled > 0


async def test_history_is_kept_for_some_minutes_only() -> None:
    node = Places(own_tags(1)).nodes["ns=2;s=well-1.oil_rate"]
    async with SimulatedServer({"ns=2;s=t": node}, history_kept=100) as server:
        for value in range(1_000):
            await server.write("ns=2;s=t", float(value))
        (kept,) = server._history._datachanges.values()
    assert [one.Value.Value for one in kept] == [float(value) for value in range(1_000)][
        -len(kept) :
    ]
    assert 100 <= len(kept) <= 125
