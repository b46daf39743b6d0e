"""Certificates for brokers of the tests: good ones, and each kind of bad one.

made = BrokerCertificates(folder)
made.ca, made.server.certificate, made.server.key      # PEM files
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = datetime.timedelta(hours=1)
LOOPBACK_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Pair:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class BrokerCertificates:
    """A folder of PEM files, made at once (elliptic curves: some milliseconds).

    ca, other_ca   authorities; the other one signed nothing but stranger
    server         of localhost and 127.0.0.1, valid for a day
    expired        the same, but it ended an hour ago
    wrong_name     of broker.example
    stranger       of localhost, signed by other_ca
    client         of a client that the broker may ask for
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        authority, other = _Authority("Test authority"), _Authority("Another authority")
        self.ca = self._write("ca.crt", authority.pem)
        self.other_ca = self._write("other-ca.crt", other.pem)
        self.server = self._issue(authority, "server", LOOPBACK_NAMES)
        self.expired = self._issue(authority, "expired", LOOPBACK_NAMES, ends_in=-HOUR)
        self.wrong_name = self._issue(authority, "wrong-name", ("broker.example",))
        self.stranger = self._issue(other, "stranger", LOOPBACK_NAMES)
        self.client = self._issue(authority, "client", (), for_client=True)

    def _issue(
        self,
        authority: _Authority,
        name: str,
        names: tuple[str, ...],
        *,
        ends_in: datetime.timedelta = 24 * HOUR,
        for_client: bool = False,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if for_client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            _builder(name, ends_in)
            .issuer_name(authority.name)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(authority.key_identifier, critical=False)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([_general_name(one) for one in names])
            builder = builder.add_extension(alternatives, critical=False)
        signed = builder.sign(authority.key, hashes.SHA256())
        return Pair(
            self._write(f"{name}.crt", signed.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{name}.key", _key_pem(key)),
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path


class _Authority:
    """A certificate that signs others."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key()
        self.name = _name(name)
        self.key_identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self.pem = (
            _builder(name, 24 * HOUR)
            .issuer_name(self.name)
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )


def _builder(name: str, ends_in: datetime.timedelta) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 48 * HOUR)
        .not_valid_after(now + ends_in)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
