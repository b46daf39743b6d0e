"""Logging in: what a broker says no to, TLS, and that no secret is told to anybody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from pumpjack_core import log
from pumpjack_core.clock import SystemClock
from pumpjack_core.errors import NotConnected
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.contract import Surroundings
from pumpjack_worker.adapters.mqtt import properties as v5
from pumpjack_worker.adapters.mqtt.adapter import MqttAdapter
from pumpjack_worker.adapters.mqtt.packets import Connack, Connect, Disconnect
from tests.broker_certificates import BrokerCertificates
from tests.mosquitto import Mosquitto
from tests.workers.adapters.mqtt.broker import tag
from tests.workers.adapters.mqtt.reading import connection, lost, make, values
from tests.workers.adapters.mqtt.scripted import ScriptedBroker

TAG = tag("pads/7/casing")
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedBroker]:
    async with ScriptedBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> BrokerCertificates:
    return BrokerCertificates(tmp_path_factory.mktemp("certificates"))


def secret(folder: Path, **files: str | bytes) -> Path:
    """A mounted Secret; ca_crt is ca.crt."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name.replace("_", ".")).write_bytes(raw)
    return folder


async def refused(port: int, **settings: object) -> NotConnected:
    """Why connect() failed."""
    adapter = make(port, TAG, **settings)  # type: ignore[arg-type]
    with pytest.raises(NotConnected) as error:
        await adapter.connect()
    await adapter.close()
    return error.value


@pytest.mark.parametrize(
    ("version", "code", "reason", "says"),
    [
        ("5", 0x84, "UnsupportedVersion", "set version: 3.1.1"),
        ("5", 1, "UnsupportedVersion", "set version: 3.1.1"),
        ("5", 0x85, "Refused", "clientId"),
        ("5", 0x86, "LoginRefused", "username and password"),
        ("5", 0x87, "LoginRefused", "not authorized"),
        ("5", 0x8A, "NotAuthorized", "banned"),
        ("5", 0x8B, "ServerShuttingDown", "shutting down"),
        ("5", 0x97, "Refused", "quota"),
        ("5", 0xFF, "Refused", "0xff"),
        ("3.1.1", 1, "UnsupportedVersion", 'set version: "5"'),
        ("3.1.1", 2, "Refused", "clientId"),
        ("3.1.1", 3, "Refused", "unavailable"),
        ("3.1.1", 4, "LoginRefused", "bad user name or password"),
        ("3.1.1", 5, "LoginRefused", "not authorized"),
        ("3.1.1", 77, "Refused", "unspecified"),
    ],
)
async def test_a_refused_login_says_why(
    scripted: ScriptedBroker, version: str, code: int, reason: str, says: str
) -> None:
    scripted.connack = Connack(False, code)
    error = await refused(scripted.port, version=version)
    assert error.reason == reason
    assert says in str(error)
    assert str(scripted.port) in str(error)


async def test_what_the_broker_adds_is_told(scripted: ScriptedBroker) -> None:
    more = {v5.REASON_STRING: "licence expired", v5.SERVER_REFERENCE: "other.example:1883"}
    scripted.connack = Connack(False, 0x9C, more)
    error = await refused(scripted.port)
    assert "licence expired" in str(error)
    assert "other.example:1883" in str(error)


@pytest.mark.parametrize(
    ("code", "reason", "says"),
    [
        (0x8E, "SessionTakenOver", "another client has logged in with this client id"),
        (0x8B, "ServerShuttingDown", "shutting down"),
        (0x87, "NotAuthorized", "rights of this client"),
        (0x98, "NotAuthorized", "administrator"),
        (0x81, "Garbled", "malformed"),
        (0x00, "Refused", "reason code 0x00"),
    ],
)
async def test_a_session_that_the_broker_ends_says_why(
    scripted: ScriptedBroker, code: int, reason: str, says: str
) -> None:
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    scripted.send(Disconnect(code))
    error = await lost(adapter)
    assert error.reason == reason
    assert says in str(error)
    await adapter.close()


async def test_a_broker_that_does_not_answer_the_login_is_told_by_its_time_out(
    scripted: ScriptedBroker,
) -> None:
    scripted.connack = None
    error = await refused(scripted.port, timeout="200ms")
    assert error.reason == "Timeout"
    assert "200" in str(error) or "0.2 s" in str(error)


async def test_a_client_id_is_made_once_for_each_connection_and_tenant() -> None:
    async with ScriptedBroker() as broker:
        for name in ("one", "one", "two"):
            adapter = make(broker.port, TAG, name=name)
            await adapter.connect()
            await adapter.close()
        given = make(broker.port, TAG, client_id="pad7/worker")
        await given.connect()
        await given.close()
        ids = [packet.client_id for packet in broker.got if isinstance(packet, Connect)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[3] == "pad7/worker"
    assert all(len(one) <= 23 and one.isalnum() for one in ids[:3])


async def test_the_session_is_asked_to_be_kept(scripted: ScriptedBroker) -> None:
    adapter = make(scripted.port, TAG, session_expiry="2h", keep_alive="90s")
    await adapter.connect()
    await adapter.close()
    (connect,) = (packet for packet in scripted.got if isinstance(packet, Connect))
    assert not connect.clean
    assert connect.keep_alive_s == 90
    assert connect.properties[v5.SESSION_EXPIRY] == 7_200


async def test_a_broker_that_keeps_the_session_for_less_is_told(scripted: ScriptedBroker) -> None:
    scripted.connack = Connack(False, 0, {v5.SESSION_EXPIRY: 60})
    adapter = make(scripted.port, TAG)
    await adapter.connect()
    assert "keeps the session for 60 s only" in adapter.problems[0]
    await adapter.close()


@pytest.mark.peers
async def test_a_second_client_with_the_same_id_is_told(version: str) -> None:
    async with Mosquitto() as broker:
        first = make(broker.port, TAG, version=version)
        await first.connect()
        second = make(broker.port, TAG, version=version)
        await second.connect()
        error = await lost(first)
        assert error.reason in {"SessionTakenOver", "Closed"}  # mosquitto 2.0 only closes
        assert "another client" in str(error)
        await first.close()
        await second.close()


@pytest.mark.peers
async def test_user_and_password_are_those_of_the_secret(version: str, tmp_path: Path) -> None:
    async with Mosquitto(users={"worker": PASSWORD}) as broker:
        secrets = secret(tmp_path / "secret", username="worker\n", password=PASSWORD)
        adapter = make(broker.port, TAG, secrets=secrets, version=version)
        await adapter.connect()
        await broker.publish("pads/7/casing", "812.5")
        assert await values(adapter, 1) == [812.5]
        await adapter.close()
        secret(tmp_path / "secret", password="wrong")
        error = await refused(broker.port, secrets=secrets, version=version)
        assert error.reason == "LoginRefused"
        assert "username and password" in str(error)


@pytest.mark.peers
async def test_tls_with_an_authority_of_its_own(
    certificates: BrokerCertificates, version: str, tmp_path: Path
) -> None:
    async with Mosquitto(certificates=certificates) as broker:
        secrets = secret(tmp_path / "secret", ca_crt=certificates.ca.read_bytes())
        adapter = make(broker.port, TAG, tls=True, secrets=secrets, version=version)
        await adapter.connect()
        await broker.publish("pads/7/casing", "812.5")
        assert await values(adapter, 1) == [812.5]
        await adapter.close()


@pytest.mark.peers
@pytest.mark.parametrize(
    ("server", "authority", "reason"),
    [
        ("server", "other_ca", "Untrusted"),
        ("server", None, "Untrusted"),
        ("stranger", "ca", "Untrusted"),
        ("expired", "ca", "Expired"),
        ("wrong_name", "ca", "WrongName"),
    ],
)
async def test_a_certificate_that_is_not_right_is_not_believed(
    certificates: BrokerCertificates,
    tmp_path: Path,
    server: str,
    authority: str | None,
    reason: str,
) -> None:
    async with Mosquitto(certificates=certificates, server=getattr(certificates, server)) as broker:
        secrets = secret(tmp_path / "secret")
        if authority is not None:
            secret(secrets, ca_crt=getattr(certificates, authority).read_bytes())
        error = await refused(broker.port, tls=True, secrets=secrets)
        assert error.reason == reason


@pytest.mark.peers
async def test_a_name_that_the_certificate_bears_can_be_set(
    certificates: BrokerCertificates, tmp_path: Path
) -> None:
    async with Mosquitto(certificates=certificates, server=certificates.wrong_name) as broker:
        secrets = secret(tmp_path / "secret", ca_crt=certificates.ca.read_bytes())
        adapter = make(broker.port, TAG, tls=True, secrets=secrets, server_name="broker.example")
        await adapter.connect()
        await adapter.close()


@pytest.mark.peers
async def test_a_broker_that_asks_for_a_certificate_gets_it(
    certificates: BrokerCertificates, tmp_path: Path
) -> None:
    async with Mosquitto(certificates=certificates, client_certificates=True) as broker:
        secrets = secret(tmp_path / "secret", ca_crt=certificates.ca.read_bytes())
        error = await refused(broker.port, tls=True, secrets=secrets)
        # the broker's alert can be lost when it hangs up at once
        assert error.reason in {"TlsFailed", "Closed"}
        assert "tls.crt and tls.key" in str(error)
        own = certificates.client
        secret(secrets, tls_crt=own.certificate.read_bytes(), tls_key=own.key.read_bytes())
        adapter = make(broker.port, TAG, tls=True, secrets=secrets)
        await adapter.connect()
        await adapter.close()


@pytest.mark.peers
async def test_a_port_without_tls_is_told_and_one_with_tls_as_well(
    certificates: BrokerCertificates, tmp_path: Path
) -> None:
    async with Mosquitto() as broker:
        error = await refused(broker.port, tls=True, timeout="500ms")
        assert error.reason in {"TlsFailed", "Closed"}
        assert "check that this port speaks TLS" in str(error)
    async with Mosquitto(certificates=certificates) as broker:
        error = await refused(broker.port, timeout="500ms")
        assert error.reason in {"Closed", "Timeout", "Garbled"}


@pytest.mark.parametrize(
    "files",
    [
        {"ca_crt": "nonsense"},
        {"ca_crt": b"\xff\xfe"},
        {"tls_crt": "nonsense", "tls_key": "nonsense"},
        {"tls_crt": "nonsense"},
    ],
    ids=str,
)
async def test_files_of_the_secret_that_are_no_certificates_are_told(
    scripted: ScriptedBroker, tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    error = await refused(scripted.port, tls=True, secrets=secret(tmp_path / "secret", **files))
    assert error.reason == "Credentials"


async def test_the_steps_of_a_connect_are_told_in_order(scripted: ScriptedBroker) -> None:
    steps: list[str] = []
    adapter = MqttAdapter(
        connection(scripted.port),
        TagTable((TAG,)),
        SystemClock(),
        Surroundings(on_step=steps.append),
    )
    await adapter.connect()
    await adapter.close()
    assert steps == ["resolve", "connect", "login", "subscribe"]


@pytest.mark.peers
async def test_no_secret_is_told_to_anybody(
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    log.configure(level="DEBUG", json=True)
    asyncio.get_running_loop().set_debug(True)
    wrong = "another-secret-altogether"
    said = []
    try:
        async with Mosquitto(users={"worker": PASSWORD}) as broker:
            secrets = secret(tmp_path / "secret", username="worker", password=PASSWORD)
            adapter = make(broker.port, TAG, secrets=secrets)
            await adapter.connect()
            said += [repr(adapter._settings), repr(adapter._session), *adapter.problems]
            await broker.kill()
            said.append(repr(await lost(adapter)))
            await broker.start()
            secret(secrets, password=wrong)
            error = await refused(broker.port, secrets=secrets)
            said += [repr(error), str(error), repr(error.__cause__), repr(error.__context__)]
            await adapter.close()
    finally:
        structlog.reset_defaults()
    out, err = capfd.readouterr()
    everything = "\n".join([out, err, caplog.text, *said])
    assert "LoginRefused" in everything or "username and password" in everything
    assert PASSWORD not in everything
    assert wrong not in everything
