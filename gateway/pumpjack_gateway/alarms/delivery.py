"""One POST to a webhook: signed, bounded, to an address that may be reached."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from pumpjack_core.errors import PumpjackError
from pumpjack_core.networks import Network, is_allowed
from pumpjack_gateway.alarms.webhooks import Webhook

LIMIT_S = 10.0
_LINES_MAX = 100


class NotTaken(PumpjackError):
    """The webhook did not take a message. reason: one word, for metrics."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def signature(secret: str, at_s: int, body: bytes) -> str:
    """Of a message: HMAC-SHA256 over its time, a dot and the body, in hexadecimal digits.

    >>> signature("0123456789abcdef", 1, b"{}")[:12]
    't=1,v1=2af69'
    """
    digest = hmac.digest(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={digest.hex()}"


async def post(hook: Webhook, body: bytes, at_s: int) -> None:
    """Send a message. Raises NotTaken unless the answer is 2xx; redirects are not followed."""
    parts = urlsplit(hook.url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: pumpjack\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Pumpjack-Signature: {signature(hook.secret, at_s, body)}\r\nConnection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            address = await _address(host, port, hook.allowed, secure=secure)
            reader, writer = await asyncio.open_connection(
                address,
                port,
                ssl=_tls(hook) if secure else None,
                server_hostname=host if secure else None,
            )
            try:
                writer.write(head.encode("ascii") + body)
                await writer.drain()
                status = await _status(reader)
            finally:
                writer.transport.abort()
    except TimeoutError as error:
        raise NotTaken("timeout", f"{host} did not answer within {LIMIT_S:.0f} s") from error
    except ssl.SSLError as error:
        raise NotTaken("tls", f"{host}: {error.reason or error}; see its certificate") from error
    except (OSError, EOFError, ValueError) as error:
        raise NotTaken("unreachable", f"{host}: {error or type(error).__name__}") from error
    if not 200 <= status < 300:
        raise NotTaken(f"http_{status}", f"{host} answered {status}")


async def _address(host: str, port: int, allowed: Sequence[Network], *, secure: bool) -> str:
    """An address of the host that may be reached: the name is not asked again."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for entry in found:
        text = str(entry[4][0])
        address = ipaddress.ip_address(text.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if is_allowed(address, allowed) or (secure and mapped.is_global):
            return text
    raise NotTaken(
        "address", f"{host} has no public address, nor one in the networks that the webhook names"
    )


def _tls(hook: Webhook) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=hook.ca or None)


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of the answer; interim ones are passed over. The rest is not read."""
    for _ in range(_LINES_MAX):
        line = await reader.readline()
        version, _, rest = line.partition(b" ")
        if not version.startswith(b"HTTP/1."):
            raise ValueError("the answer is not HTTP/1.1")
        status = int(rest[:3])
        if status >= 200:
            return status
        while (await reader.readline()).strip():
            pass
    raise ValueError("the answer has no end")
