"""Certificates of OPC UA applications: making one's own. OPC 10000-6, section 6.2.2."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

KEY_BITS = 2_048
SHORTEST_KEY_BITS, LONGEST_KEY_BITS = 2_048, 4_096
"""Of the policies that are offered, OPC 10000-7, section 6.6."""
VALID_DAYS = 3_650
"""A certificate that expires in the field stops a well; the trust list is what keeps it safe."""
_CLOCK_SKEW = datetime.timedelta(days=1)


class Identity(Struct, frozen=True):
    """An application's certificate and the key to it. Its repr shows no key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def der(self) -> bytes:
        """The certificate as it goes over the wire."""
        return self.certificate.public_bytes(Encoding.DER)

    def __repr__(self) -> str:
        return f"Identity({self.certificate.subject.rfc4514_string()})"


def make_identity(
    name: str,
    uri: str,
    hosts: Sequence[str] = (),
    *,
    valid_from: datetime.datetime | None = None,
    days: int = VALID_DAYS,
) -> Identity:
    """A self-signed application instance certificate with a new key.

    name   common name, what a person sees in a server's list
    uri    application URI, which both sides compare with what the application says of itself
    hosts  names and addresses of the machine, for servers
    """
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pumpjack"),
        ]
    )
    begins = valid_from or datetime.datetime.now(datetime.UTC) - _CLOCK_SKEW
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    roles = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    names = [x509.UniformResourceIdentifier(uri), *map(_host_name, hosts)]
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(roles), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)


def kept_identity(folder: Path, name: str, uri: str, hosts: Sequence[str] = ()) -> Identity:
    """The identity in folder, own.pem and own.key, made when there is none. Raises OSError."""
    certificate_file, key_file = folder / "own.pem", folder / "own.key"
    if certificate_file.exists() and key_file.exists():
        return read_identity(certificate_file.read_bytes(), key_file.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "own.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two that find none, one makes it and both use it
        if certificate_file.exists() and key_file.exists():
            return read_identity(certificate_file.read_bytes(), key_file.read_bytes())
        identity = make_identity(name, uri, hosts)
        _write(key_file, private_pem(identity.key), mode=0o600)
        _write(certificate_file, identity.certificate.public_bytes(Encoding.PEM), mode=0o644)
        return identity


def read_identity(certificate_pem: bytes, key_pem: bytes) -> Identity:
    """From PEM. Raises ValueError for what is none, or for a key that is not RSA."""
    key = load_pem_private_key(key_pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("OPC UA takes RSA keys only")  # noqa: TRY004 - it is the content
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    if certificate.public_key() != key.public_key():
        raise ValueError("the key does not belong to the certificate")
    if not SHORTEST_KEY_BITS <= key.key_size <= LONGEST_KEY_BITS:
        raise ValueError(
            f"the RSA key has {key.key_size} bits, and {SHORTEST_KEY_BITS} to {LONGEST_KEY_BITS} "
            "are safe and allowed"
        )
    return Identity(certificate, key)


def rsa_bits(certificate: x509.Certificate) -> int:
    """Length of its RSA key, 0 for a key of another kind."""
    key = certificate.public_key()
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else 0


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The key as PKCS 8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def thumbprint(der: bytes) -> str:
    """SHA-1 of a certificate, by which OPC UA tools name it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all, and never readable by more than mode says."""
    part = path.with_suffix(path.suffix + ".part")
    part.unlink(missing_ok=True)  # one that is left over would keep its mode
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123 - with a mode from the start
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
