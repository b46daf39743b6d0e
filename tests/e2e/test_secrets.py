"""`pumpjack up` and Secrets: the worker finds the files, an edit reaches it, nothing shows them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pumpjack_cli.local.addresses import free_ports
from tests.e2e.local_run import LocalRun, manifest, simulator, until, worker_pid

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]
PLC = "permian-ops/plc"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: permian-ops}
type: pumpjack.dev/device-credentials
stringData: {username: ann, password: %s}
"""
NAMED = "  pollInterval: 200ms\n  credentialsSecretRef: {name: login}"


def told_where(data: Path) -> str | None:
    """Where the worker was told to look for its Secret, "" for nowhere; None: none runs now."""
    pid = worker_pid(data, PLC)
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).environ().get("PUMPJACK_SECRETS_DIR", "") if pid else None
    return None


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own: another account, that of PostgreSQL, must get into it."""
    with tempfile.TemporaryDirectory(prefix="pj-up-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def test_an_edited_secret_reaches_the_worker_and_a_removed_one_is_removed(folder: Path) -> None:
    (port,) = free_ports(1)
    wells, data = folder / "wells", folder / "data"
    wells.mkdir()
    plain = manifest(port, [("a_counter", 0)])
    (wells / "plc.yaml").write_text(plain.replace("  pollInterval: 200ms", NAMED))
    (wells / "login.yaml").write_text(SECRET % "hunter2")
    files = data / "secrets" / "devices" / "permian-ops_plc"
    free = ("--rest-address", "127.0.0.1:0", "--ws-address", "127.0.0.1:0")
    with simulator(wells, port), LocalRun("up", "-f", str(wells), *free, data=data) as up:
        up.wait_for("Ctrl-C stops everything")
        assert told_where(data) == str(files)
        assert (files / "password").read_text() == "hunter2"

        (wells / "login.yaml").write_text(SECRET % "hunter3")
        up.wait_for(f"{PLC}: its Secret was changed; used at the next connect")
        assert (files / "password").read_text() == "hunter3"

        (wells / "plc.yaml").write_text(plain)
        up.wait_for(f"{PLC}: changed, 1 tags")
        until(lambda: told_where(data) == "")
        assert not files.exists()
    assert "hunter" not in up.output
    for file in [*(data / "logs").iterdir(), *(data / "config").rglob("*.json")]:
        assert "hunter" not in file.read_text()
