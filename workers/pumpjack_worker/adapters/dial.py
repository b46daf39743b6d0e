"""The way to a device over TCP: its address, whether it is allowed, the connection, TLS."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from pumpjack_core.errors import NotConnected
from pumpjack_core.networks import Network, endpoint, resolve_allowed
from pumpjack_worker.adapters.contract import OnStep, no_steps

_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)
_EXPIRED, _NOT_YET, _WRONG_NAME = 10, 9, (62, 64)
"""Codes of OpenSSL's x509_vfy.h: X509_V_ERR_CERT_HAS_EXPIRED and its neighbours."""
_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)


class Tls(Struct, frozen=True):
    """How to secure the connection, and the name that the certificate must bear."""

    context: ssl.SSLContext
    server_name: str


async def dial(
    protocol: Callable[[], _Protocol],
    host: str,
    port: int,
    networks: Sequence[Network],
    *,
    timeout_s: float,
    tls: Tls | None = None,
    on_step: OnStep = no_steps,
) -> _Protocol:
    """Resolve, check that the platform allows the address, and connect to that address.

    timeout_s is for each step. Raises HostNotAllowed or NotConnected (NameNotFound, Refused,
    Timeout, Unreachable, Untrusted, Expired, WrongName, TlsFailed).
    """
    peer = endpoint(host, port)
    on_step("resolve")
    address = await resolve_allowed(host, port, networks, timeout_s=timeout_s)
    on_step("connect")
    connected = await _connect(address, port, peer, timeout_s)
    loop = asyncio.get_running_loop()
    try:
        if tls is None:
            return (await loop.create_connection(protocol, sock=connected))[1]
        on_step("secure")
        async with asyncio.timeout(timeout_s):
            return (
                await loop.create_connection(
                    protocol, sock=connected, ssl=tls.context, server_hostname=tls.server_name
                )
            )[1]
    except TimeoutError as error:
        raise NotConnected(
            f"{peer} did not answer to TLS within {timeout_s:g} s; check that this port speaks TLS",
            reason="Timeout",
        ) from error
    except OSError as error:  # ssl.SSLError is one
        raise _tls_error(peer, error) from error
    except BaseException:
        connected.close()
        raise


async def _connect(address: str, port: int, peer: str, timeout_s: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connecting = socket.socket(family, socket.SOCK_STREAM)
    connecting.setblocking(False)
    try:
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except BaseException as error:
        connecting.close()
        if isinstance(error, OSError):  # TimeoutError is one
            raise _unreachable(peer, error, timeout_s) from error
        raise
    return connecting


def _unreachable(peer: str, error: OSError, timeout_s: float) -> NotConnected:
    if isinstance(error, TimeoutError):
        return NotConnected(
            f"{peer} did not answer within {timeout_s:g} s; check that the device is on, and the "
            "way to it",
            reason="Timeout",
        )
    if isinstance(error, ConnectionRefusedError):
        return NotConnected(
            f"{peer} refused the connection; check the port, and whether the device allows "
            "another client",
            reason="Refused",
        )
    why = "there is no way to it" if error.errno in _UNREACHABLE else str(error)
    return NotConnected(
        f"{peer} cannot be reached: {why}; check address and network", reason="Unreachable"
    )


def _tls_error(peer: str, error: OSError) -> NotConnected:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (_EXPIRED, _NOT_YET):
            return NotConnected(
                f"the certificate of {peer} is not valid now ({error.verify_message}); renew it, "
                "and check the clocks of both sides",
                reason="Expired",
            )
        if error.verify_code in _WRONG_NAME:
            return NotConnected(
                f"the certificate of {peer} is another's ({error.verify_message}); use a name "
                "that it bears, or set serverName",
                reason="WrongName",
            )
        return NotConnected(
            f"the certificate of {peer} is not trusted ({error.verify_message}); put its "
            "authority's certificate into ca.crt of the Secret that credentialsSecretRef names",
            reason="Untrusted",
        )
    if isinstance(error, ssl.SSLError):
        return NotConnected(
            f"{peer} does not agree on TLS ({error.reason or error}); check that this port speaks "
            "TLS, and whether it asks for a certificate (tls.crt and tls.key of the Secret)",
            reason="TlsFailed",
        )
    return NotConnected(
        f"{peer} closed the connection before it stood ({error}); check that this port speaks TLS",
        reason="Closed",
    )
