"""`pumpjack test-connection` with an OPC UA server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pumpjack_worker.adapters.opcua.simulated_nodes import SimulatedNode
from pumpjack_worker.adapters.opcua.simulated_server import SimulatedServer
from tests.cli.command import run
from tests.cli.connections import connection, mapping, outcome, secret, write

CASING = "name: casing_pressure, address: ns=2;s=Casing, unit: psi, dataType: float32"
NODES = {"ns=2;s=Casing": SimulatedNode("float32", 812.5)}
LOGIN = ", credentialsSecretRef: {name: login}"
STATE = Path("data/journals/default_plc/device/pki")


def opcua(server: SimulatedServer, security: str = "None", spec: str = "") -> str:
    return connection(
        f"protocol: opcua, opcua: {{endpoint: '{server.url}', security: {security}, timeout: 2s}}"
        + spec
    )


async def told(file: Path, *documents: str, code: int) -> Any:
    write(file, *documents)
    return await asyncio.to_thread(outcome, file, exit_code=code)


def failed_steps(found: Any) -> list[str]:
    return [step["step"] for step in found["steps"] if not step["ok"]]


async def test_all_is_well_is_said_with_each_step(tmp_path: Path) -> None:
    async with SimulatedServer(NODES) as server:
        found = await told(tmp_path / "a.yaml", opcua(server), mapping(CASING), code=0)
    steps = [step["step"] for step in found["steps"]]
    assert steps == ["resolve", "connect", "secure", "login", "subscribe", "read"]
    assert found["tags"][0]["value"] == 812.5
    assert not (tmp_path / "data").exists()


async def test_a_node_that_the_server_does_not_have_is_named(tmp_path: Path) -> None:
    lost = "name: lost, address: ns=2;s=Lost"
    async with SimulatedServer(NODES) as server:
        found = await told(tmp_path / "a.yaml", opcua(server), mapping(CASING, lost), code=1)
    assert found["trouble"] == "address"
    assert found["message"].startswith(
        "wrong address: 1 of 2 tags rejected; the first: lost at ns=2;s=Lost: "
    )
    assert [tag["state"] for tag in found["tags"]] == ["good", "rejected"]


async def test_a_refused_login_is_told_without_the_password(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    async with SimulatedServer(NODES, users={"ann": "right"}) as server:
        reads = opcua(server, spec=LOGIN)
        wrong = secret(username="ann", password="hunter2")
        found = await told(file, reads, mapping(CASING), wrong, code=1)
        assert (found["trouble"], failed_steps(found)) == ("login", ["login"])
        assert "hunter2" not in str(found)
        said = await asyncio.to_thread(run, "test-connection", str(file))
        assert "hunter2" not in said.stdout + said.stderr
        right = secret(username="ann", password="right")
        await told(file, reads, mapping(CASING), right, code=0)


async def test_a_server_is_trusted_once_for_the_visit_and_for_the_worker(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    async with SimulatedServer(NODES, security=("SignAndEncrypt",)) as server:
        reads = opcua(server, "SignAndEncrypt")
        found = await told(file, reads, mapping(CASING), code=1)
        assert (found["trouble"], found["reason"]) == ("tls", "Untrusted")
        assert found["message"].startswith("security: ")
        state = tmp_path / STATE
        (shown,) = (state / "rejected").iterdir()
        (state / "trusted").mkdir(exist_ok=True)
        shown.rename(state / "trusted" / shown.name)
        await told(file, reads, mapping(CASING), code=0)
        own = (state / "own.pem").read_bytes()
        await told(file, reads, mapping(CASING), code=0)
        assert (state / "own.pem").read_bytes() == own

        server.trusted = ()
        found = await told(file, reads, mapping(CASING), code=1)
    assert (found["trouble"], found["reason"]) == ("tls", "Untrusted")
    assert str(state / "own.pem") in found["message"]


async def test_a_security_that_the_server_does_not_offer_is_told(tmp_path: Path) -> None:
    async with SimulatedServer(NODES) as server:
        reads = opcua(server, "SignAndEncrypt")
        found = await told(tmp_path / "a.yaml", reads, mapping(CASING), code=1)
    assert (found["trouble"], found["reason"]) == ("tls", "NoEndpoint")


async def test_a_sensor_that_the_server_calls_bad_is_no_fault_of_the_connection(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.yaml"
    async with SimulatedServer(NODES) as server:
        await server.write("ns=2;s=Casing", 812.5, status=0x808C0000)  # BadSensorFailure
        found = await told(file, opcua(server), mapping(CASING), code=0)
    assert found["message"] == (
        "1 tag read, 1 of them marked by the device itself; "
        "the first: casing_pressure is BAD sensor_failure"
    )


@pytest.mark.parametrize("endpoint", ["opc.tcp://no-such-plc.invalid:4840"])
async def test_a_name_that_nobody_knows_is_told(endpoint: str, tmp_path: Path) -> None:
    reads = connection(f"protocol: opcua, opcua: {{endpoint: '{endpoint}', security: None}}")
    found = await told(tmp_path / "a.yaml", reads, mapping(CASING), code=1)
    assert (found["trouble"], failed_steps(found)) == ("dns", ["resolve"])
