"""What an OPC UA server has, as `pumpjack browse` finds it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asyncua import ua

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.config import Connection
from pumpjack_core.errors import AddressError, ManifestError, NotConnected
from pumpjack_core.manifests.types import ModbusTcp, Opcua, ScadaConnectionSpec
from pumpjack_worker.adapters.browsing import Found
from pumpjack_worker.adapters.contract import NOWHERE, Surroundings
from pumpjack_worker.adapters.opcua.browse import OpcuaBrowser
from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from pumpjack_worker.adapters.registry import browser_class
from tests.faults import FaultProxy
from tests.workers.adapters.contract import LOOPBACK
from tests.workers.adapters.opcua.peers import PeerNode, gopcua, node_opcua

CASING = "ns=2;s=a1.casing_pressure"
NODES = {
    CASING: SimulatedNode(
        "float32",
        812.5,
        path=("Pad A", "Well 1"),
        unit="psi",
        low=0.0,
        high=5000.0,
        description="Casing pressure at the head",
    ),
    "ns=2;s=a1.starts": SimulatedNode("uint32", 7, path=("Pad A", "Well 1")),
    "ns=2;s=a1.running": SimulatedNode("bool", True, path=("Pad A", "Well 1")),
    "ns=2;i=1001": SimulatedNode("float64", -0.5, path=("Pad A",)),
    "ns=2;s=a1.mode": SimulatedNode("text", "AUTO", path=("Pad A", "Well 1")),
    "ns=2;s=a1.curve": SimulatedNode("float32", [1.0, 2.0], path=("Pad A", "Well 1")),
    "ns=2;s=a1.since": SimulatedNode("datetime", None, path=("Pad A", "Well 1")),
    "ns=2;s=b1.not_yet": SimulatedNode("int16", None, path=("Pad B",)),
    "ns=2;s=b1.nan": SimulatedNode("float64", math.nan, path=("Pad B",)),
    "ns=2;s=b1.byte": SimulatedNode("uint8", 200, path=("Pad B",)),
}


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    async with SimulatedServer(NODES) as running:
        yield running


def connection(url: str, networks: tuple[str, ...] = LOOPBACK) -> Connection:
    spec = ScadaConnectionSpec(protocol="opcua", opcua=Opcua(endpoint=url, security="None"))
    return Connection("permian", "permian-ops/server", spec, networks, "")


async def browse(
    server: SimulatedServer, within: str | None = None, seen: list[int] | None = None
) -> list[Found]:
    browser = OpcuaBrowser(connection(server.url), NOWHERE, within=within)
    return [found async for found in browser.browse((seen if seen is not None else []).append)]


async def test_variables_are_found_with_all_that_the_server_tells_of_them(
    server: SimulatedServer,
) -> None:
    found = {one.address: one for one in await browse(server)}
    assert found.pop(CASING) == Found(
        path=("Pad A", "Well 1", "casing_pressure"),
        address=CASING,
        data_type="float32",
        unit="psi",
        description="Casing pressure at the head",
        value=812.5,
        low=0.0,
        high=5000.0,
    )
    assert {address: (one.data_type, one.value) for address, one in found.items()} == {
        "ns=2;s=a1.starts": ("uint32", 7.0),
        "ns=2;s=a1.running": ("bool", 1.0),
        "ns=2;i=1001": ("float64", -0.5),
        "ns=2;s=a1.mode": ("text", None),
        "ns=2;s=b1.not_yet": ("int16", None),
        "ns=2;s=b1.nan": ("float64", None),
        "ns=2;s=b1.byte": ("uint16", 200.0),
    }


async def test_the_server_tells_of_itself_only_when_asked(server: SimulatedServer) -> None:
    assert all(one.path[0] in ("Pad A", "Pad B") for one in await browse(server))
    assert "i=2259" in {one.address for one in await browse(server, "i=2253")}  # State


async def test_a_part_can_be_browsed_alone(server: SimulatedServer) -> None:
    assert {one.path for one in await browse(server, "ns=2;s=/Pad B")} == {
        ("Pad B", "not_yet"),
        ("Pad B", "nan"),
        ("Pad B", "byte"),
    }
    (alone,) = await browse(server, CASING)
    assert alone.path == ("casing_pressure",)
    assert alone.unit == "psi"


async def test_a_part_that_is_not_there_is_told(server: SimulatedServer) -> None:
    with pytest.raises(AddressError, match=r"has no node ns=2;s=Pad C.*BadNodeId"):
        await browse(server, "ns=2;s=Pad C")
    with pytest.raises(AddressError, match="'Pad C' is no node id; write for example ns=2"):
        OpcuaBrowser(connection(server.url), NOWHERE, within="Pad C")


async def test_a_circle_is_walked_once(server: SimulatedServer) -> None:
    running = server._running
    well = running.get_node("ns=2;s=/Pad A/Well 1")
    await well.add_reference("ns=2;s=/Pad A", ua.ObjectIds.HasComponent)
    await running.get_node("ns=2;s=/Pad B").add_reference(CASING, ua.ObjectIds.Organizes)
    addresses = [one.address for one in await browse(server)]
    assert len(addresses) == len(set(addresses)) == 8


async def test_a_type_of_the_makers_own_is_what_it_comes_from(server: SimulatedServer) -> None:
    running = server._running
    parent = running.get_node(ua.NodeId(ua.ObjectIds.Duration))
    own = await parent.add_data_type(2, "MakersDuration")
    await running.get_node(CASING).write_attribute(
        ua.AttributeIds.DataType, ua.DataValue(ua.Variant(own.nodeid, ua.VariantType.NodeId))
    )
    (found,) = await browse(server, CASING)
    assert found.data_type == "float64"


async def test_progress_is_told_while_it_goes_on(server: SimulatedServer) -> None:
    seen: list[int] = []
    await browse(server, seen=seen)
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] >= len(NODES)


async def test_a_server_that_goes_away_meanwhile_is_told(server: SimulatedServer) -> None:
    async with FaultProxy(("127.0.0.1", server.port)) as proxy:
        browser = OpcuaBrowser(connection(f"opc.tcp://127.0.0.1:{proxy.port}"), NOWHERE)
        with pytest.raises(NotConnected) as error:
            async for _ in browser.browse(lambda _: proxy.hang_up()):
                pass
    assert error.value.reason == "Closed"


async def test_what_is_told_of_a_server_that_is_off() -> None:
    browser = OpcuaBrowser(connection("opc.tcp://127.0.0.1:9"), NOWHERE)
    with pytest.raises(NotConnected) as error:
        await anext(browser.browse(lambda _: None))
    assert error.value.reason == "Refused"


def test_only_connections_of_this_protocol_are_browsed() -> None:
    assert browser_class("opcua") is OpcuaBrowser
    spec = ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="127.0.0.1"))
    with pytest.raises(ManifestError, match=r"spec\.opcua is missing"):
        OpcuaBrowser(Connection("t", "t/c", spec, LOOPBACK, ""), NOWHERE)


@pytest.mark.peers
async def test_a_server_that_answers_in_small_parts_is_seen_whole(tmp_path: Path) -> None:
    """More below one folder than an answer holds, with a single place to go on from."""
    nodes = [
        PeerNode(f"ns=2;i={number}", "int32", number, (f"Pad {number % 3}",), "")
        for number in range(1, 3_601)
    ]
    nodes.append(PeerNode("ns=2;s=big", "uint64", 2**60 + 1, ("Pad 1", "Well"), unit="psi"))
    limits = {"maxNodesPerBrowse": 10, "maxNodesPerRead": 50}
    async with node_opcua(nodes, tmp_path, limits=limits, continuation_points=1) as peer:
        browser = OpcuaBrowser(connection(f"opc.tcp://127.0.0.1:{peer.port}"), NOWHERE)
        found = {one.address: one async for one in browser.browse(lambda _: None)}
    big = found.pop("ns=2;s=big")
    assert (big.path, big.unit, big.low, big.high) == (("Pad 1", "Well", "big"), "psi", 0, 5000)
    assert {address: one.value for address, one in found.items()} == {
        one.id: float(one.value) for one in nodes[:-1]
    }
    assert {one.data_type for one in found.values()} == {"int32"}


@pytest.mark.peers
async def test_a_hundred_thousand_nodes_are_browsed_with_progress() -> None:
    nodes = [
        PeerNode(f"ns=2;i={1 + number}", "float64", number / 2, (f"Well {number // 100}",))
        for number in range(100_000)
    ]
    port = free_ports(1)[0]
    async with gopcua(nodes, port=port) as peer:
        browser = OpcuaBrowser(connection(f"opc.tcp://127.0.0.1:{peer.port}"), NOWHERE)
        seen: list[int] = []
        found = 0
        total = 0.0
        async for one in browser.browse(seen.append):
            found += 1
            total += one.value or 0.0
    assert found == len(nodes)
    assert total == sum(one.value for one in nodes)
    assert len(seen) > 100
    assert seen == sorted(seen)
    assert seen[-1] > len(nodes)


@pytest.mark.peers
async def test_a_secured_server_is_browsed_with_the_connections_certificates_and_login(
    tmp_path: Path,
) -> None:
    nodes = [PeerNode("ns=2;s=a.oil_rate", "float64", 12.5)]
    users = {"operator": "correct horse"}
    async with node_opcua(nodes, tmp_path / "peer", secure=True, users=users) as peer:
        assert peer.certificate is not None
        mounted = tmp_path / "secret"
        mounted.mkdir()
        (mounted / "username").write_text("operator")
        (mounted / "password").write_text("correct horse")
        (mounted / "ca.crt").write_bytes(peer.certificate)
        endpoint = Opcua(endpoint=f"opc.tcp://127.0.0.1:{peer.port}", security="SignAndEncrypt")
        spec = ScadaConnectionSpec(protocol="opcua", opcua=endpoint)
        secured = Connection("permian", "permian-ops/server", spec, LOOPBACK, "")
        browser = OpcuaBrowser(secured, Surroundings(secrets=mounted, state=tmp_path / "state"))
        found = [one async for one in browser.browse(lambda _: None)]
        (mounted / "password").write_text("wrong horse")
        with pytest.raises(NotConnected) as error:
            await anext(browser.browse(lambda _: None))
    assert [(one.address, one.value) for one in found] == [("ns=2;s=a.oil_rate", 12.5)]
    assert error.value.reason == "LoginRefused"
