"""The device to browse: the connection of a manifest, or a URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from pumpjack_cli.browsing.manifest import Target
from pumpjack_cli.naming import named
from pumpjack_core.config import Connection, worker_config
from pumpjack_core.errors import SetupError
from pumpjack_core.manifests.check import check
from pumpjack_core.manifests.objects import DEFAULT_NAMESPACE, ScadaConnection
from pumpjack_core.manifests.problems import path_text
from pumpjack_core.protocols import PROTOCOLS
from pumpjack_core.tags import TagTable
from pumpjack_worker.adapters.registry import declared

OPCUA = "opc.tcp://"


class Device(Struct, frozen=True):
    """What to browse, and how its mapping names it. secret: its values, never to be shown."""

    connection: Connection
    target: Target
    secret: dict[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"Device({self.target.where})"


def is_url(text: str) -> bool:
    """Whether it is a URL rather than a path."""
    return "://" in text


def from_url(
    url: str,
    networks: Sequence[str],
    *,
    name: str | None = None,
    security: str | None = None,
    login: tuple[str, str] | None = None,
) -> Device:
    """A device by its URL. login: user and password. Raises SetupError for what is none."""
    browsed = _browsed()
    protocol = browsed.get(url.partition("://")[0])
    if protocol is None:
        forms = " or ".join(declared(one).form for one in browsed.values())
        raise SetupError(f"{url.partition('://')[0]}:// is not known; write {forms}")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise SetupError(
            "a login does not belong into a URL, where others see it; give --user, and the "
            "password in PUMPJACK_DEVICE_PASSWORD or when asked"
        )
    spec, host = _spec(url, protocol)
    if url.startswith(OPCUA):
        spec["opcua"]["security"] = security or "None"
    called = name or re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-") or "device"
    secret = f"{called}-login" if login is not None else ""
    if secret:
        spec["credentialsSecretRef"] = {"name": secret}
    document = {
        "apiVersion": "pumpjack.dev/v1alpha1",
        "kind": "ScadaConnection",
        "metadata": {"name": called},
        "spec": spec,
    }
    connection = _configured(_checked(document, url), networks)
    target = Target(url, called, connection=document, secret=secret)
    values = {"username": login[0].encode(), "password": login[1].encode()} if login else None
    return Device(connection, target, values)


def from_file(file: Path, networks: Sequence[str], *, name: str | None = None) -> Device:
    """A connection of a manifest, the only one or the one with this name. Raises SetupError."""
    from pumpjack_cli.local.plan import make_plan
    from pumpjack_cli.probing.probe import endpoint_of

    plan = make_plan([file], networks)
    found = named(plan.configs, name)
    if len(found) > 1:
        raise SetupError(
            f"{file} declares {', '.join(found)}; pick one with --connection NAMESPACE/NAME"
        )
    (identity,) = found
    connection = plan.configs[identity].connection
    namespace, _, called = identity.partition("/")
    secret = plan.secrets.get(identity)
    return Device(
        connection,
        Target(
            f"{identity} ({endpoint_of(connection.spec)})",
            called,
            namespace if namespace != DEFAULT_NAMESPACE else "",
        ),
        dict(secret) if secret is not None else None,
    )


def _browsed() -> dict[str, str]:
    """Scheme to the protocol whose devices can be browsed by such a URL."""
    return {declared(one).scheme: one for one in PROTOCOLS if declared(one).of_url is not None}


def _spec(url: str, protocol: str) -> tuple[dict[str, Any], str]:
    """The spec of a connection, and its host."""
    known = declared(protocol)
    assert known.of_url is not None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
        if not parts.hostname:
            raise ValueError("it names no host")
        settings = known.of_url(parts)
    except ValueError as error:
        raise SetupError(
            f"{url} is no address of a device ({error}); write {known.form}"
        ) from error
    return {"protocol": protocol, _camel(PROTOCOLS[protocol].member): settings}, parts.hostname


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _checked(document: dict[str, Any], url: str) -> ScadaConnection:
    """The connection, by the rules of any manifest."""
    checked = check(document)
    if not isinstance(checked.object, ScadaConnection):
        told = "; ".join(f"{path_text(one.path)}: {one.message}" for one in checked.findings)
        raise SetupError(f"{url} cannot be used: {told}")
    return checked.object


def _configured(connection: ScadaConnection, networks: Sequence[str]) -> Connection:
    return worker_config(
        tenant_id=connection.metadata.namespace,
        connection_id=connection.metadata.id,
        spec=connection.spec,
        allowed_networks=tuple(networks),
        tags=TagTable(()),
    ).connection
