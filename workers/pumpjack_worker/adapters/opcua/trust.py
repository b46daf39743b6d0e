"""Whether a server's certificate is to be trusted: ca.crt of the Secret, and a folder.

state/pki/own.pem, own.key   what we are
state/pki/trusted/           certificates, or authorities, of the servers that are trusted
state/pki/rejected/          what servers showed and is not trusted: move it to trusted/
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from pumpjack_core.errors import NotConnected
from pumpjack_worker.adapters.opcua.certificates import (
    LONGEST_KEY_BITS,
    SHORTEST_KEY_BITS,
    rsa_bits,
    thumbprint,
)

MOST_REJECTED = 100
"""A server that shows a new certificate each time shall not fill the disk."""
LONGEST_CHAIN = 10
EXPIRES_SOON = datetime.timedelta(days=30)


def certificates_of(chain: bytes) -> list[x509.Certificate]:
    """The certificates of a chain as servers send it: DER, one after the other, its own first.

    Raises ValueError for what is none.
    """
    found: list[x509.Certificate] = []
    while chain and len(found) < LONGEST_CHAIN:
        size = _der_size(chain)
        found.append(x509.load_der_x509_certificate(chain[:size]))
        chain = chain[size:]
    if not found:
        raise ValueError("there is none")
    return found


def check_server(
    peer: str, chain: bytes, ca: bytes | None, folder: Path | None, now: datetime.datetime
) -> x509.Certificate:
    """The server's certificate, if it is trusted and valid now.

    ca      certificates to trust, PEM; folder: pki, None without one
    Raises NotConnected (Untrusted, Expired).
    """
    try:
        shown = certificates_of(chain)
    except ValueError as error:
        raise NotConnected(
            f"{peer} shows a certificate that cannot be read ({error}); renew it on the server",
            reason="Untrusted",
        ) from error
    own = shown[0]
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        raise NotConnected(
            f"the certificate of {peer} is valid from {own.not_valid_before_utc:%Y-%m-%d} to "
            f"{own.not_valid_after_utc:%Y-%m-%d} and now it is {now:%Y-%m-%d}; renew it on the "
            "server, and check the clocks of both sides",
            reason="Expired",
        )
    bits = rsa_bits(own)
    if not SHORTEST_KEY_BITS <= bits <= LONGEST_KEY_BITS:
        raise NotConnected(
            f"the certificate of {peer} has an RSA key of {bits} bits, and {SHORTEST_KEY_BITS} to "
            f"{LONGEST_KEY_BITS} are safe and allowed; make another on the server",
            reason="Untrusted",
        )
    if not _is_trusted(shown, [*_from_pem(ca), *_from_folder(folder)], now):
        raise _untrusted(peer, own, folder)
    return own


def expires_soon(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    """Whether somebody should renew it."""
    return certificate.not_valid_after_utc - now < EXPIRES_SOON


def application_uris(certificate: x509.Certificate) -> list[str]:
    """The application URIs that it bears."""
    return _names(certificate).get_values_for_type(x509.UniformResourceIdentifier)


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """The names and addresses of machines that it bears, in small letters."""
    names = _names(certificate)
    found = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    return found | {str(address) for address in names.get_values_for_type(x509.IPAddress)}


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return x509.SubjectAlternativeName([])


def _is_trusted(
    shown: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    now: datetime.datetime,
) -> bool:
    """Whether the first one is trusted itself, or issued by a trusted authority."""
    current = shown[0]
    for _ in range(LONGEST_CHAIN):
        if current in trusted:
            return True
        issuers = [one for one in (*trusted, *shown[1:]) if _issued(one, current, now)]
        if not issuers:
            return False
        current = issuers[0]
    return False


def _issued(issuer: x509.Certificate, one: x509.Certificate, now: datetime.datetime) -> bool:
    if issuer == one or not issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc:
        return False
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca or rsa_bits(issuer) < SHORTEST_KEY_BITS:
            return False
        one.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return True


def _from_pem(ca: bytes | None) -> list[x509.Certificate]:
    if not ca:
        return []
    try:
        return x509.load_pem_x509_certificates(ca)
    except ValueError as error:
        raise NotConnected(
            f"ca.crt of the Secret holds no certificates in PEM ({error}); write it again",
            reason="Credentials",
        ) from error


def _from_folder(folder: Path | None) -> Iterator[x509.Certificate]:
    """What a person put there; a file that is no certificate trusts nobody."""
    if folder is None:
        return
    for path in sorted((folder / "trusted").glob("*")):
        with contextlib.suppress(OSError, ValueError):
            content = path.read_bytes()
            if b"-----BEGIN" in content:
                yield from x509.load_pem_x509_certificates(content)
            else:
                yield x509.load_der_x509_certificate(content)


def _untrusted(peer: str, own: x509.Certificate, folder: Path | None) -> NotConnected:
    der = own.public_bytes(Encoding.DER)
    kept = None if folder is None else _keep_rejected(folder, der)
    move = "" if kept is None else f"move {kept} to {kept.parent.parent / 'trusted'}/, or "
    return NotConnected(
        f"the certificate of {peer} is not trusted: {own.subject.rfc4514_string()}, SHA-1 "
        f"{thumbprint(der)}, SHA-256 {hashlib.sha256(der).hexdigest().upper()}; if it is the "
        f"server's, {move}put it into ca.crt of the Secret that credentialsSecretRef names",
        reason="Untrusted",
    )


def _keep_rejected(folder: Path, der: bytes) -> Path | None:
    rejected = folder / "rejected"
    kept = rejected / f"{thumbprint(der)}.der"
    try:
        (folder / "trusted").mkdir(parents=True, exist_ok=True)
        rejected.mkdir(exist_ok=True)
        if not kept.exists() and len(list(rejected.iterdir())) >= MOST_REJECTED:
            return None
        kept.write_bytes(der)
    except OSError:
        return None
    return kept


def _der_size(content: bytes) -> int:
    """Bytes of the DER value that content begins with."""
    if len(content) < 4 or content[0] != 0x30:
        raise ValueError("it is no DER")
    if content[1] < 0x80:
        return 2 + content[1]
    count = content[1] & 0x7F
    size = 2 + count + int.from_bytes(content[2 : 2 + count], "big")
    if not 1 <= count <= 4 or size > len(content):
        raise ValueError("its length is wrong")
    return size
