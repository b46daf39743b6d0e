"""Debian's packages that make the cluster: installed by root, named to anybody else."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.kind.machine.steps import Impossible

PROGRAMS = {
    "podman": "podman",
    "runc": "runc",
    "buildah": "buildah",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "mmdebstrap": "mmdebstrap",
    "iptables": "iptables",
    "ip": "iproute2",
}
"""A program, to the package that has it."""
INSTALL_LIMIT_S = 900
LOCK_LIMIT_S = 300


def missing(programs: dict[str, str]) -> list[str]:
    """The packages of those programs that are not there."""
    return [package for program, package in programs.items() if shutil.which(program) is None]


def install(programs: dict[str, str] = PROGRAMS) -> None:
    """Install what is missing. Raises Impossible, with the command, where that cannot be done."""
    packages = missing(programs)
    if not packages:
        return
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Impossible(f"{', '.join(packages)} must be installed for this. As root: {command}")
    _apt("update")
    _apt("install", "--yes", "--no-install-recommends", *packages)
    if left := missing(programs):
        raise Impossible(f"{', '.join(left)} cannot be found although {command} succeeded.")


def _apt(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_LIMIT_S}", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise Impossible(f"apt-get {' '.join(arguments)} failed: {done.stderr[-2_000:]}")
