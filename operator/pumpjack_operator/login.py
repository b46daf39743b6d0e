"""Where the API server is and how the operator proves who it is."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

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
    tls = authorities((account / "ca.crt").read_text())
    return Login(f"https://{name}:{port}", tls, token_file=account / "token")


def authorities(pem: str | None) -> ssl.SSLContext:
    """TLS that trusts a cluster's own authorities, or those of the system."""
    tls = ssl.create_default_context(cadata=pem)
    # Python 3.13 asks more of an authority's certificate than Go, which makes and checks them
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return tls
