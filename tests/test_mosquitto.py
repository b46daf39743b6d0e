"""The broker that the MQTT tests stand on does what they think it does."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.broker_certificates import BrokerCertificates, Pair
from tests.mosquitto import Mosquitto, program

pytestmark = pytest.mark.peers

SUBSCRIBE_LIMIT_S = 60.0


async def subscribe(broker: Mosquitto, *arguments: str) -> str:
    """What mosquitto_sub printed."""
    process = await asyncio.create_subprocess_exec(
        program("mosquitto_sub"),
        *broker.client_arguments(),
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    async with asyncio.timeout(SUBSCRIBE_LIMIT_S):
        said, _ = await process.communicate()
    return said.decode()


SESSION: Sequence[str] = ("-i", "worker", "-c", "-q", "1", "-t", "pads/#")


async def test_a_session_keeps_its_messages_over_a_restart() -> None:
    async with Mosquitto(persistence=True) as broker:
        port = broker.port
        await subscribe(broker, *SESSION, "-E")
        await broker.publish_lines("pads/7", [str(number) for number in range(2_000)])
        await broker.stop()
        await broker.start()
        assert broker.port == port
        said = await subscribe(broker, *SESSION, "-C", "2000")
        assert said.split() == [str(number) for number in range(2_000)]


async def test_without_persistence_a_restart_forgets() -> None:
    async with Mosquitto() as broker:
        await broker.publish("pads/7", "1", retain=True)
        assert await subscribe(broker, "-t", "pads/7", "-C", "1") == "1\n"
        await broker.kill()
        await broker.start()
        assert await subscribe(broker, "-t", "pads/7", "-C", "1", "-W", "1") == "Timed out\n"


async def test_only_its_users_may_come_and_only_where_the_acl_lets_them() -> None:
    acl = "user worker\ntopic readwrite pads/#\n"
    async with Mosquitto(users={"worker": "right"}, acl=acl) as broker:
        await broker.publish("pads/7", "1", retain=True)
        assert await subscribe(broker, "-t", "pads/7", "-C", "1") == "1\n"
        await broker.publish("plants/7", "1", retain=True)
        assert "Timed out" in await subscribe(broker, "-t", "plants/7", "-C", "1", "-W", "1")
        stranger = ["-h", broker.host, "-p", str(broker.port), "-t", "x", "-u", "worker"]
        command = [program("mosquitto_sub"), *stranger, "-P", "wrong"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60)
        assert b"not authorised" in done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BrokerCertificates:
    return BrokerCertificates(tmp_path_factory.mktemp("certificates"))


async def handshake(broker: Mosquitto, ca: Path, own: Pair | None = None) -> None:
    context = ssl.create_default_context(cafile=str(ca))
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    reader, writer = await asyncio.open_connection(broker.host, broker.port, ssl=context)
    try:
        writer.write(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
        async with asyncio.timeout(60):
            assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
    finally:
        writer.close()


async def test_tls_shows_the_certificate_that_was_asked_for(made: BrokerCertificates) -> None:
    async with Mosquitto(certificates=made) as broker:
        await handshake(broker, made.ca)
        await broker.publish("pads/7", "1", retain=True)
        with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
            await handshake(broker, made.other_ca)
    for server, complaint in (
        (made.expired, "certificate has expired"),
        (made.wrong_name, "IP address mismatch"),
        (made.stranger, "issuer|signature"),
    ):
        async with Mosquitto(certificates=made, server=server) as broker:
            with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
                await handshake(broker, made.ca)


async def test_a_broker_may_ask_for_the_client_s_certificate(made: BrokerCertificates) -> None:
    async with Mosquitto(certificates=made, client_certificates=True) as broker:
        await handshake(broker, made.ca, made.client)
        with pytest.raises((ssl.SSLError, EOFError, ConnectionError)):
            await handshake(broker, made.ca)
