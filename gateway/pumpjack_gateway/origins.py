"""Which web pages may use the gateway: those that it serves itself, and those that are listed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from pumpjack_gateway.site import host_name

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - to be told apart, not to listen on


class Origins:
    """Decides by an Origin header (RFC 6454) and the Host that the request itself names.

    A page of ours has the address that REST listens on, or a loopback name of it. Where REST
    listens on every address, it may have any as long as page and WebSocket share it: a name
    could be made to point here by others (DNS rebinding), an address could not.
    """

    def __init__(
        self, listed: tuple[str, ...], *, rest_host: str, https: bool, rest_port: Callable[[], int]
    ) -> None:
        self._listed = listed
        self._scheme = "https" if https else "http"
        self._hosts = {*_LOOPBACK, f"[{rest_host}]" if ":" in rest_host else rest_host.lower()}
        self._everywhere = rest_host in _WILDCARDS
        self._rest_port = rest_port

    def allows(self, origin: str, host_header: str) -> bool:
        """Whether a page of this origin may come in."""
        return origin in self._listed or self._is_own(origin, host_header)

    def _is_own(self, origin: str, host_header: str) -> bool:
        scheme, _, rest = origin.partition("://")
        host = host_name(rest)
        if scheme != self._scheme or host is None or _port(origin) != self._rest_port():
            return False
        if host in self._hosts:
            return True
        return self._everywhere and host == host_name(host_header) and _is_address(host)


def _port(origin: str) -> int | None:
    try:
        parts = urlsplit(origin)
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
