"""The operator's program, and stores that ask who logs in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import msgspec

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.storage.logins import set_passwords
from pumpjack_core.storage.roles import OPERATOR_ROLE
from pumpjack_operator.platform import Platform
from pumpjack_operator.stores import with_login
from tests.operator.cluster import PLATFORM

STOP_S = 30
PASSWORD = "the-operators-own-password"


@contextlib.contextmanager
def program(
    folder: Path,
    *,
    platform: Platform,
    namespace: str,
    login: Path,
    database_url: str,
    redis_url: str,
) -> Iterator[Path]:
    """`python -m pumpjack_operator`, as its pod runs it; yields its log."""
    (folder / "platform.yaml").write_bytes(msgspec.yaml.encode(platform))
    environment = {
        "PUMPJACK_PLATFORM_FILE": str(folder / "platform.yaml"),
        "PUMPJACK_NAMESPACE": namespace,
        "PUMPJACK_KUBECONFIG": str(login),
        "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}",
        "PUMPJACK_DATABASE_URL": database_url,
        "PUMPJACK_REDIS_URL": redis_url,
    }
    log = folder / "operator.log"
    with log.open("wb") as to:
        process = subprocess.Popen(
            [sys.executable, "-m", "pumpjack_operator"],
            stdout=to,
            stderr=to,
            env={**os.environ, **environment},
        )
    try:
        yield log
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0, log.read_text()
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.kill()
        process.wait()


class Replica:
    """A process that runs, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, address: str) -> None:
        self.process = process
        self.log = log
        self._address = address

    def get(self, path: str) -> httpx.Response:
        """Ask it: /metrics, /healthz or /readyz."""
        return httpx.get(f"http://{self._address}{path}", timeout=10)

    def is_ready(self) -> bool:
        """Whether its /readyz answers well."""
        with contextlib.suppress(httpx.TransportError):
            return self.get("/readyz").status_code == 200
        return False


@contextlib.contextmanager
def replica(
    folder: Path, *, namespace: str, login: Path, name: str = "first", platform: Platform = PLATFORM
) -> Iterator[Replica]:
    """The program without stores of its own; whoever tests it ends it, or it is killed."""
    (folder / "platform.yaml").write_bytes(msgspec.yaml.encode(platform))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    log = folder / f"{name}.log"
    with log.open("wb") as to:
        process = subprocess.Popen(
            [sys.executable, "-m", "pumpjack_operator"],
            stdout=to,
            stderr=to,
            env={
                **os.environ,
                "PUMPJACK_PLATFORM_FILE": str(folder / "platform.yaml"),
                "PUMPJACK_NAMESPACE": namespace,
                "PUMPJACK_POD_NAME": name,
                "PUMPJACK_KUBECONFIG": str(login),
                "PUMPJACK_STATUS_ADDRESS": address,
            },
        )
    try:
        yield Replica(process, log, address)
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def with_passwords(url: str) -> AsyncIterator[str]:
    """Have the server ask for passwords in this database, of all but the superuser.

    Yields the URL of the operator's login.
    """
    await set_passwords(url, {OPERATOR_ROLE: PASSWORD})
    admin = await asyncpg.connect(url)
    name = await admin.fetchval("SELECT current_database()")
    file = Path(await admin.fetchval("SHOW hba_file"))
    before = await asyncio.to_thread(file.read_text)
    rules = f"local {name} postgres trust\nlocal {name} all scram-sha-256\n"
    try:
        await asyncio.to_thread(file.write_text, rules + before)
        await admin.execute("SELECT pg_reload_conf()")
        yield with_login(url, OPERATOR_ROLE, PASSWORD)
    finally:
        await asyncio.to_thread(file.write_text, before)
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()
