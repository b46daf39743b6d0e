"""Where the API server is and how the operator proves who it is."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

from msgspec import Struct

from pumpjack_core.errors import SetupError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts a pod's account."""


class Login(Struct, frozen=True):
    """How to reach one API server.

    token_file  read again at each request, since the kubelet renews it every hour; or token
    """

    server: str
    tls: ssl.SSLContext | None = None
    token: str = ""
    token_file: Path | None = None

    def __repr__(self) -> str:
        return f"Login({self.server})"

    def headers(self) -> dict[str, str]:
        """What each request bears."""
        token = self.token
        if self.token_file is not None:
            token = self.token_file.read_text().strip()
        return {"Authorization": f"Bearer {token}"} if token else {}


def in_cluster(account: Path = ACCOUNT) -> Login:
    """As a pod. Raises SetupError outside of one."""
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    if not host or not port or not (account / "token").is_file():
        raise SetupError(
            "this is no pod with a service account; name a kubeconfig by PUMPJACK_KUBECONFIG"
        )
    name = f"[{host}]" if ":" in host else host
    tls = ssl.create_default_context(cafile=str(account / "ca.crt"))
    return Login(f"https://{name}:{port}", tls, token_file=account / "token")


async def from_kubeconfig(path: Path) -> Login:
    """As kubectl would. Raises SetupError when the file cannot be used."""
    from kubernetes.aio import config
    from kubernetes.aio.client import Configuration

    found: Any = Configuration()
    load: Any = config.load_kube_config
    try:
        await load(config_file=str(path), client_configuration=found)
    except (config.ConfigException, OSError, ValueError) as error:
        raise SetupError(f"{path} is no kubeconfig that can be used: {error}") from error
    tls = None
    if found.host.startswith("https"):
        tls = ssl.create_default_context(cafile=found.ssl_ca_cert)
        if not found.verify_ssl:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        if found.cert_file:
            tls.load_cert_chain(found.cert_file, found.key_file)
    token = str(found.api_key.get("BearerToken", "")).removeprefix("Bearer ")
    return Login(found.host, tls, token)
