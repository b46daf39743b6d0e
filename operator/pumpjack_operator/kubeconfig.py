"""A kubeconfig: its current context, as a Login. Pure but for the files that it names.

Tokens and client certificates are read. Programs that make tokens (`exec`) are not run: what they
make ends within the hour, and whoever runs the operator outside of a cluster does so to try it out.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from pumpjack_core.errors import SetupError
from pumpjack_operator.login import Login, authorities

_T = TypeVar("_T")


class _Cluster(Struct, frozen=True, rename="kebab"):
    server: str
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class _User(Struct, frozen=True):
    token: str = ""
    token_file: str = field(default="", name="tokenFile")
    certificate: str = field(default="", name="client-certificate")
    certificate_data: str = field(default="", name="client-certificate-data")
    key: str = field(default="", name="client-key")
    key_data: str = field(default="", name="client-key-data")
    program: Any = field(default=None, name="exec")
    provider: Any = field(default=None, name="auth-provider")

    def __repr__(self) -> str:
        return "_User()"


class _Context(Struct, frozen=True):
    cluster: str
    user: str = ""


class _NamedCluster(Struct, frozen=True):
    name: str
    cluster: _Cluster


class _NamedUser(Struct, frozen=True):
    name: str
    user: _User = _User()


class _NamedContext(Struct, frozen=True):
    name: str
    context: _Context


class _Config(Struct, frozen=True, rename="kebab"):
    current_context: str = ""
    clusters: tuple[_NamedCluster, ...] = ()
    users: tuple[_NamedUser, ...] = ()
    contexts: tuple[_NamedContext, ...] = ()


def from_kubeconfig(path: Path) -> Login:
    """As kubectl would log in. Raises SetupError that says why the file cannot be used."""
    try:
        config = msgspec.yaml.decode(path.read_bytes(), type=_Config)
        context = _named(
            "context", config.current_context, {one.name: one.context for one in config.contexts}
        )
        cluster = _named(
            "cluster", context.cluster, {one.name: one.cluster for one in config.clusters}
        )
        user = (
            _named("user", context.user, {one.name: one.user for one in config.users})
            if context.user
            else _User()
        )
        return _login(path.parent, cluster, user)
    except OSError as error:
        where = error.filename or path
        raise SetupError(f"{path} cannot be used: {where}: {error.strerror or error}") from error
    except msgspec.ValidationError as error:
        raise SetupError(f"{path} is no kubeconfig: {error}") from error
    except msgspec.DecodeError:
        # what the parser says quotes the line, and with it a key or a token
        raise SetupError(f"{path} is no kubeconfig: it is no YAML") from None
    except ValueError as error:
        raise SetupError(f"{path} cannot be used: {error}") from error


def _login(folder: Path, cluster: _Cluster, user: _User) -> Login:
    if user.program is not None or user.provider is not None:
        raise ValueError(
            "its user's token is made by a program, which is not run here; "
            "use a token of a ServiceAccount (kubectl create token)"
        )
    if cluster.proxy_url or cluster.tls_server_name:
        raise ValueError("proxy-url and tls-server-name are not known here; take them out")
    server = cluster.server.rstrip("/")
    tls = _tls(folder, cluster, user) if server.startswith("https://") else None
    file = folder / user.token_file if user.token_file else None
    return Login(server, tls, user.token, file)


def _tls(folder: Path, cluster: _Cluster, user: _User) -> ssl.SSLContext:
    given = _content(folder, cluster.certificate_authority, cluster.certificate_authority_data)
    tls = authorities(given.decode("ascii") if given else None)
    if cluster.insecure_skip_tls_verify:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate = _content(folder, user.certificate, user.certificate_data)
    if certificate:
        key = _content(folder, user.key, user.key_data)
        # the ssl module reads files only; this one is nobody else's, and gone at once
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + b"\n" + key)
            file.flush()
            tls.load_cert_chain(file.name)
    return tls


def _content(folder: Path, file: str, data: str) -> bytes:
    """What stands in the kubeconfig itself goes before a file, as for kubectl."""
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            raise ValueError("a certificate or key in it is no base64") from None
    return (folder / file).read_bytes() if file else b""


def _named(what: str, name: str, known: dict[str, _T]) -> _T:
    if name not in known:
        raise ValueError(f"it has no {what} {name!r}; it has {', '.join(known) or 'none'}")
    return known[name]
