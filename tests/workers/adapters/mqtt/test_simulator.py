"""The simulated devices: what they publish is what the addresses of the tags read."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import socket
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.errors import AddressError, ManifestError
from pumpjack_core.quality import GOOD
from pumpjack_core.tags import Tag, TagTable
from pumpjack_worker.adapters.mqtt import simulated_flaws
from pumpjack_worker.adapters.mqtt.flood import Flood
from pumpjack_worker.adapters.mqtt.payload import Columns
from pumpjack_worker.adapters.mqtt.routes import Routes
from pumpjack_worker.adapters.mqtt.simulated_broker import Broker
from pumpjack_worker.adapters.mqtt.simulated_devices import SimulatedDevices
from pumpjack_worker.adapters.mqtt.simulated_places import place, put
from pumpjack_worker.adapters.mqtt.simulated_publisher import Publisher
from pumpjack_worker.adapters.mqtt.simulated_wells import (
    manifests,
    own_tags,
    own_wells,
    placed_by_port,
)
from pumpjack_worker.adapters.mqtt.simulator import Options, devices_of
from pumpjack_worker.adapters.mqtt.times import time_reader
from pumpjack_worker.simulation.ledger import HEADER, Ledger
from tests.faults import FaultProxy
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.plain_client import PlainClient

MODULE = "pumpjack_worker.adapters.mqtt.simulator"
T0_US = 1_767_000_000_123_456
LIMIT_S = 60

Read = tuple[str, str, int, float]
"""Well, tag, time [µs] and value."""


def _tag(name: str, address: str, data_type: str = "float32", **more: object) -> Tag:
    return Tag("w1", name, address, data_type, 1.0, **more)  # type: ignore[arg-type]


TAGS = (
    _tag("casing", "pads/7;path=$.pressures.casing;time=$.at"),
    _tag("tubing", "pads/7;path=$['pressures']['tubing pressure'];time=$.at", scale=0.5, offset=3),
    _tag("run_hours", "pads/7;path=$.counts[1];time=$.at", "uint32"),
    _tag("pump_running", "pads/7;path=$.running;time=$.at", "bool"),
    _tag("line_pressure", "pads/7/line;path=$.v"),
    _tag("oil_rate", "pads/7/rows;path=$.rows[*].rate;time=$.rows[*].t", "int16"),
    _tag("speed", "pads/7/speed", "float64"),
    _tag("alarm", "pads/7/alarm", "bool"),
)


def read_back(
    tags: TagTable, messages: list[tuple[str, bytes]], *, time_path: str | None, form: str, now: int
) -> list[Read]:
    """What the adapter makes of messages."""
    routes = Routes(tags, time_path)
    columns = Columns(routes, time_reader(form, "UTC"), Flood("test"))
    for topic, payload in messages:
        columns.read(routes.routes[topic.encode()], payload, now)
    batch = columns.take(now)
    assert set(batch.quality[~np.isnan(batch.value)].tolist()) == {GOOD}
    return [
        (tags.tags[index].well_id, tags.tags[index].name, us, value)
        for index, us, value in zip(
            batch.tag_index.tolist(), batch.source_us.tolist(), batch.value.tolist(), strict=True
        )
    ]


@pytest.mark.parametrize(
    "form", ["auto", "iso8601", "unix", "unixMillis", "unixMicros", "unixNanos"]
)
def test_what_is_published_reads_as_the_ledger_says(form: str) -> None:
    """In every kind of path, data type, scale and form of time."""
    placed = [place(tag, time_path="$.now", time_form=form) for tag in TAGS]
    devices = SimulatedDevices(placed, seed=3)
    devices.ledger = Ledger()
    got: list[Read] = []
    for second in range(20):
        now = T0_US + second * 1_000_000
        got += read_back(TagTable(TAGS), devices.step(now), time_path="$.now", form=form, now=now)
    assert not devices.left_out
    with_time = {tag.name for tag in TAGS if "path=" in tag.address}
    said = [
        (one.well_id, one.tag_name, one.changed_us, one.value) for one in devices.ledger.entries
    ]
    assert len(said) == 20 * len(TAGS)
    assert {us for _, name, us, _ in said} == {T0_US - 456 + s * 1_000_000 for s in range(20)}
    # a plain number has no time of its own: the receipt's stands in its place
    received = [
        (well, name, us if name in with_time else us - 456, value) for well, name, us, value in got
    ]
    for one, other in zip(sorted(received), sorted(said), strict=True):
        assert one[:3] == other[:3]
        assert one[3] == pytest.approx(other[3], nan_ok=True)


def test_what_is_published_is_what_the_instruments_show() -> None:
    placed = [place(tag) for tag in TAGS]
    devices = SimulatedDevices(placed)
    devices.ledger = Ledger()
    devices.step(T0_US)
    shown = {tag.name: value for tag, value in zip(TAGS, devices.field.value, strict=True)}
    for one in devices.ledger.entries:
        near = 0.5 if one.tag_name in ("run_hours", "oil_rate") else 1e-4
        assert one.value == pytest.approx(shown[one.tag_name], abs=near)


def test_a_dead_sensor_is_null_in_json_and_nan_alone() -> None:
    devices = SimulatedDevices([place(tag) for tag in TAGS])
    devices.ledger = Ledger()
    devices.step(T0_US)
    for at in (0, 6):
        devices.field.kill(at, until_s=T0_US / 1e6 + 60)
    messages = dict(devices.step(T0_US + 1_000_000))
    assert json.loads(messages["pads/7"])["pressures"]["casing"] is None
    assert messages["pads/7/speed"] == b"NaN"
    last = {one.tag_name: one.value for one in devices.ledger.entries}
    assert math.isnan(last["casing"])
    assert math.isnan(last["speed"])
    assert not math.isnan(last["tubing"])


def test_each_topic_is_published_at_the_interval_of_its_tags() -> None:
    slow = Tag("w1", "slow", "slow", "float32", 5.0)
    mixed = Tag("w1", "mixed", "pads/7;path=$.mixed", "float32", 5.0)
    devices = SimulatedDevices([place(tag) for tag in (*TAGS, slow, mixed)])
    topics = [topic for step in range(50) for topic, _ in devices.step(T0_US + step * 200_000)]
    assert topics.count("slow") == 2
    assert topics.count("pads/7") == 10
    assert topics.count("pads/7/speed") == 10


def test_tags_that_no_message_can_carry_are_named() -> None:
    both = (
        _tag("plain", "pads/7"),
        _tag("inside", "pads/7;path=$.v"),
        _tag("object", "pads/8;path=$.a.b"),
        _tag("number", "pads/8;path=$.a"),
    )
    devices = SimulatedDevices([place(tag) for tag in both])
    assert devices.left_out == {
        1: "inside of w1 is not simulated: a plain number and JSON on one topic",
        3: "number of w1 is not simulated: something else stands there",
    }
    with pytest.raises(AddressError, match="names no one place"):
        place(_tag("filter", "pads/7;path=$.metrics[?@.name=='casing'].value"))


def test_several_tags_may_read_one_place() -> None:
    devices = SimulatedDevices(
        [place(_tag(name, "t;path=$.v", scale=scale)) for name, scale in (("a", 1.0), ("b", 2.0))]
    )
    assert not devices.left_out
    ((_, payload),) = devices.step(T0_US)
    assert list(json.loads(payload)) == ["v"]


def test_lists_are_filled_up_to_the_place() -> None:
    assert put(put(None, (2, "a"), 1), (0,), 5) == [5, None, {"a": 1}]
    with pytest.raises(ValueError, match="a list and something else"):
        put({"a": 1}, (0,), 1)


@pytest.mark.parametrize("kind", simulated_flaws.KINDS)
def test_no_flawed_message_passes_for_a_good_one(kind) -> None:  # type: ignore[no-untyped-def]
    devices = SimulatedDevices([place(tag) for tag in TAGS])
    routes = Routes(TagTable(TAGS), None)
    for topic, payload in devices.step(T0_US):
        flood = Flood("test")
        flood.refill(T0_US)
        columns = Columns(routes, time_reader("auto", "UTC"), flood)
        worse, flawed = kind(topic, payload)
        route = routes.routes.get(worse.encode())
        if kind is simulated_flaws.nowhere:
            assert route is None
            continue
        assert route is not None
        columns.read(route, flawed, T0_US)
        batch = columns.take(T0_US)
        quarantined, _ = flood.take()
        assert quarantined or GOOD not in batch.quality[:1].tolist()


def test_flaws_come_beside_what_is_good_and_only_when_asked_for() -> None:
    placed = own_wells(3)
    good, flawed = (SimulatedDevices(placed, flaws=flaws) for flaws in (False, True))
    extra = 0
    for second in range(60):
        plain = good.step(T0_US + second * 1_000_000)
        mixed = flawed.step(T0_US + second * 1_000_000)
        assert set(plain) <= set(mixed)
        extra += len(mixed) - len(plain)
    assert 5 < extra < 80
    assert {simulated_flaws.flawed("t", b"1", Random(seed)) for seed in range(50)} == {
        kind("t", b"1") for kind in simulated_flaws.KINDS
    }


def _write(folder: Path, text: str) -> Path:
    path = folder / "wells.yaml"
    path.write_text(text)
    return path


def test_the_manifests_of_its_own_wells_read_its_own_wells(tmp_path: Path) -> None:
    path = _write(tmp_path, manifests(3, 11_883))
    [(port, placed)] = placed_by_port([path]).items()
    assert port == 11_883
    assert {(one.tag.well_id, one.tag.name, one.topic, one.value, one.time) for one in placed} == {
        (one.tag.well_id, one.tag.name, one.topic, one.value, one.time) for one in own_wells(3)
    }


def test_what_cannot_be_simulated_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path, manifests(1, 11_883))
    with pytest.raises(ManifestError, match="leave it or --broker out"):
        devices_of(Options(files=(str(path),), broker="127.0.0.1:1883", port=1884))
    with pytest.raises(ManifestError, match="'1883:' is no address; write host:port"):
        devices_of(Options(files=(str(path),), broker="1883:"))
    assert list(devices_of(Options(files=(str(path),), port=1884))) == [1884]
    with_tls = path.read_text().replace("tls: false", "tls: true")
    path.write_text(with_tls)
    with pytest.raises(ManifestError, match=r"simulated-ops/simulator: .* has no TLS"):
        devices_of(Options(files=(str(path),)))
    assert list(devices_of(Options(files=(str(path),), broker="there:1883"))) == [1883]
    other = with_tls.replace("127.0.0.1", "broker.example").replace("simulated-ops", "others-ops")
    (tmp_path / "other.yaml").write_text(other.replace("tenant: simulated", "tenant: others"))
    with pytest.raises(ManifestError, match="different brokers on port 11883"):
        placed_by_port([tmp_path])


def simulate(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", MODULE, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


async def _one_of(port: int, wanted: str, login: tuple[str, str] | None = None) -> bytes:
    async with await PlainClient.connect(port, "reader", login=login) as reader:
        assert reader.answer.code == 0
        await reader.subscribe(wanted)
        (message,) = await reader.acknowledged(1)
        return message.payload


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_as_a_program_and_a_signal_ends_it_cleanly(
    name: signal.Signals, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    ledger, wells = tmp_path / "ledger.csv", tmp_path / "wells.yaml"
    arguments = ("--port", port, "--ledger", ledger, "--wells", 2, "--write-manifests", wells)
    with simulate(*arguments) as running:
        assert running.stderr is not None
        assert f"manifests that read it: {wells}" in running.stderr.readline()
        said = running.stderr.readline()
        assert f"127.0.0.1:{port} serves 28 tags, 2 wells, 6 topics" in said
        payload = asyncio.run(_one_of(port, "wells/2/telemetry"))
        assert json.loads(payload)["tubing_pressure"] > 0
        running.send_signal(name)
        assert running.wait(LIMIT_S) == 0
        assert "Traceback" not in running.stderr.read()
    assert ledger.read_text().startswith(HEADER)
    assert f"well-2,tubing_pressure,{json.loads(payload)['tubing_pressure']}" in ledger.read_text()
    assert placed_by_port([wells])


def test_a_busy_port_ends_the_program_with_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with simulate("--port", port) as running:
            _, said = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 1
    assert said.startswith(f"error: port {port} of 127.0.0.1 is in use")


def test_its_broker_asks_for_the_login_that_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("worker\n")
    with simulate("--credentials", tmp_path) as running:
        _, said = running.communicate(timeout=LIMIT_S)
        assert said == f"error: {tmp_path} must hold the files username and password\n"
    (tmp_path / "password").write_text("right\n")
    (port,) = free_ports(1)
    with simulate("--port", port, "--credentials", tmp_path) as running:
        assert running.stderr is not None
        assert "serves" in running.stderr.readline()
        assert asyncio.run(_one_of(port, "wells/1/pump_running", ("worker", "right"))) in b"01"
        running.terminate()
        assert "right" not in running.stderr.read()


@pytest.mark.peers
async def test_it_publishes_to_a_broker_that_is_there_and_loses_nothing_in_its_restart(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger.csv"
    async with Mosquitto(persistence=True) as broker:
        async with await PlainClient.connect(broker.port, "reader") as reader:
            await reader.subscribe("wells/1/telemetry")
        there = f"{broker.host}:{broker.port}"
        with simulate("--broker", there, "--wells", 1, "--ledger", ledger) as running:
            assert running.stderr is not None
            said = await asyncio.to_thread(running.stderr.readline)
            assert f"publishes to {there}: 14 tags" in said
            async with await PlainClient.connect(broker.port, "reader") as reader:
                came = [_us(one.payload) for one in await reader.acknowledged(3)]
            await broker.stop()
            await asyncio.to_thread(running.stderr.readline)  # Ctrl-C stops it
            assert "is away" in await asyncio.to_thread(running.stderr.readline)
            await broker.start()
            async with await PlainClient.connect(broker.port, "reader") as reader:
                came += [_us(one.payload) for one in await reader.acknowledged(6)]
                running.terminate()
                assert await asyncio.to_thread(running.wait, LIMIT_S) == 0
                rows = [row.split(",") for row in ledger.read_text().splitlines()]
                published = {int(row[1]) for row in rows if row[3] == "oil_rate"}
                while not published <= set(came):
                    came += [_us(one.payload) for one in await reader.acknowledged(1)]
    assert set(came) == published
    assert len(published) >= 7


def _us(payload: bytes) -> int:
    return time_reader("auto", "UTC")(json.loads(payload)["at"])


async def test_what_the_broker_did_not_acknowledge_is_published_again() -> None:
    async with Broker() as broker, FaultProxy((broker.host, broker.port)) as proxy:
        async with await PlainClient.connect(broker.port, "reader") as reader:
            await reader.subscribe("pads/7")
            publisher = Publisher(proxy.host, proxy.port, "simulator", tell=lambda _text: None)
            task = asyncio.create_task(publisher.run())
            publisher.publish("pads/7", b"1")
            assert (await reader.acknowledged(1))[0].payload == b"1"
            proxy.stall()
            publisher.publish("pads/7", b"2")
            await reader.assert_quiet()
            proxy.hang_up()
            proxy.resume()
            assert (await reader.acknowledged(1))[0].payload == b"2"
            task.cancel()


async def test_what_the_broker_did_not_take_is_bounded() -> None:
    told: list[str] = []
    publisher = Publisher("127.0.0.1", free_ports(1)[0], "simulator", tell=told.append)
    for _ in range(5):
        publisher.publish("pads/7", bytes(20 << 20))
    assert publisher.refused == 2
    task = asyncio.create_task(publisher.run())
    async with asyncio.timeout(LIMIT_S):
        while not told:
            await asyncio.sleep(0.01)
    task.cancel()
    assert "is away" in told[0]


async def test_a_refused_login_is_told() -> None:
    told: list[str] = []
    async with Broker(logins={"worker": "right"}) as broker:
        publisher = Publisher(
            broker.host, broker.port, "simulator", login=("worker", "wrong"), tell=told.append
        )
        task = asyncio.create_task(publisher.run())
        async with asyncio.timeout(LIMIT_S):
            while not told:
                await asyncio.sleep(0.01)
        task.cancel()
    assert "it refuses the simulator with code 0x87" in told[0]


def test_no_tag_of_its_own_wells_is_left_out() -> None:
    devices = SimulatedDevices(own_wells(2))
    assert not devices.left_out
    assert len(devices.topics) == 6
    assert len(own_tags(2)) == 28
