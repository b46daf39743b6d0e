"""What screens are told of their gateway, and what their pages may reach. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from pumpjack_core.errors import ManifestError

_WEB_SOCKET_URL = re.compile(r"wss?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LOCAL = ("http://127.0.0.1:", "http://localhost:")


class Oidc(Struct, frozen=True, rename="camel"):
    """Where people sign in with their company's account: code flow with PKCE, no secret.

    issuer  as in the tokens' iss; its /.well-known/openid-configuration says the rest
    scopes  with spaces between
    """

    issuer: str
    client_id: str
    scopes: str


class ScreensConfig(Struct, frozen=True, rename="camel"):
    """What the screens must know before anybody has signed in.

    webSocketUrl  where the live feed is
    oidc          where people sign in; null where only tokens are pasted
    tokenSignIn   a token may be pasted
    """

    version: str
    web_socket_url: str
    oidc: Oidc | None
    token_sign_in: bool


class Site(Struct, frozen=True):
    """One gateway, as its pages must know it.

    https           it serves TLS itself
    web_socket_url  "" for the host that the page came from
    oidc_origins    what else of the issuer the pages may call
    token_sign_in   people may paste a token
    """

    https: bool = False
    web_socket_url: str = ""
    oidc: Oidc | None = None
    oidc_origins: tuple[str, ...] = ()
    token_sign_in: bool = False


def host_name(header: str) -> str | None:
    """The host of a Host header without its port, [::1] with its brackets; None for none.

    >>> host_name("wells.example.com:4000"), host_name("a; script-src *")
    ('wells.example.com', None)
    """
    found = _HOST.fullmatch(header)
    return found["name"].lower() if found is not None else None


def web_socket_url(site: Site, header: str, port: int) -> str:
    """Where a page that came from this Host finds the WebSocket, which listens on the port."""
    if site.web_socket_url:
        return site.web_socket_url
    return f"{'wss' if site.https else 'ws'}://{host_name(header) or 'localhost'}:{port}/"


def content_policy(site: Site, web_socket: str) -> str:
    """The Content-Security-Policy of the screens' pages: nothing but ours and the issuer."""
    reached = ["'self'", _source(web_socket)]
    if site.oidc is not None:
        reached.append(origin_of(site.oidc.issuer))
    reached += site.oidc_origins
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            f"connect-src {' '.join(dict.fromkeys(reached))}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _source(web_socket: str) -> str:
    """The WebSocket's origin; a policy cannot name an IPv6 address (CSP 3, host-source)."""
    origin = origin_of(web_socket)
    return f"{origin.partition('://')[0]}:" if "[" in origin else origin


def check_site(site: Site, trusted: Sequence[str]) -> None:
    """Refuse what screens could not work with; trusted: the issuers. Raises ManifestError."""
    where = site.web_socket_url
    if where and _WEB_SOCKET_URL.fullmatch(where) is None:
        raise ManifestError(
            f"PUMPJACK_WEB_SOCKET_URL: {where!r} is no WebSocket's address; write wss://host/ws"
        )
    if site.oidc is None:
        return
    issuer = site.oidc.issuer
    for origin in site.oidc_origins:
        if _ORIGIN.fullmatch(origin) is None:
            raise ManifestError(
                f"PUMPJACK_OIDC_ORIGINS: {origin!r} is no origin; write https://host"
            )
    is_address = _ORIGIN.fullmatch(origin_of(issuer)) is not None
    if not (is_address and issuer.startswith(("https://", *_LOCAL))):
        raise ManifestError(
            f"PUMPJACK_OIDC_ISSUER: {issuer!r} is no https:// address; people would sign in in the "
            "clear"
        )
    if "openid" not in site.oidc.scopes.split():
        raise ManifestError("PUMPJACK_OIDC_SCOPES: openid must be one of them")
    if issuer not in trusted:
        raise ManifestError(
            f"PUMPJACK_OIDC_ISSUER: {issuer!r} is none of PUMPJACK_JWT_ISSUERS "
            f"({', '.join(trusted) or 'there are none'}), so each of its tokens would be refused; "
            "the two must be equal to the letter"
        )
