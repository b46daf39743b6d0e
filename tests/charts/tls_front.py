"""TLS before a server that has none, as a managed database has it, with an authority of our own."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SSL_REQUEST_BYTES = 8
"""PostgreSQL's clients ask for TLS first (PostgreSQL manual, 54.2.10); the answer is one letter."""


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        own = self._builder(self._name, self._key).add_extension(basic, critical=True)
        self.file = folder / "ca.crt"
        self.file.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def server(self, name: str) -> ssl.SSLContext:
        """TLS of a server of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        signed = self._builder(subject, key).add_extension(names, critical=False)
        certificate, private = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate.write_bytes(_pem(signed.sign(self._key, hashes.SHA256())))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, private)
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@contextlib.asynccontextmanager
async def tls_front(behind: Path, tls: ssl.SSLContext, *, is_postgres: bool) -> AsyncIterator[int]:
    """Listen with TLS before a server's socket; yields the port."""
    streams: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        streams.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if is_postgres:
                await reader.readexactly(SSL_REQUEST_BYTES)
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(tls)
            inside, outside = await asyncio.open_unix_connection(behind)
            streams.add(outside)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_copy(reader, outside))
                tasks.create_task(_copy(inside, writer))

    server = await asyncio.start_server(
        serve, "localhost", 0, ssl=None if is_postgres else tls, family=2
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for stream in streams:
            if not stream.transport.is_closing():  # Python 3.11.2 fails on one that is closed
                stream.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
    writer.close()
