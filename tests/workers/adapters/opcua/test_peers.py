"""Reading OPC UA servers that others wrote: node-opcua (npm) and gopcua (Go)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.config import Connection
from pumpjack_core.errors import NotConnected
from pumpjack_core.manifests.types import Opcua, ScadaConnectionSpec
from pumpjack_core.quality import GOOD, Level, Reason, quality
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import NOWHERE, Surroundings
from tests.faults import FaultProxy
from tests.workers.adapters.contract import (
    LOOPBACK,
    ReadingContract,
    Rig,
    WritingContract,
    read,
    read_all,
)
from tests.workers.adapters.opcua.peers import Peer, PeerNode, gopcua, node_opcua
from tests.workers.adapters.opcua.rig import INTERVAL_S, NODES, VALUES, OpcuaRig, address, typed

pytestmark = pytest.mark.peers

PEER_NODES = [PeerNode(node, data_type, value) for node, (data_type, value) in NODES.items()]
USERS = {"operator": "correct horse"}
VALUES_AT_ONCE = 20


class PeerRig(OpcuaRig):
    """A server in a program of its own."""

    path = "/pumpjack"
    quick: ClassVar = {"timeout": "5s", "keep_alive": "1s", "publishing_interval": "20ms"}

    def __init__(self, peer: Peer, proxy: FaultProxy, surroundings: Surroundings = NOWHERE) -> None:
        super().__init__(proxy, surroundings)
        self.peer = peer

    async def stir(self) -> None:
        values = {
            address(data_type): typed(data_type, value) for data_type, value in VALUES.items()
        }
        others = {
            address(data_type): typed(data_type, 1.0 - value if data_type == "bool" else 7.0)
            for data_type, value in VALUES.items()
        }
        await self.peer.write(others)
        await self.peer.write(values)

    def connection(
        self, *, host: str | None = None, networks: tuple[str, ...] = LOOPBACK, **settings: Any
    ) -> Connection:
        endpoint = f"opc.tcp://{host or self.proxy.host}:{self.proxy.port}{self.path}"
        server = Opcua(endpoint=endpoint, **{**self.settings, **settings})
        spec = ScadaConnectionSpec(protocol="opcua", opcua=server)
        return Connection("permian", "permian-ops/plc", spec, networks, "")


class ChangesContract:
    """What a server that lives gives."""

    async def test_values_come_as_they_change_with_the_time_of_their_change(
        self, rig: PeerRig
    ) -> None:
        adapter = rig.make(rig.tags[list(VALUES).index("int32")])
        await adapter.connect()
        got: list[tuple[float, int]] = []
        for value in range(VALUES_AT_ONCE):
            await rig.peer.write({address("int32"): value})
            while not got or got[-1][0] != value:
                batch = await read(adapter)
                assert (batch.quality == GOOD).all()
                got += zip(batch.value.tolist(), batch.source_us.tolist(), strict=True)
        await adapter.close()
        assert [value for value, _ in got[-VALUES_AT_ONCE:]] == list(range(VALUES_AT_ONCE))
        times = [us for _, us in got]
        assert times == sorted(set(times))
        assert np.ptp(times) > 0


class TestNodeOpcua(ReadingContract, WritingContract, ChangesContract):
    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[PeerRig]:
        async with node_opcua(PEER_NODES, tmp_path) as peer:
            async with FaultProxy(("127.0.0.1", peer.port)) as proxy:
                yield PeerRig(peer, proxy)


async def test_a_server_that_takes_fifty_items_a_call_is_read_whole(tmp_path: Path) -> None:
    nodes = [PeerNode(f"ns=2;i={number}", "int32", number) for number in range(1, 161)]
    tags = [Tag("w1", f"t{one.value}", one.id, one.type, INTERVAL_S) for one in nodes]
    limits = {"maxMonitoredItemsPerCall": 50, "maxNodesPerRead": 50}
    async with node_opcua(nodes, tmp_path, limits=limits) as peer:
        async with FaultProxy(("127.0.0.1", peer.port)) as proxy:
            adapter = PeerRig(peer, proxy).make(*tags)
            await adapter.connect()
            seen = await read_all(adapter, len(tags))
            await adapter.close()
    assert seen == {f"t{one.value}": (float(one.value), GOOD) for one in nodes}
    assert adapter.rejected == {}


class TestGopcua(ReadingContract, WritingContract, ChangesContract):
    @pytest.fixture
    async def rig(self) -> AsyncIterator[PeerRig]:
        """The proxy comes first: the server answers only for ports that it was told."""
        (port,) = free_ports(1)
        async with FaultProxy(("127.0.0.1", port)) as proxy:
            async with gopcua(PEER_NODES, port=port, ports=[proxy.port]) as peer:
                rig = PeerRig(peer, proxy)
                rig.path = ""
                yield rig

    async def test_a_refused_address_costs_only_its_own_tag(self, rig: Rig) -> None:
        """This server takes an item for any node, and says in its value that there is none."""
        assert rig.refused is not None
        adapter = rig.make(*rig.tags, rig.refused)
        await adapter.connect()
        seen = await read_all(adapter, len(rig.tags) + 1, rig)
        value, code = seen.pop(rig.refused.name)
        await adapter.close()
        assert np.isnan(value)
        assert code == quality(Level.BAD, Reason.CONFIG_ERROR)
        assert {code for _, code in seen.values()} == {GOOD}


class SecureRig(PeerRig):
    """Encrypted, with a user and a password."""

    settings: ClassVar = {
        **OpcuaRig.settings,
        "security": "SignAndEncrypt",
        "security_policy": "Basic256Sha256",
    }


def secrets(folder: Path, ca: bytes, password: str) -> Surroundings:
    """A mounted Secret that trusts the server."""
    mounted = folder / "secret"
    mounted.mkdir(exist_ok=True)
    (mounted / "username").write_text("operator")
    (mounted / "password").write_text(password)
    (mounted / "ca.crt").write_bytes(ca)
    return Surroundings(secrets=mounted, state=folder / "state")


class TestNodeOpcuaSecured(ReadingContract):
    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[SecureRig]:
        async with node_opcua(PEER_NODES, tmp_path / "peer", secure=True, users=USERS) as peer:
            assert peer.certificate is not None
            async with FaultProxy(("127.0.0.1", peer.port)) as proxy:
                known = secrets(tmp_path, peer.certificate, USERS["operator"])
                yield SecureRig(peer, proxy, known)

    async def test_a_wrong_password_is_told(self, rig: SecureRig) -> None:
        assert rig.surroundings.secrets is not None
        (rig.surroundings.secrets / "password").write_text("wrong horse")
        with pytest.raises(NotConnected, match="check username and password") as error:
            await rig.make().connect()
        assert error.value.reason == "LoginRefused"
        assert "horse" not in str(error.value)

    async def test_a_server_that_is_not_trusted_is_not_talked_to(
        self, rig: SecureRig, tmp_path: Path
    ) -> None:
        assert rig.surroundings.secrets is not None
        (rig.surroundings.secrets / "ca.crt").unlink()
        with pytest.raises(NotConnected) as error:
            await rig.make().connect()
        assert error.value.reason == "Untrusted"

    async def test_messages_may_be_signed_only(self, rig: SecureRig) -> None:
        adapter = rig.make(connection=rig.connection(security="Sign"))
        await adapter.connect()
        assert len(await read(adapter)) > 0
        await adapter.close()
