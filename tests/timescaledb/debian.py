"""PostgreSQL 17 with TimescaleDB, Apache edition: Debian's packages, in a folder of their own.

mmdebstrap makes the folder once, outside the checkout. The server runs inside of it by chroot, as
an account of its own, and is reached by its socket alone. That takes root; where it cannot be had
the tests skip.

    python -m tests.timescaledb.debian     makes the folder, and says where it is
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kind.machine import debian, packages, steps
from tests.kind.machine.places import CACHE

PACKAGES = ("postgresql-17", "postgresql-17-timescaledb")
OPTIONS = (
    "--variant=essential",
    "--format=directory",
    # Compiling just in time takes 200 MB, and the server does without.
    "--dpkgopt=path-exclude=/usr/lib/*/libLLVM*",
    "--dpkgopt=path-exclude=/usr/lib/*/libz3*",
    "--dpkgopt=path-exclude=/usr/lib/postgresql/*/lib/bitcode/*",
    "--dpkgopt=path-exclude=/usr/lib/postgresql/*/lib/llvmjit*",
)
SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",  # no word to the network
    "listen_addresses": "",
    "dynamic_shared_memory_type": "mmap",
    "max_worker_processes": "0",  # no jobs at this level; a scheduler would hold each database open
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
    "timezone": "UTC",
}
PROGRAMS = Path("/usr/lib/postgresql/17/bin")
MAKE_LIMIT_S = 900
START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
A_DAY_S = 86_400


@contextlib.contextmanager
def timescaledb_apache(*, durable: bool = False) -> Iterator[str]:
    """Start one with an empty cluster; gives its URL, as superuser. Skips where it cannot be had.

    durable: with fsync, as a real one
    """
    try:
        root = folder()
    except (steps.Impossible, OSError) as error:
        pytest.skip(f"peer-missing: timescaledb-apache: {error}")
    _forget_old(root)
    with tempfile.TemporaryDirectory(
        prefix="pj-", dir=root / "tmp", ignore_cleanup_errors=True
    ) as own:
        inside = "/" / Path(own).relative_to(root)
        _give_away(Path(own), root)
        _inside(root, PROGRAMS / "initdb", "-D", inside / "data", "-A", "trust", "-U", "postgres")
        settings = {**SETTINGS, "fsync": "on" if durable else "off"}
        command = _chroot(root, PROGRAMS / "postgres", "-D", inside / "data", "-k", inside)
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (Path(own) / "log").open("wb") as log:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_until_ready(server, root, inside, Path(own) / "log")
            yield f"postgresql://postgres@/postgres?host={own}"
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                server.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait(STOP_LIMIT_S)


def folder() -> Path:
    """The root filesystem, made now where it is missing. Raises Impossible."""
    if os.geteuid() != 0:
        raise steps.Impossible("only root may chroot")
    place = CACHE / f"timescaledb-apache-{debian.key(PACKAGES, OPTIONS)}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
        if not place.is_dir():
            packages.install({"mmdebstrap": "mmdebstrap"})
            _make(place)
    return place


def _make(place: Path) -> None:
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        steps.run(
            "mmdebstrap",
            *debian.OPTIONS,
            *OPTIONS,
            f"--include={','.join(PACKAGES)}",
            debian.SUITE,
            part,
            limit_s=MAKE_LIMIT_S,
        )
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _give_away(own: Path, root: Path) -> None:
    """To the account that Debian's package made inside."""
    for line in (root / "etc/passwd").read_text().splitlines():
        name, _, user, group, *_ = line.split(":")
        if name == "postgres":
            os.chown(own, int(user), int(group))
            return
    raise steps.Impossible(f"{root} has no account postgres; remove the folder to have it made")


def _chroot(root: Path, *command: str | Path) -> list[str]:
    return ["chroot", "--userspec=postgres:postgres", str(root), *map(str, command)]


def _inside(root: Path, *command: str | Path) -> None:
    done = subprocess.run(
        _chroot(root, *command), capture_output=True, text=True, timeout=START_LIMIT_S, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"peer-missing: timescaledb-apache: {command[0]}: {done.stderr[-500:]}")


def _wait_until_ready(server: subprocess.Popen[bytes], root: Path, inside: Path, log: Path) -> None:
    until = time.monotonic() + START_LIMIT_S
    asked = _chroot(root, PROGRAMS / "pg_isready", "-q", "-h", inside)
    while subprocess.run(asked, timeout=START_LIMIT_S, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > until:
            pytest.fail(f"TimescaleDB, Apache edition, did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)


def _forget_old(root: Path) -> None:
    """What a killed run left."""
    for left in (root / "tmp").glob("pj-*"):
        if left.stat().st_mtime < time.time() - A_DAY_S:
            shutil.rmtree(left, ignore_errors=True)


if __name__ == "__main__":
    try:
        print(folder())
    except steps.Impossible as error:
        sys.exit(str(error))
