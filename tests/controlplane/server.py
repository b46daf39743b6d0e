"""A real API server with its etcd, for the length of a test module."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pumpjack_cli.local.addresses import free_ports
from tests.controlplane import binaries

START_S = 60.0
TOKEN = "test"


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[httpx.Client]:
    """A client, as administrator, of an API server that keeps its data in folder.

    Raises binaries.Missing when there is none on this machine.
    """
    kube_apiserver, etcd_program = (binaries.find(name) for name in ("kube-apiserver", "etcd"))
    _write_keys(folder)
    etcd, peer, secure = (f"http://127.0.0.1:{port}" for port in free_ports(3))
    port = secure.rpartition(":")[2]
    store = _running(
        folder,
        *(etcd_program, "--data-dir", folder / "etcd", "--unsafe-no-fsync"),
        *("--listen-client-urls", etcd, "--advertise-client-urls", etcd),
        *("--listen-peer-urls", peer),
    )
    server = _running(
        folder,
        *(kube_apiserver, "--etcd-servers", etcd, "--cert-dir", folder),
        *("--bind-address", "127.0.0.1", "--secure-port", port),
        *("--service-account-key-file", folder / "sa.key"),
        *("--service-account-signing-key-file", folder / "sa.key"),
        *("--service-account-issuer", "https://test.invalid"),
        *("--token-auth-file", folder / "tokens.csv"),
        *("--authorization-mode", "RBAC"),  # as clusters have it; the token is an administrator's
        *("--service-cluster-ip-range", "10.0.0.0/24"),
    )
    client = httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        verify=_anyone(),
        timeout=10,
    )
    with store, server, client:
        wait_until(client, "/readyz")
        yield client


def wait_until(client: httpx.Client, path: str) -> None:
    """Wait until a path answers 200."""
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get(path).status_code == 200:
                return
        assert time.monotonic() < deadline, f"{path} did not answer within {START_S} s"
        time.sleep(0.1)


def _write_keys(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "sa.key").write_bytes(key)
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")


def _anyone() -> ssl.SSLContext:
    """The server makes its certificate as it starts; it is on the loopback address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def _running(folder: Path, *command: object) -> Iterator[None]:
    with (folder / f"{Path(str(command[0])).name}.log").open("wb") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
