"""A real API server with its etcd, for the length of a test module."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pumpjack_cli.local.addresses import free_ports
from tests.controlplane import binaries

START_S = 100.0
TOKEN = "test"
"""Of an administrator."""
CONTROLLERS_TOKEN = "controllers"
"""Of kube-controller-manager, which may do what Kubernetes grants it."""


class ControlPlane:
    """etcd and an API server, which may be stopped and started; data is kept in folder.

    client  as administrator
    folder  where data, keys and logs are
    flags   more of them for the API server
    """

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self._flags = flags
        self._programs = {name: binaries.find(name) for name in ("kube-apiserver", "etcd")}
        self._etcd, self._peer, secure = (f"http://127.0.0.1:{port}" for port in free_ports(3))
        self.port = int(secure.rpartition(":")[2])
        self._running = contextlib.ExitStack()
        self._server = contextlib.ExitStack()
        self.client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            verify=anyone(),
            timeout=60,
        )

    def __enter__(self) -> ControlPlane:
        _write_keys(self.folder)
        self._running.enter_context(self.client)
        self._running.enter_context(
            running(
                self.folder,
                *(self._programs["etcd"], "--data-dir", self.folder / "etcd"),
                *("--listen-client-urls", self._etcd, "--advertise-client-urls", self._etcd),
                *("--listen-peer-urls", self._peer, "--unsafe-no-fsync"),
            )
        )
        self._running.push(self._server)
        try:
            self.start_api()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._running.close()

    def kubeconfig(self, token: str, folder: Path) -> Path:
        """A login by token, for programs, written to a folder."""
        server = {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": server}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        file = folder / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return file

    def start_api(self) -> None:
        """Start the API server, and wait until it is ready."""
        folder = self.folder
        self._server.enter_context(
            running(
                folder,
                *(self._programs["kube-apiserver"], "--etcd-servers", self._etcd),
                *("--cert-dir", folder),
                *("--bind-address", "127.0.0.1", "--secure-port", self.port),
                *("--service-account-key-file", folder / "sa.key"),
                *("--service-account-signing-key-file", folder / "sa.key"),
                *("--service-account-issuer", "https://test.invalid"),
                *("--token-auth-file", folder / "tokens.csv"),
                *("--authorization-mode", "RBAC"),  # the token is an administrator's
                *("--service-cluster-ip-range", "10.0.0.0/24"),
                *self._flags,
            )
        )
        wait_until(self.client, "/readyz")

    def stop_api(self) -> None:
        """Stop the API server; what it stored stays."""
        self._server.close()


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[httpx.Client]:
    """A client, as administrator, of an API server that keeps its data in folder.

    Raises binaries.Missing when there is none on this machine.
    """
    with ControlPlane(folder) as plane:
        yield plane.client


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
    (folder / "tokens.csv").write_text(
        f"{TOKEN},admin,admin,system:masters\n"
        f"{CONTROLLERS_TOKEN},system:kube-controller-manager,controllers\n"
    )


def anyone() -> ssl.SSLContext:
    """The server makes its certificate as it starts; it is on the loopback address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def running(folder: Path, *command: object) -> Iterator[None]:
    """A program, ended in the end; its log is in folder, under its name."""
    with (folder / f"{Path(str(command[0])).name}.log").open("ab") as log:
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
