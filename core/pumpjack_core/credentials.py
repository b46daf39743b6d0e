"""What a device asks for before it talks: the files of a mounted Secret, never a manifest.

A folder holds any of username, password, ca.crt (certificates to trust, PEM), tls.crt and tls.key
(the worker's own, PEM). On a cluster the kubelet mounts it from a Secret of type
pumpjack.dev/device-credentials and renews the files when the Secret changes, so they are read
anew at each connect.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from pumpjack_core.errors import NotConnected

SECRET_TYPE = "pumpjack.dev/device-credentials"  # noqa: S105 - the type, no secret
MOST_BYTES = 1 << 20
KEYS = ("username", "password", "ca.crt", "tls.crt", "tls.key")


class Credentials(Struct, frozen=True):
    """The login for a device; what the Secret does not hold is None. Its repr shows no secret."""

    username: str | None = None
    password: str | None = None
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def __repr__(self) -> str:
        held = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        return f"Credentials({', '.join(held) or 'nothing'})"


NO_CREDENTIALS = Credentials()


def read(folder: Path | None) -> Credentials:
    """Read a folder; None holds nothing. Raises NotConnected (Credentials) for a wrong file."""
    if folder is None:
        return NO_CREDENTIALS
    if not folder.is_dir():
        raise NotConnected(
            f"the Secret that credentialsSecretRef names is not mounted: there is no {folder}",
            reason="Credentials",
        )
    username, password = (_text(folder / name) for name in ("username", "password"))
    ca, certificate, key = (_bytes(folder / name) for name in ("ca.crt", "tls.crt", "tls.key"))
    if (certificate is None) != (key is None):
        raise NotConnected(
            f"{folder} holds only one of tls.crt and tls.key; the Secret must have both or none",
            reason="Credentials",
        )
    return Credentials(username, password, ca, certificate, key)


def _text(path: Path) -> str | None:
    """A line of text; the newline that an editor or `echo` left at its end is no part of it."""
    content = _bytes(path)
    if content is None:
        return None
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise NotConnected(
            f"{path.name} of the Secret is no UTF-8 text; write it again", reason="Credentials"
        ) from None


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotConnected(
            f"{path} cannot be read: {error.strerror}", reason="Credentials"
        ) from error
