"""`pumpjack test-connection` with a real MQTT broker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.broker_certificates import BrokerCertificates
from tests.cli.command import run
from tests.cli.connections import connection, mapping, outcome, secret, write
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.peers
CASING = "name: casing_pressure, address: pads/7/casing, unit: psi"
LOGIN = ", credentialsSecretRef: {name: login}"


def mqtt(port: int, more: str = "tls: false", spec: str = "") -> str:
    member = f"host: 127.0.0.1, port: {port}, timeout: 2s, {more}"
    return connection(f"protocol: mqtt, mqtt: {{{member}}}{spec}")


async def told(file: Path, *documents: str, code: int, options: Sequence[str] = ()) -> Any:
    write(file, *documents)
    return await asyncio.to_thread(outcome, file, *options, exit_code=code)


async def test_retained_messages_are_read_and_each_step_is_told(tmp_path: Path) -> None:
    async with Mosquitto() as broker:
        await broker.publish("pads/7/casing", "812.5", retain=True)
        found = await told(tmp_path / "a.yaml", mqtt(broker.port), mapping(CASING), code=0)
    assert [step["step"] for step in found["steps"]] == [
        *("resolve", "connect", "login", "subscribe", "read")
    ]
    assert found["endpoint"] == f"127.0.0.1:{broker.port}"
    assert found["tags"][0]["value"] == 812.5


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_the_worker_keeps_its_session_and_the_broker_none_of_ours(
    version: str, tmp_path: Path
) -> None:
    async with Mosquitto() as broker:
        await broker.publish("pads/7/casing", "1", retain=True)
        settings = f"tls: false, clientId: worker-7, version: '{version}'"
        await told(tmp_path / "a.yaml", mqtt(broker.port, settings), mapping(CASING), code=0)
        clients = [line for line in broker.log.splitlines() if "New client connected" in line]
        ours = [line for line in clients if "worker-7-test-" in line]
        assert len(ours) == 1
        assert ", c1, " in ours[0], "the broker was asked to keep the session"
        assert not any("as worker-7 " in line for line in clients)


async def test_a_shared_subscription_loses_no_message_to_the_visit(tmp_path: Path) -> None:
    async with Mosquitto() as broker:
        await broker.publish("pads/7/casing", "1", retain=True)
        settings = "tls: false, sharedGroup: readers"
        await told(tmp_path / "a.yaml", mqtt(broker.port, settings), mapping(CASING), code=0)
        assert "$share" not in broker.log


async def test_a_refused_login_is_told_without_the_password(tmp_path: Path) -> None:
    async with Mosquitto(users={"ann": "right"}) as broker:
        login = secret(username="ann", password="hunter2")
        file = tmp_path / "a.yaml"
        reads = mqtt(broker.port, spec=LOGIN)
        found = await told(file, reads, mapping(CASING), login, code=1)
        assert found["trouble"] == "login"
        assert found["reason"] == "LoginRefused"
        assert found["message"].startswith("login: ")
        assert [step["step"] for step in found["steps"] if not step["ok"]] == ["login"]
        assert "hunter2" not in str(found)
        said = await asyncio.to_thread(run, "test-connection", str(file))
        assert "hunter2" not in said.stdout + said.stderr

        await broker.publish("pads/7/casing", "2", retain=True)
        right = secret(username="ann", password="right")
        await told(file, reads, mapping(CASING), right, code=0)


@pytest.mark.parametrize(
    ("server", "trusts", "reason"),
    [
        ("server", True, None),
        ("server", False, "Untrusted"),
        ("expired", True, "Expired"),
        ("wrong_name", True, "WrongName"),
        ("stranger", True, "Untrusted"),
    ],
)
async def test_a_certificate_that_is_not_right_is_told(
    server: str, trusts: bool, reason: str | None, tmp_path: Path
) -> None:
    made = BrokerCertificates(tmp_path / "certificates")
    async with Mosquitto(certificates=made, server=getattr(made, server)) as broker:
        values = {"ca.crt": made.ca.read_text()} if trusts else {"username": "ann"}
        file = tmp_path / "a.yaml"
        reads = mqtt(broker.port, "tls: true", LOGIN)
        if reason is None:
            await broker.publish("pads/7/casing", "1", retain=True)
        code = 0 if reason is None else 1
        found = await told(file, reads, mapping(CASING), secret(**values), code=code)
    assert found["reason"] == reason
    if reason is not None:
        assert found["trouble"] == "tls"
        assert found["message"].startswith("TLS: the certificate of 127.0.0.1:")
        assert [step["step"] for step in found["steps"]] == ["resolve", "connect", "secure"]


async def test_a_port_that_speaks_no_tls_is_told(tmp_path: Path) -> None:
    async with Mosquitto() as broker:
        reads = mqtt(broker.port, "tls: true")
        found = await told(tmp_path / "a.yaml", reads, mapping(CASING), code=1)
    assert found["trouble"] == "tls"


async def test_a_broker_that_says_nothing_is_told_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        reads = mqtt(mute.getsockname()[1])
        found = await told(tmp_path / "a.yaml", reads, mapping(CASING), code=1)
    assert (found["reason"], found["trouble"]) == ("Timeout", "no-answer")


async def test_a_topic_without_a_message_is_named_and_a_payload_that_is_no_number_shown(
    tmp_path: Path,
) -> None:
    tubing = "name: tubing_pressure, address: pads/7/tubing"
    async with Mosquitto() as broker:
        await broker.publish("pads/7/casing", "off", retain=True)
        options = ("--timeout", "1")
        file, reads = tmp_path / "a.yaml", mqtt(broker.port)
        found = await told(file, reads, mapping(CASING, tubing), code=1, options=options)
        assert [tag["state"] for tag in found["tags"]] == ["quarantined", "missing"]
        assert found["trouble"] == "payload"
        assert "casing_pressure at pads/7/casing: " in found["message"]
        assert found["message"].endswith(": off")

        await broker.publish("pads/7/casing", "1", retain=True)
        found = await told(file, reads, mapping(CASING, tubing), code=1, options=options)
    assert found["trouble"] == "silent"
    assert "1 of 2 tags did not come in time; the first: tubing_pressure" in found["message"]


async def test_a_topic_that_we_may_not_read_is_told(tmp_path: Path) -> None:
    acl = "user ann\ntopic read other/#\n"
    async with Mosquitto(users={"ann": "right"}, acl=acl) as broker:
        login = secret(username="ann", password="right")
        options = ("--timeout", "2")
        reads = mqtt(broker.port, spec=LOGIN)
        file = tmp_path / "a.yaml"
        found = await told(file, reads, mapping(CASING), login, code=1, options=options)
    assert found["trouble"] in ("address", "silent")  # mosquitto 2 may grant and deliver nothing
