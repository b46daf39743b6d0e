"""The way to a device over TCP and TLS, and what is said when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pumpjack_core.errors import HostNotAllowed, NotConnected
from pumpjack_core.networks import parse_networks
from pumpjack_worker.adapters.dial import Tls, dial

LOOPBACK = parse_networks(["127.0.0.0/8", "::1/128"])
HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)


def self_signed(folder: Path, *, valid_from: int = -1, valid_to: int = 1, name: str = HOST) -> Path:
    """A certificate with its key in one file, valid from and to so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plc")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + valid_from * DAY)
        .not_valid_after(now + valid_to * DAY)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


@contextlib.asynccontextmanager
async def listening(certificate: Path | None = None) -> AsyncIterator[int]:
    """A server that says hello; its port."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(greet, HOST, 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def trusting(certificate: Path | None) -> Tls:
    context = ssl.create_default_context(cafile=certificate)
    return Tls(context, HOST)


class Heard(asyncio.Protocol):
    def __init__(self) -> None:
        self.text: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.text.set_result(data)


async def hear(port: int, tls: Tls | None = None, **more) -> bytes:
    heard = await dial(Heard, HOST, port, LOOPBACK, timeout_s=30, tls=tls, **more)
    return await asyncio.wait_for(heard.text, 60)


async def refusal(port: int, tls: Tls | None = None, **more) -> NotConnected:
    with pytest.raises(NotConnected) as caught:
        await hear(port, tls, **more)
    assert f"{HOST}:{port}" in str(caught.value)
    return caught.value


async def test_it_connects_and_tells_each_step():
    steps: list[str] = []
    async with listening() as port:
        assert await hear(port, on_step=steps.append) == b"hello"
    assert steps == ["resolve", "connect"]


async def test_it_connects_securely_to_a_device_whose_certificate_is_trusted(tmp_path):
    certificate = self_signed(tmp_path)
    steps: list[str] = []
    async with listening(certificate) as port:
        assert await hear(port, trusting(certificate), on_step=steps.append) == b"hello"
    assert steps == ["resolve", "connect", "secure"]


async def test_a_certificate_that_nobody_vouches_for_is_told_with_where_trust_is_set(tmp_path):
    async with listening(self_signed(tmp_path)) as port:
        error = await refusal(port, trusting(None))
    assert error.reason == "Untrusted"
    assert "ca.crt" in str(error)


async def test_an_expired_certificate_is_told(tmp_path):
    certificate = self_signed(tmp_path, valid_from=-9, valid_to=-2)
    async with listening(certificate) as port:
        error = await refusal(port, trusting(certificate))
    assert error.reason == "Expired"
    assert "renew it" in str(error)


async def test_the_certificate_of_another_device_is_told(tmp_path):
    certificate = self_signed(tmp_path, name="10.9.9.9")
    async with listening(certificate) as port:
        error = await refusal(port, trusting(certificate))
    assert error.reason == "WrongName"


async def test_a_port_that_does_not_speak_tls_is_told(tmp_path):
    async with listening() as port:
        error = await refusal(port, trusting(None))
    assert error.reason == "TlsFailed"
    assert "speaks TLS" in str(error)


async def test_a_port_that_says_nothing_to_tls_is_told(tmp_path):
    server = await asyncio.start_server(lambda _r, _w: None, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotConnected) as caught:
            await dial(Heard, HOST, port, LOOPBACK, timeout_s=0.2, tls=trusting(None))
    assert caught.value.reason == "Timeout"


async def test_a_port_where_nobody_listens_is_told():
    async with listening() as port:
        pass
    assert (await refusal(port)).reason == "Refused"


async def test_an_address_that_is_not_allowed_is_not_connected_to():
    async with listening() as port:
        with pytest.raises(HostNotAllowed):
            await dial(Heard, HOST, port, parse_networks(["10.0.0.0/8"]), timeout_s=5)
