"""Which webhooks there are: the platform's configuration, PUMPJACK_WEBHOOKS (docs/alarms.md).

The platform writes it, not the tenants: a URL is a way into the platform's own network.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from pumpjack_core.errors import ManifestError
from pumpjack_core.networks import Network, parse_networks
from pumpjack_gateway.alarms.model import Event, Kind

SECRET_MIN_CHARS = 16
Priority = Annotated[int, Meta(ge=1, le=4)]


class Webhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where a tenant's events are sent.

    name        of this webhook among those of its tenant; its position is kept under it
    url         https; http only to an address within networks
    secret      signs each message
    priorities  of the alarms that it is told of; kinds: of the events
    networks    private addresses that the URL may lead to, as CIDRs; public ones always may
    ca          file with the authorities that its certificate is checked against
    """

    tenant: Annotated[str, Meta(min_length=1, max_length=63)]
    name: Annotated[str, Meta(pattern="^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
    url: str
    secret: Annotated[str, Meta(min_length=SECRET_MIN_CHARS)]
    priorities: tuple[Priority, ...] = (1, 2, 3, 4)
    kinds: tuple[Kind, ...] = ("raised", "returned", "acknowledged")
    networks: tuple[str, ...] = ()
    ca: str = ""

    @property
    def place(self) -> str:
        """Where it leads, for logs: the rest of a URL may be a secret."""
        return urlsplit(self.url).hostname or ""

    @property
    def allowed(self) -> tuple[Network, ...]:
        """Private networks that it may reach."""
        return parse_networks(self.networks)

    def wants(self, event: Event) -> bool:
        """Whether it is told of this event."""
        return event.priority in self.priorities and event.kind in self.kinds

    def __repr__(self) -> str:
        return f"Webhook({self.tenant}, {self.name}, {self.place})"


_decode = msgspec.json.Decoder(list[Webhook]).decode


def parse_webhooks(text: str) -> tuple[Webhook, ...]:
    """The configuration, JSON. Raises ManifestError with a sentence, never with a secret."""
    if not text.strip():
        return ()
    try:
        found = _decode(text)
    except msgspec.MsgspecError as error:
        raise ManifestError(f"PUMPJACK_WEBHOOKS: {error}") from error
    seen = set()
    for hook in found:
        where = f"PUMPJACK_WEBHOOKS: the webhook {hook.name!r} of {hook.tenant!r}"
        if (hook.tenant, hook.name) in seen:
            raise ManifestError(f"{where} is there twice; give each another name")
        seen.add((hook.tenant, hook.name))
        _check(hook, where)
    return tuple(found)


def _check(hook: Webhook, where: str) -> None:
    try:
        parts = urlsplit(hook.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("https", "http") or parts.username is not None:
        raise ManifestError(f"{where} has no URL such as https://host/path, without a login")
    if not hook.url.isascii() or any(char.isspace() for char in hook.url):
        raise ManifestError(f"{where} has a URL with other characters than a URL may have")
    try:
        networks = hook.allowed
    except ValueError as error:
        raise ManifestError(f"{where}: networks: {error}") from error
    if parts.scheme == "http" and not networks:
        raise ManifestError(
            f"{where} is not https: without TLS it may only lead to networks that it names"
        )
